"""The tables of lexicon.yaml, compiled once: phrases over word stems and Chinese characters, longest first."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from app.claims.stems import stem
from kb import vocabulary, yamlio

_FILE = Path(__file__).with_name("lexicon.yaml")
_PIECE = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?|\d+|[\u3400-\u9fff]|[^\s\w]")
_SIGNED = tuple("关闭 开启 打开 禁用 启用 不 无 未 没 非".split())  # glossary terms that begin with an opposite
_PLAIN_NAMES = ("gpu", "datasets")  # of the vocabulary; in prose they are words
CJK = re.compile(r"[\u3400-\u9fff]")


class Sense(NamedTuple):
    """What a phrase means: `kind` is axis, not, plain (a negation that is none), same, rel, bound, word or name."""

    kind: str
    key: str
    sign: int = 1


class Lexicon(NamedTuple):
    """Phrases by their first piece, longest first, and the smaller tables."""

    phrases: Mapping[str, list[tuple[tuple[str, ...], Sense]]]
    stop: frozenset[str]
    acronyms: frozenset[str]
    numbers: Mapping[str, int]
    units: Mapping[str, str]
    strengths: tuple["Strength", ...]
    bounds_before: tuple[tuple[re.Pattern[str], str], ...]
    bounds_after: tuple[tuple[re.Pattern[str], str], ...]
    good: re.Pattern[str]
    bad: re.Pattern[str]
    groups: Mapping[str, str]
    strong: frozenset[str]
    weak: frozenset[str]
    operators: Mapping[str, re.Pattern[str]]
    order_words: re.Pattern[str]
    opposed: tuple[tuple[str, str], ...]
    opposed_words: tuple[tuple[str, str], ...]
    negative: frozenset[str]
    roles: Mapping[str, frozenset[str]]
    frame: frozenset[str]


class Strength(NamedTuple):
    """Words that claim much, and the words of a source that allow it."""

    name: str
    claims: re.Pattern[str]
    allowed: re.Pattern[str]


def pieces(text: str) -> tuple[str, ...]:
    """A phrase as stems and Chinese characters."""
    return tuple(piece if CJK.match(piece) else stem(piece.lower().replace("’", "'")) for piece in _PIECE.findall(text))


def _listed(text: str | None) -> list[str]:
    """English phrases are separated by commas, Chinese ones by spaces."""
    text = text or ""
    if "," in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text.split() if CJK.search(text) else [text.strip()] if text.strip() else []


@cache
def tables() -> Mapping[str, Any]:
    """The tables as written."""
    return yamlio.load(_FILE.read_text(encoding="utf-8"), _FILE)[0]  # type: ignore[no-any-return]


@cache
def lexicon() -> Lexicon:
    """The compiled tables."""
    data = tables()
    table: dict[tuple[str, ...], Sense] = {}
    for phrase, sense in _senses(data):
        table[pieces(phrase)] = sense
    phrases: dict[str, list[tuple[tuple[str, ...], Sense]]] = {}
    for key in sorted((k for k in table if k), key=len, reverse=True):
        phrases.setdefault(key[0], []).append((key, table[key]))
    words = data["stop_en"].split() + data["zh_stop"].split()
    return Lexicon(
        phrases=phrases,
        stop=frozenset(stem(w) for w in words) | frozenset(words),
        acronyms=frozenset(data["common_acronyms"].split()),
        numbers={str(word): n for word, n in data["number_words"].items()},
        units={spelling: unit for unit, names in data["units"].items() for spelling in names.split()},
        strengths=tuple(
            Strength(s["name"], _either(_listed(s["words"]) + s["zh"].split()), _either(s["allowed_by"].split()))
            for s in data["strengths"]
        ),
        bounds_before=tuple(_bounds(data, "prefix", "zh_prefix", r"(?:version\s+|v\.?\s*|版本\s*)?$")),
        bounds_after=tuple(_bounds(data, "suffix", "zh_suffix", "")),
        good=_either(_listed(data["good"]) + data["good_zh"].split(), stems=True),
        bad=_either(_listed(data["bad"]) + data["bad_zh"].split(), stems=True),
        groups={axis["name"]: axis.get("group", axis["name"]) for axis in data["axes"]},
        strong=frozenset(axis["name"] for axis in data["axes"] if axis.get("strong") or axis.get("group")),
        weak=frozenset(axis["name"] for axis in data["axes"] if axis.get("weak")),
        operators={row["name"]: _any_of(f"{row['en']} {row['zh']}") for row in data["operators"]},
        order_words=_any_of(data["order_words"]),
        opposed=tuple((pair[0], pair[1]) for pair in data["opposed_characters"].split()),
        opposed_words=tuple(_pair(words) for words in data["opposed_words"].split()),
        negative=frozenset(data["negative_characters"]),
        roles={name: frozenset(words.split()) for name, words in data["axis_roles"].items()},
        frame=frozenset(data["evidence_frame"].split()),
    )


def _pair(words: str) -> tuple[str, str]:
    one, _, other = words.partition("/")
    return one, other


def _any_of(words: str) -> re.Pattern[str]:
    """A pattern for any of the words or expressions; English ones stand whole."""
    parts = sorted(words.split(), key=len, reverse=True)
    return re.compile("|".join(part if CJK.search(part) else rf"\b{part}\b" for part in parts), re.IGNORECASE)


def _senses(data: Mapping[str, Any]) -> Iterable[tuple[str, Sense]]:
    """All phrases with their sense; later ones win, so the general come first."""
    for zh, english in vocabulary.glossary().items():
        if zh.startswith(_SIGNED):
            continue  # "关闭思考" is a switch and a word
        key = "g:" + " ".join(pieces(english[0]))
        yield from ((word, Sense("word", key)) for word in (*english[1:], english[0], zh))
    for row in data["same"]:
        words = _listed(row)
        yield from ((word, Sense("word", "=" + words[0])) for word in words)
    yield from ((word, Sense("stop", word)) for word in data["zh_stop"].split() if len(word) > 1)
    for relation in data["relations"]:
        for side, sign in (("forward", 1), ("backward", -1)):
            yield from ((w, Sense("rel", relation["name"], sign)) for w in _listed(relation[side]) if " " in w)
    for name in ("components", "models", "hardware"):
        for key, more in vocabulary.table(name).items():
            if key not in _PLAIN_NAMES:
                yield from ((w, Sense("name", key)) for w in (key, *(more or ())) if len(w) > 2)
    for axis in data["axes"]:
        for side, sign in (("plus", 1), ("minus", -1)):
            words = _listed(axis[side]) + (axis.get("zh_" + side) or "").split()
            yield from ((word, Sense("axis", axis["name"], sign)) for word in words)
    for word, base in data["negated_words"].items():
        yield word, Sense("negated", " ".join(pieces(base)))
    yield from ((word, Sense("not", "not", -1)) for word in _listed(data["negations"]["en"]))
    yield from ((word, Sense("not", "not", -1)) for word in data["negations"]["zh"].split())
    yield from ((word, Sense("after", "not", -1)) for word in data["after_negations"].split())
    yield from ((word, Sense("after", "advice", -1)) for word in _listed(data["advice_against"]))
    yield from ((word, Sense("plain", word)) for word in _plain(data["not_negations"]))


def _plain(text: str) -> list[str]:
    """The exceptions: Chinese ones are single words, English ones begin with a negation."""
    english = re.split(r"\s+(?=no\b|not\b|nothing\b|whether\b|or not\b)", " ".join(re.findall(r"[A-Za-z. ]+", text)))
    return [w for w in text.split() if CJK.search(w)] + [w.strip() for w in english if " " in w.strip()]


def _either(words: Iterable[str], stems: bool = False) -> re.Pattern[str]:
    """A pattern for any of the words, whole words where they are English; `stems` allows endings."""
    parts = []
    for word in sorted(set(words), key=len, reverse=True):
        if CJK.search(word):
            parts.append(re.escape(word))
        else:
            start, end = (r"\b" if word[:1].isalnum() else ""), (r"\b" if word[-1:].isalnum() else "")
            body = re.escape(stem(word) if stems and " " not in word else word)
            parts.append(start + body + (r"\w*" if stems and len(word) > 3 else end))
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def _bounds(data: Mapping[str, Any], side: str, zh: str, end: str) -> Iterable[tuple[re.Pattern[str], str]]:
    """The words of each bound before or after a version, longest phrase first, with the bound's name."""
    rows = [(w, name) for name, row in data["bounds"].items() for w in _listed(row[side]) + (row[zh] or "").split()]
    for word, name in sorted(rows, key=lambda row: len(row[0]), reverse=True):
        left = r"(?<![A-Za-z])" if word[0].isalpha() and word[0].isascii() else ""
        if side == "prefix":
            yield re.compile(left + re.escape(word) + r"\s*" + end, re.IGNORECASE), name
        else:
            right = r"(?![A-Za-z])" if word[-1].isalpha() and word.isascii() else ""
            yield re.compile(r"[\s`\"'”]*(?:的?版本\s*)?" + re.escape(word) + right, re.IGNORECASE), name
