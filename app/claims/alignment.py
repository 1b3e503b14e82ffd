"""Polarity and attribution: each statement of a sentence is compared with the place in the source that fits it best.

A statement is an opposite ("remove", "upgrade"), a word under a negation, or a number or name; its surroundings,
weighted by closeness and by how telling they are, find its counterpart in the source (cf. monolingual alignment,
Sultan, Bethard and Sumner, 2014). The counterpart must have the same sign, and stand by the same number and name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from app.claims.facts import bounded
from app.claims.lexicon import lexicon
from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import Occurrence, Passage, Source, closeness, key_of
from kb.types import Lang

MIN_FIT = 0.18  # below it the surroundings say nothing about the statement
MIN_FIT_NAME = 0.35  # the same for names: "not X" is said of settings in passing
MIN_FIT_WEAK = 0.45  # the same for words that are opposites only sometimes
MARGIN = 0.04  # by which the opposite must fit better to count
RIVAL_MARGIN = 0.08  # the same for a number or name in another's place
RIVAL_MARGIN_NAME = 0.3  # the same for names of no known family
FIELD_BONUS = 1.1  # the cited field is nearer than the rest of the incident
NEAREST = 0.6  # of the best passage's overlap: passages that may be meant
MAX_NEAREST = 3
SWAP_MARGIN = 0.3  # of 2: how much better two names must fit in each other's place
COPY, MIN_COPY = 0.7, 3  # share of common keys, of all keys of both, that makes a sentence a copy
_PINNED = re.compile(r"\b(?:pin|stay|go back|install|use|downgrade)|锁|退|降|装|用", re.I)
_QUESTION = re.compile(r"\bwhether\b|是否|有没有|是不是", re.I)
_LISTED = 2  # tokens apart: members of one list, whose order says nothing
NEAR_OBJECT = 3  # words
_REACH = 60  # characters after "whether" that ask
_ATOMS, _WORDS = frozenset({"num", "version", "name"}), frozenset({"word", "axis"})
_TERMS = ("word", "name", "code", "num", "version", "axis")


class Claim:
    """A sentence with its items and what it may rest on."""

    def __init__(self, text: str, items: Sequence[Item], field: str, sources: Sequence[Source], lang: Lang) -> None:
        self.text, self.items, self.field, self.sources, self.lang = text, list(items), field, sources, lang

    @cached_property
    def keys(self) -> frozenset[str]:
        """Its terms."""
        return frozenset(key_of(item) for item in self.items if item.kind in _TERMS)

    @cached_property
    def nearest(self) -> list[tuple[Passage, Source]]:
        """The passages it shares most with, best first."""
        ranked = sorted(
            ((self._overlap(passage, source), -at, passage, source) for source in self.sources
             for at, passage in enumerate(source.in_language(self.lang)) if not self.keys.isdisjoint(passage.keys)),
            key=lambda row: row[:2], reverse=True,
        )  # fmt: skip
        return [(p, s) for score, _, p, s in ranked[:MAX_NEAREST] if score >= NEAREST * ranked[0][0]]

    def _overlap(self, passage: Passage, source: Source) -> float:
        score = sum(source.weights.get(key, 0.0) for key in self.keys & passage.keys)
        return score * FIELD_BONUS if passage.field == self.field else score

    def places(self, source: Source, item: Item) -> Iterator[Occurrence]:
        """Where an item's key occurs in text of the sentence's language and in code."""
        return (o for o in source.occurrences.get(key_of(item), ()) if source.speaks(o.passage, self.lang))

    def said(self, item: Item) -> str:
        """The words of an item."""
        return self.text[item.start : item.end] or item.key

    def around(self, at: int) -> dict[str, float]:
        """The surroundings of an item."""
        return closeness(self.items, at)

    def fit(self, around: Mapping[str, float], found: Occurrence, weights: Mapping[str, float]) -> float:
        """How well surroundings match those of a place in the source, 0 to about 1."""
        there = found.passage.closeness(found.at)
        total = shared = 0.0
        for key, near in around.items():
            weight = weights.get(key, 0.5) * near
            total += weight
            if key in there:
                shared += weights.get(key, 0.5) * min(near, there[key])
        score = shared / total if total else 0.0
        return score * FIELD_BONUS if found.passage.field == self.field else score


class Signs(NamedTuple):
    """The best fit among places with the same sign, and among those with the opposite one."""

    same: float
    opposite: float


# --- polarity ----------------------------------------------------------------


def polarity_problems(claim: Claim, settled: Sequence[tuple[int, int]]) -> Iterator[Problem]:
    """Statements whose best counterpart says the opposite; not in questions and not in `settled` spans."""
    questions = [found.start() for found in _QUESTION.finditer(claim.text)]
    asked = {item.clause for item in claim.items for start in questions if 0 <= item.start - start <= _REACH}
    for at, item in enumerate(claim.items):
        if item.kind not in ("axis", "word", "code", "name") or item.sign == 0:
            continue
        if item.clause in asked or any(start <= item.start < end for start, end in settled):
            continue
        if _axis_turned(claim, at) if item.kind == "axis" else _word_turned(claim, at):
            yield Problem("polarity", claim.said(item))


def removal_problems(claim: Claim) -> Iterator[Problem]:
    """Taking away a name that the incident nowhere takes away or negates."""
    for at, item in enumerate(claim.items):
        if item.kind != "axis" or item.sign >= 0 or lexicon().groups[item.key] != "presence":
            continue
        name = next((o for o in claim.items[at + 1 : at + 3] if o.kind == "name" and o.clause == item.clause), None)
        if name is None or name.sign <= 0 or name.at - item.at > 4:
            continue
        places = [found for s in claim.sources for found in s.occurrences.get(name.key, ())]
        if places and not any(negative(p.passage.items, p.item.clause) or p.item.sign <= 0 for p in places):
            yield Problem("polarity", f"{claim.said(item)} {claim.said(name)}: nothing there takes it away")


def verdict_problems(claim: Claim) -> Iterator[Problem]:
    """ "This is the cause" said of a condition of which the check says something else."""
    if claim.field != "check" or ("=cause" not in claim.keys and "=原因" not in claim.keys):
        return
    key = "=cause" if "=cause" in claim.keys else "=原因"
    rest = Claim(claim.text, [i for i in claim.items if i.key != key], claim.field, claim.sources, claim.lang)
    if rest.nearest and key not in rest.nearest[0][0].keys:
        yield Problem("attribution", "the check says something else of this condition")


def cure_problems(claim: Claim) -> Iterator[Problem]:
    """A version said to cure, of which no passage says so."""
    for item in claim.items:
        if claim.field == "evidence" or item.kind != "version" or not _curing(claim.items, item):
            continue
        places = [found for s in claim.sources for found in s.occurrences.get(item.key, ())]
        if places and not any(_curing(found.passage.items, found.item) for found in places):
            yield Problem("attribution", f"{claim.said(item)}: no passage names it as the cure")


def move_problems(claim: Claim) -> Iterator[Problem]:
    """Going back to a version of which the source never says so."""
    for item in claim.items:
        if item.kind != "version" or not _backward(claim.items, claim.text, item):
            continue
        places = [o for s in claim.sources for o in s.occurrences.get(item.key, ())]
        if places and not any(_backward(o.passage.items, o.passage.text, o.item) for o in places):
            yield Problem("polarity", f"{claim.said(item)}: nobody went back to it there")


def _backward(items: Iterable[Item], text: str, version: Item) -> bool:
    if bounded(text, version).bound in ("lt", "le") and version.clause >= 0 and _PINNED.search(text):
        return True
    return any(i.key == "release" and i.sign < 0 and i.clause == version.clause for i in items)


def _curing(items: Iterable[Item], version: Item) -> bool:
    for i in items:
        if i.kind == "axis" and i.sign > 0 and i.clause == version.clause:
            if i.key in ("helps-or-not", "release", "needed-or-optional"):
                return True
            if i.key in ("on-off", "use") and 0 < version.at - i.at <= NEAR_OBJECT + 1:
                return True
    return False


def _axis_turned(claim: Claim, at: int) -> bool:
    item, lex = claim.items[at], lexicon()
    if item.key == "with" and not _of_name(claim.items, at):
        return False
    everywhere = item.key in lex.strong
    signs = _signs(claim, at, None if everywhere else {id(p) for p, _ in claim.nearest})
    least = MIN_FIT_WEAK if item.key in lex.weak else MIN_FIT
    return signs.opposite > least and signs.opposite > signs.same + MARGIN


def _of_name(items: Sequence[Item], at: int) -> bool:
    """Whether what follows is a name or number: "with each request" opposes nothing."""
    return at + 1 < len(items) and items[at + 1].kind != "word" and items[at + 1].at - items[at].at <= NEAR_OBJECT


def _word_turned(claim: Claim, at: int) -> bool:
    """A word negated on one side only; an opposite in the same part ("leave out the template") is a negation too."""
    item = claim.items[at]
    if item.sign > 0 and negative(claim.items, item.clause):
        return False
    signs = _signs(claim, at, {id(p) for p, _ in claim.nearest})
    least = MIN_FIT if item.kind == "word" else MIN_FIT_NAME
    return signs.opposite > least and signs.opposite > signs.same + MARGIN


def negative(items: Iterable[Item], clause: int) -> bool:
    """Whether a part negates something or takes something away."""
    groups = lexicon().groups
    return any(
        i.clause == clause
        and (i.kind in ("not", "after") or (i.kind == "axis" and i.sign < 0 and groups[i.key] == "presence"))
        for i in items
    )


def _signs(claim: Claim, at: int, within: set[int] | None) -> Signs:
    item, around = claim.items[at], claim.around(at)
    same = opposite = 0.0
    for source in claim.sources:
        for found in claim.places(source, item):
            other = found.item
            if other.sign == 0 or (within is not None and id(found.passage) not in within):
                continue
            score = claim.fit(around, found, source.weights)
            if other.sign == item.sign:
                same = max(same, score)
            elif item.kind == "axis" or item.sign > 0 or not negative(found.passage.items, other.clause):
                opposite = max(opposite, score)
    return Signs(same, opposite)


def copy_problems(claim: Claim) -> Iterator[Problem]:
    """A sentence with nearly all words of a passage must have its negations and opposites too."""
    if len(claim.keys) < MIN_COPY:
        return
    worst: Problem | None = None
    for source in claim.sources:
        for passage in source.in_language(claim.lang):
            common = claim.keys & passage.keys
            if len(common) < COPY * len(claim.keys):
                continue
            if len(common) < COPY * len(claim.keys | frozenset(key_of(i) for i in passage.items if i.kind in _TERMS)):
                continue
            if not (wrong := _differences(claim.items, passage.items)):
                return
            worst = Problem("polarity", f"differs in {wrong}")
    if worst:
        yield worst


def _differences(items: Sequence[Item], others: Sequence[Item]) -> str:
    """What two texts of the same words negate differently."""
    if sum(i.kind == "not" for i in items) != sum(i.kind == "not" for i in others):
        return "its negations"
    for axis in {i.key for i in items if i.kind == "axis"} & {i.key for i in others if i.kind == "axis"}:
        if {i.sign for i in items if i.key == axis}.isdisjoint({i.sign for i in others if i.key == axis}):
            return axis
    if _order(items, _ATOMS) != _order(others, _ATOMS) and _order(items, _WORDS) == _order(others, _WORDS):
        return (
            "the order of names or numbers" if sorted(_order(items, _ATOMS)) == sorted(_order(others, _ATOMS)) else ""
        )
    return ""


def _order(items: Sequence[Item], kinds: frozenset[str]) -> list[str]:
    return [item.key for item in items if item.kind in kinds]


# --- attribution --------------------------------------------------------------


def attribution_problems(claim: Claim) -> Iterator[Problem]:
    """Numbers, versions and names that stand where the source has another of their kind."""
    for at, item in enumerate(claim.items):
        if item.kind not in ("num", "version", "name"):
            continue
        around = claim.around(at)
        own = max((claim.fit(around, o, s.weights) for s in claim.sources for o in claim.places(s, item)), default=0)
        rival, name = _best_rival(claim, item, around)
        margin = RIVAL_MARGIN if item.kind != "name" or item.unit else RIVAL_MARGIN_NAME
        if rival > own + margin:
            yield Problem("attribution", f"{claim.said(item)}: there it is {name}")
    yield from _swaps(claim)


def tool_problems(claim: Claim) -> Iterator[Problem]:
    """A flag, variable or key given to a tool, where the source has it for others only."""
    for item in claim.items:
        if item.kind != "name" or item.unit == "known" or not (item.unit or "_" in item.key):
            continue
        tools = [
            i
            for i in claim.items
            if i.unit == "known" and i.kind == "name" and i.clause in (item.clause, item.clause - 1)
        ]
        if len(tools) != 1:
            continue
        found = [o.passage for s in claim.sources for o in s.occurrences.get(item.key, ())]
        of = [{i.key for i in p.items if i.kind == "name" and i.unit == "known"} for p in found]
        if any(of) and not any(tools[0].key in keys for keys in of):
            yield Problem("attribution", f"{claim.said(item)}: not of {claim.said(tools[0])} there")


def _best_rival(claim: Claim, item: Item, around: Mapping[str, float]) -> tuple[float, str]:
    best, name = 0.0, ""
    for passage, source in claim.nearest:
        for at, other in enumerate(passage.items):
            if other.kind != item.kind or other.unit != item.unit or other.key == item.key or other.key in around:
                continue
            if item.key in other.key or other.key in item.key:
                continue
            score = claim.fit(around, Occurrence(passage, at), source.weights)
            if score > best:
                best, name = score, other.key
    return best, name


def _swaps(claim: Claim) -> Iterator[Problem]:
    """Two names, numbers or words of a passage, each with the other's surroundings."""
    for passage, source in claim.nearest[:2]:
        places = _once(passage.items)
        mine = _once(claim.items)
        shared = [at for key, at in mine.items() if key in places and claim.items[at].kind in _TERMS]
        for n, i in enumerate(shared):
            for j in shared[n + 1 :]:
                if _swapped(claim, i, j, passage, places, source.weights):
                    yield Problem(
                        "attribution", f"{claim.said(claim.items[i])} and {claim.said(claim.items[j])} changed places"
                    )
                    return


def _once(items: Sequence[Item]) -> dict[str, int]:
    """Where the keys stand that occur once."""
    counts = Counter(key_of(item) for item in items)
    return {key_of(item): at for at, item in enumerate(items) if counts[key_of(item)] == 1}


def _swapped(
    claim: Claim, i: int, j: int, passage: Passage, places: Mapping[str, int], weights: Mapping[str, float]
) -> bool:
    first, second = claim.items[i], claim.items[j]
    if first.key == second.key or not _comparable(first, second) or abs(first.at - second.at) <= _LISTED:
        return False
    mine, other = Occurrence(passage, places[key_of(first)]), Occurrence(passage, places[key_of(second)])
    a, b = _without(claim.around(i), second), _without(claim.around(j), first)
    straight = claim.fit(a, mine, weights) + claim.fit(b, other, weights)
    crossed = claim.fit(a, other, weights) + claim.fit(b, mine, weights)
    return crossed > straight + SWAP_MARGIN


def _comparable(first: Item, second: Item) -> bool:
    """Alike, or statements of different parts."""
    alike = first.kind == second.kind and first.unit == second.unit
    said = {first.kind, second.kind}
    return said.isdisjoint({"axis", "code"}) and (alike or first.clause != second.clause)


def _without(around: Mapping[str, float], item: Item) -> dict[str, float]:
    return {key: near for key, near in around.items() if key != key_of(item)}
