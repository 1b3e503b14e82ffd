"""Bounds of versions and numbers, and key–value pairs, as a text states them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.claims.lexicon import lexicon
from app.claims.reading import Item
from app.claims.tokens import normal, number

_WINDOW = 48  # characters around a number that are looked at for a bound
_CLAUSE = re.compile(r"[;；。!?！？:：]|[,，](?!\d)|\.(?=\s|$)|\b(?:but|while|whereas)\b|但|而")
Bound = str  # ge, gt, le, lt, or at: named without a bound
_OPPOSITE = {"ge": "lt", "lt": "ge", "le": "gt", "gt": "le"}
_UP, _DOWN = ("ge", "gt"), ("le", "lt")


class Bounded(NamedTuple):
    """How a version or number is bounded, and whether the words beside call that side good (1), bad (-1) or neither."""

    bound: Bound
    value: int


def bounded(text: str, item: Item) -> Bounded:
    """The bound of a number or version item within its text."""
    before = text[max(0, item.start - _WINDOW) : item.start]
    bound = suffix_bound(text, item)
    if bound is None:
        bare = before.rstrip("`\"'“ ")
        bound = next((name for pattern, name in lexicon().bounds_before if pattern.search(bare + " ")), None)
    return Bounded(bound or "at", _valence(text, item))


def suffix_bound(text: str, item: Item) -> Bound | None:
    """The bound that stands behind an item: "Ampere or later"."""
    after = text[item.end : item.end + _WINDOW]
    return next((name for pattern, name in lexicon().bounds_after if pattern.match(after)), None)


def _valence(text: str, item: Item) -> int:
    left = [m.end() for m in _CLAUSE.finditer(text, 0, item.start)]
    right = _CLAUSE.search(text, item.end)
    clause = text[left[-1] if left else 0 : right.start() if right else len(text)]
    good, bad = lexicon().good.search(clause) is not None, lexicon().bad.search(clause) is not None
    return int(good) - int(bad)


def version_agrees(claim: Bounded, source: Bounded) -> bool:
    """Whether a bounded version says what the source's does, or its complement about the other side."""
    opposed = claim.value * source.value < 0
    if claim.bound == source.bound:
        return not opposed or claim.bound == "at"
    if _OPPOSITE.get(claim.bound) == source.bound:
        return claim.value != source.value
    if claim.bound == "at":
        return not opposed if source.bound in _UP else opposed
    if source.bound == "at":
        return source.value >= 0 if claim.bound == "ge" else claim.bound == "lt" and opposed
    return False


def number_agrees(claim: Bounded, source: Bounded) -> bool:
    """Whether a bounded number does not point the other way."""
    return not ((claim.bound in _UP and source.bound in _DOWN) or (claim.bound in _DOWN and source.bound in _UP))


# --- pairs ------------------------------------------------------------------

_KEY = r"(?P<key>--?[A-Za-z][\w.-]*|[A-Za-z][\w]*(?:[._/-]\w+)*)"
_VALUE = (
    r"(?P<value>\"[^\"]{1,80}\"|'[^']{1,80}'"
    r"|[-+]?\d[\d_,]*(?:\.\d+)*(?:e[-+]?\d+)?(?![\w%])|<\|?\w+\|?>|[A-Za-z][\w.:/-]*)"
)
_LINK = (
    r"(?:\s*(?:=>|->|→|==?|:|：)\s*"
    r"|\s+(?:from\s+\S+\s+)?(?:is\s+|was\s+|are\s+|be\s+)?(?:set\s+|changed\s+|lowered\s+|raised\s+|reduced\s+|increased\s+)?(?:to|at|as|of|is|equals|was)\s+"
    r"(?:the\s+value\s+(?:of\s+)?)?"
    r"|\s*(?:的值)?(?:被)?(?:从\s*\S+\s*)?(?:设置|设定|设|改|调|调整|配置|写|调大|调小|降低|提高|增大|减小|降|升)?(?:成|为|到|至|是|等于)\s*)"
)
_PAIR = re.compile(rf"(?<![\w./-]){_KEY}[`\"'”]*{_LINK}[`“]*{_VALUE}", re.ASCII)
_FLAG = re.compile(
    r"(?<![\w-])(?P<key>--[A-Za-z][\w-]*)(?:\s+|=)(?P<value>[\"']?[A-Za-z0-9][\w./:+-]*[\"']?)", re.ASCII
)
_KEYLIKE = re.compile(r"[_\d]|^-|[a-z][A-Z]|\w\.\w|^[A-Z_]{3,}$")
TRUE, FALSE = frozenset({"true", "on", "yes", "enabled"}), frozenset({"false", "off", "no", "disabled"})
_NO_VALUE = frozenset(
    """a an the this that it its in on at for to of and or not is are be by with as if when so then too less more most
    one any each your you we they there here now always never still only also than from into until before after large
    small low high lower higher larger smaller zero same different missing absent present wrong right set used
    """.split()
)


class Pair(NamedTuple):
    """A key and its value in normal form."""

    key: str
    value: str


def value_of(raw: str) -> str:
    """A value as it is compared."""
    text = raw.strip("\"'`“”.,;").casefold()
    if text in TRUE:
        return "true"
    if text in FALSE:
        return "false"
    return number(text) if text[:1].isdigit() or text[:1] in "+-." else text


def pairs(text: str, code: bool = False) -> Iterator[tuple[Pair, int]]:
    """The pairs that a text states, each with the offset of its key; `code` for lines of code blocks."""
    for pattern in (_PAIR, _FLAG):
        for found in pattern.finditer(text):
            key, raw = found["key"], found["value"]
            ticked = text[found.start("key") - 1 : found.start("key")] == "`"
            if not (code or ticked or _KEYLIKE.search(key)) or key.lower().endswith(
                ("http", "https", "error", "exception")
            ):
                continue
            if raw.lower() in _NO_VALUE and raw[:1] not in "\"'":
                continue
            quoted = raw[:1] in "\"'" or text[found.start("value") - 1 : found.start("value")] in ("`", "“")
            word = raw.isalpha() and value_of(raw) not in ("true", "false", "none", "null", "auto")
            if word and not quoted and not code and not re.search(r"[=:：]\s*$", text[: found.start("value")]):
                continue  # "key is wrong", "overlap_comm to avoid": words, not values
            yield Pair(normal(key), value_of(raw)), found.start("key")
