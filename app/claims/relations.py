"""Direction: what causes what, what comes first, what is larger, as the source has it and not the other way round."""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from app.claims.clauses import key_of
from app.claims.lexicon import CJK, tables
from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import Passage, Source

MARGIN = 0.25  # by which the crossed reading must fit better, of 2
MIN_CROSSED = 1.0
_PAUSE = re.compile(r"[,，;；:：]")


class Relation(NamedTuple):
    """`first` stands before `second` in the order of the relation (cause before effect)."""

    name: str
    first: frozenset[str]
    second: frozenset[str]
    span: tuple[int, int]


class _Word(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    sign: int
    prefix: bool  # may only open the first part: 因为 A,B


@cache
def _words() -> tuple[_Word, ...]:
    rows: list[_Word] = []
    for row in tables()["relations"]:
        rows += _forms(row)
    return tuple(rows)


def _forms(row: Any) -> Iterator[_Word]:
    for sign, english, chinese in ((1, "forward", "zh_forward"), (-1, "backward", "zh_backward")):
        words = [w.strip() for w in (row[english] or "").split(",") if w.strip()] + (row[chinese] or "").split()
        if words:
            yield _Word(row["name"], _either(words), sign, False)
    if row["zh_prefix"]:
        yield _Word(row["name"], _either(row["zh_prefix"].split()), -1, True)


def _either(words: Sequence[str]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile("|".join(re.escape(w) if CJK.search(w) else rf"\b{re.escape(w)}\b" for w in longest), re.I)


def relations(text: str, items: Sequence[Item]) -> Iterator[Relation]:
    """The relations of one sentence; the parts are the keys on each side."""
    for word in _words():
        for found in word.pattern.finditer(text):
            left, right = _sides(text, items, found.start(), found.end())
            sign = word.sign
            if left and right and not (left <= right or right <= left):
                first, second = (left, right) if sign > 0 else (right, left)
                yield Relation(word.name, first - second, second - first, found.span())


def _sides(text: str, items: Sequence[Item], start: int, end: int) -> tuple[frozenset[str], frozenset[str]]:
    """The keys before and after a relation word; a word that opens the sentence has its parts split by the pause."""
    left = _keys(items, 0, start)
    if left or (pause := _PAUSE.search(text, end)) is None:
        return left, _keys(items, end, len(text))
    return _keys(items, pause.end(), len(text)), _keys(items, end, pause.start())


def _keys(items: Sequence[Item], start: int, end: int) -> frozenset[str]:
    return frozenset(
        key_of(i)
        for i in items
        if start <= i.start < end and i.kind in ("word", "name", "code", "num", "version", "axis")
    )


def direction_problems(text: str, items: Sequence[Item], sources: Sequence[Source]) -> Iterator[Problem]:
    """Relations turned round."""
    for claim in relations(text, items):
        straight, crossed = _compare(claim, sources)
        if crossed > straight + MARGIN and crossed >= MIN_CROSSED and straight <= crossed / 2:
            yield Problem("direction", text[claim.span[0] : claim.span[1]])


def _compare(claim: Relation, sources: Sequence[Source]) -> tuple[float, float]:
    best = (0.0, 0.0)
    for source in sources:
        for passage in source.passages:
            if not (claim.first & passage.keys and claim.second & passage.keys):
                continue
            for other in _of_passage(passage):
                if other.name == claim.name:
                    found = _shares(claim, other)
                    best = max(best, found, key=max)
    return best


@lru_cache(1 << 14)
def _of_passage(passage: Passage) -> list[Relation]:
    return list(relations(passage.text, passage.items))


def _shares(claim: Relation, other: Relation) -> tuple[float, float]:
    def share(mine: frozenset[str], theirs: frozenset[str]) -> float:
        return len(mine & theirs) / len(mine) if mine else 0.0

    straight = share(claim.first, other.first) + share(claim.second, other.second)
    crossed = share(claim.first, other.second) + share(claim.second, other.first)
    return straight, crossed
