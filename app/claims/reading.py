"""A sentence or a passage as items that can be compared: names, numbers, opposites, negations, words, bounds.

Items stand in order; `clause` counts the parts between punctuation and conjunctions. Negations are resolved here: the
first statement after one carries sign −1, the others in its reach sign 0 (not known).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from app.claims.lexicon import CJK, Sense, lexicon
from app.claims.stems import stem
from app.claims.tokens import SHAPE, Token, normal, number, tokens

_ACRONYM = re.compile(r"[A-Z]{2,}s?")
_VERSION = re.compile(r"^[vV]?\d+\.\d+(?:\.\w+)*$")
_CONJUNCTION = frozenset(
    stem(word) for word in "but while whereas although though if when unless because since so until therefore".split()
)
_HAN_CONJUNCTION = ("但", "而", "如果", "若", "时", "则", "因为", "所以", "否则")
_NO = frozenset({"no", "nothing", "none", "neither", "没有", "无"})
_ABBREVIATIONS = frozenset({"e.g", "i.e", "etc", "vs", "and/or", "a.k.a"})
_AUXILIARIES = frozenset("do be not have will can cannot must should would could may might never".split())
_REACH = 4  # items a negation may reach: "does not change the loss" but not the next statement
_MAGNITUDES = {"k": 1e3, "K": 1e3, "万": 1e4, "亿": 1e8, "thousand": 1e3, "million": 1e6, "billion": 1e9}


class Item(NamedTuple):
    """One comparable thing. `kind`: name, code, num, version, url, cite, axis, word, rel, not, after, op."""

    kind: str
    key: str
    sign: int
    at: float  # its place in words; a Chinese character counts a half
    clause: int
    start: int  # offset in the text
    end: int
    unit: str = ""  # of a number; of a name its family: known (to the vocabulary), flag, variable


def read(text: str, code: bool = False) -> list[Item]:
    """The items of a text."""
    row = tokens(text, code)
    places = list(accumulate((0.5 if token.kind == "han" else 1.0 for token in row), initial=0.0))
    found = [item._replace(at=places[int(item.at)]) for item in _items(text, row)]
    return _negated(text, found)


def _items(text: str, row: Sequence[Token]) -> Iterator[Item]:
    at = clause = 0
    while at < len(row):
        token = row[at]
        if token.kind == "stop":
            clause += token.text not in "、"
            at += 1
            continue
        if token.kind in ("num", "alnum"):
            used, item = _number(row, at, clause)
            yield item
            at += used
            continue
        clause += _starts_predicate(row, at)
        length, sense = _phrase(row, at)
        if sense is None:
            if (token.norm in _CONJUNCTION and token.kind == "name") or token.text in _HAN_CONJUNCTION:
                clause += 1
            item_or_none = _single(row, at, clause)
            if item_or_none is not None:
                yield item_or_none
            at += 1
            continue
        if sense.key in _HAN_CONJUNCTION or sense.key in _CONJUNCTION:
            clause += 1
        yield from _from_sense(sense, row, at, length, clause)
        at += length


def _starts_predicate(row: Sequence[Token], at: int) -> bool:
    """Whether an "and" begins a statement of its own: "and does not …"."""
    if row[at].norm not in ("and", "or") or at + 1 >= len(row):
        return False
    following = row[at + 1].norm
    return following in _AUXILIARIES or following.endswith("n't")


def _phrase(row: Sequence[Token], at: int) -> tuple[int, Sense | None]:
    token = row[at]
    if token.kind not in ("name", "han") or (token.code and SHAPE.search(token.text)):
        return 1, None
    for phrase, sense in lexicon().phrases.get(token.norm, ()):
        size = len(phrase)
        if size == 1 or (at + size <= len(row) and all(row[at + i].norm == phrase[i] for i in range(1, size))):
            return size, sense
    return 1, None


def _from_sense(sense: Sense, row: Sequence[Token], at: int, length: int, clause: int) -> Iterator[Item]:
    start, end = row[at].start, row[at + length - 1].end
    if sense.kind in ("stop", "plain"):
        return
    if sense.kind == "negated":
        yield Item("not", "not", -1, at, clause, start, start)
        base = _base(sense.key)
        yield Item(base.kind, base.key, base.sign, at, clause, start, end)
        return
    if row[at].norm == "keep" and length == 1 and _goes_on(row, at):
        return
    if row[at].code and length == 1 and sense.kind != "name":
        yield Item("code", normal(row[at].text), 1, at, clause, start, end)
        return
    unit = "known" if sense.kind == "name" else ""
    yield Item(sense.kind, sense.key, sense.sign, at, clause, start, end, unit)


def _goes_on(row: Sequence[Token], at: int) -> bool:
    """ "keep raising", "keep less": not the keeping of a thing."""
    following = row[at + 1].text.lower() if at + 1 < len(row) else ""
    return following.endswith("ing") or following in ("less", "more", "in", "an", "track")


def _base(key: str) -> Sense:
    row = [Token("han" if CJK.match(p) else "name", p, p, 0, 0, False) for p in key.split()]
    return _phrase(row, 0)[1] or Sense("word", key.replace(" ", "") if CJK.search(key) else key)


_PARTICLES = {"on": 1, "off": -1, "out": -1, "in": 1, "back": 1}
_AFTER_PARTICLE = frozenset({"and", "or", "when", "if", "so", "then"})
_PARTED = frozenset(stem(word) for word in "turn switch leave take put be keep with set".split())


def _switch(row: Sequence[Token], at: int, clause: int) -> Item | None:
    """The particle of a parted verb: "leave the key out", "switch both on"."""
    token = row[at]
    sign = _PARTICLES.get(token.text.lower(), 0)
    if not sign or token.code:
        return None
    following = row[at + 1] if at + 1 < len(row) else None
    ends = following is None or following.kind in ("stop", "cite") or following.norm in _AFTER_PARTICLE
    before = [other for other in row[max(0, at - 7) : at] if other.kind != "stop"]
    if ends and any(other.norm in _PARTED for other in before) and not any(other.norm == "from" for other in before):
        return Item("axis", "on-off", sign, at, clause, token.start, token.end)
    return None


def _single(row: Sequence[Token], at: int, clause: int) -> Item | None:
    token = row[at]
    if token.kind == "han":
        if token.text in lexicon().stop:
            return None
        following = row[at + 1] if at + 1 < len(row) else None
        pair = following is not None and following.kind == "han" and following.start == token.end
        if not pair or following is None or _phrase(row, at + 1)[1] is not None or following.text in lexicon().stop:
            before = row[at - 1] if at else None
            if (
                before is not None
                and before.kind == "han"
                and before.end == token.start
                and _phrase(row, at - 1)[1] is None
            ):
                return None  # already the second half of a pair
            return Item("word", token.text, 1, at, clause, token.start, token.end)
        return Item("word", token.text + following.text, 1, at, clause, token.start, following.end)
    if token.kind == "cite" and token.code:
        return None  # an index: x[0]
    if token.kind in ("url", "cite", "op"):
        return Item(token.kind, token.text.rstrip(".,"), 1, at, clause, token.start, token.end)
    if token.kind == "special":
        return Item("name", token.text.lower(), 1, at, clause, token.start, token.end)
    if token.text.lower() in _ABBREVIATIONS:
        return None
    if token.code or SHAPE.search(token.text):
        return _name(token, at, clause)
    if token.norm in lexicon().stop or len(token.norm) < 2:
        return _switch(row, at, clause)
    if token.norm in lexicon().numbers:
        return Item("num", str(lexicon().numbers[token.norm]), 1, at, clause, token.start, token.end)
    return Item("word", token.norm, 1, at, clause, token.start, token.end)


def _name(token: Token, at: int, clause: int) -> Item:
    """A name by its shape, or a plain word in inline code; acronyms that everyone uses are words."""
    text = token.text
    if _ACRONYM.fullmatch(text):
        text = text.removesuffix("s")
        if not token.code and text.lower() in lexicon().acronyms:
            return Item("word", text.lower(), 1, at, clause, token.start, token.end)
    kind = "name" if SHAPE.search(text) else "code"
    family = "flag" if text.startswith("--") else "variable" if text.isupper() and "_" in text else ""
    return Item(kind, normal(text), 1, at, clause, token.start, token.end, family)


def _number(row: Sequence[Token], at: int, clause: int) -> tuple[int, Item]:
    """A number with its unit, or a version."""
    token = row[at]
    if token.kind == "alnum":
        return 1, Item("name", normal(token.text), 1, at, clause, token.start, token.end)
    text, used, end, unit = token.text, 1, token.end, ""
    value = number(text)
    following = row[at + 1] if at + 1 < len(row) else None
    if following is not None and following.text in _MAGNITUDES and following.start - token.end <= 1:
        value = _scaled(value, _MAGNITUDES[following.text])
        used, end = 2, following.end
    unit, more = _unit(row, at + used, end)
    attached = following is not None and following.kind == "name" and following.start == token.end
    if following is not None and attached and used == 1 and (not more or _is_model_number(value, following.text)):
        joined = text + following.text  # 3090s, 4bit, 16k
        return 2, Item("name", normal(joined).removesuffix("s"), 1, at, clause, token.start, following.end)
    end = row[at + used + more - 1].end
    kind = "version" if not unit and (text[:1] in "vV" or _VERSION.match(text)) else "num"
    return used + more, Item(kind, value, 1, at, clause, token.start, end, unit)


def _is_model_number(value: str, unit: str) -> bool:
    """3090s are cards, not seconds."""
    return unit == "s" and value.isdigit() and int(value) >= 1000


def _scaled(value: str, factor: float) -> str:
    try:
        return f"{float(value) * factor:.10g}"
    except ValueError:
        return value


def _unit(row: Sequence[Token], at: int, end: int) -> tuple[str, int]:
    """The unit that begins at a token, and how many tokens it takes."""
    joined = ""
    best = ("", 0)
    for used in range(1, 4):
        if at + used > len(row):
            break
        token = row[at + used - 1]
        if token.start - end > 1 or token.kind not in ("name", "han"):
            break
        joined, end = joined + token.text.lstrip("-"), token.end
        unit = lexicon().units.get(joined) or lexicon().units.get(joined.lower() if len(joined) > 1 else joined)
        if unit:
            best = unit, used
    return best


def _negated(text: str, items: list[Item]) -> list[Item]:
    """Negations applied: the first statement after one turns its sign, the next ones in reach have none."""
    signs = [item.sign for item in items]
    for i, item in enumerate(items):
        if item.kind == "after" and i:
            advised = [j for j in range(i) if items[j].key in ("on-off", "use") and items[j].clause == item.clause]
            turned = advised[0] if item.key == "advice" and advised else i - 1
            signs[turned] = -signs[turned]
        if item.kind != "not":
            continue
        if i and items[i - 1].at >= item.at - 2 and text[item.start : item.end].lower() in _NO:
            signs[i - 1] = 0  # "knows no turns" is "does not know turns"
        reached = _reached(items, i)
        head = next((j for j in reached if items[j].kind in ("word", "axis", "code")), reached[0] if reached else None)
        for j in reached:
            signs[j] = -signs[j] if j == head else 0 if items[j].kind == "word" else signs[j]
    return [item._replace(sign=sign) if sign != item.sign else item for item, sign in zip(items, signs, strict=True)]


def _reached(items: list[Item], at: int) -> list[int]:
    """The items that a negation may turn round: the next few of its part."""
    found: list[int] = []
    for j in range(at + 1, len(items)):
        other = items[j]
        if other.clause != items[at].clause or other.kind == "not" or len(found) >= _REACH:
            break
        if other.kind not in ("cite", "op", "rel", "after"):
            found.append(j)
    return found
