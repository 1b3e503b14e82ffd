"""What speaks against a sentence beside its counterparts: a unit of one that the other lacks, or has elsewhere.

The sentence may leave out and may say the same in other words of the glossary; it may not add, negate, exchange,
widen or draw together what stands in different places.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

from app.claims.alignment import Claim
from app.claims.clauses import Clauses, han, key_of
from app.claims.counterpart import ANCHORS, HELD, TELLING, Counterpart, counterparts
from app.claims.lexicon import lexicon
from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import IncidentSource

MAX_NEW = 3.0  # words without a counterpart in a sentence of NEW_LENGTH words and more
NEW_LENGTH = 16
MIN_HELD = 0.45  # share of a part
MAX_CROSSED = 0.5  # share of a part's pairs of terms
COPIED, MIN_COPIED = 1.35, 5  # a source not much longer, characters
_ADDED, _MISSING = ("all", "only", "enough", "sequence"), ("only", "except", "maybe")
BOUND = 40  # characters
NEAR_PASSAGES = 2  # before one that points back
_POINTS_BACK = re.compile(
    r"\b(?:it|this|that|these|those|the (?:key|entry|option|setting|field|switch|flag|value|line|parameter|variable))\b"
    r"|[该这它其此]",
    re.I,
)
_WORD = re.compile(r"[a-z]+")
_BOOLEAN = frozenset({"true", "false", "none", "null", "yes", "no"})
_PLACES = {"passage": 0.5, "title": 0.4, "elsewhere": 1.0}  # what a new word costs that stands there


class Doubts:
    """The problems of one sentence."""

    def __init__(self, claim: Claim, incident: IncidentSource) -> None:
        self._claim, self._incident = claim, incident
        self._items = telling(claim)
        self._clauses = Clauses(claim.text, self._items)
        found = list(counterparts(claim, self._clauses))
        self._lost = None in found
        self._found = [counterpart for counterpart in found if counterpart]

    def problems(self) -> Iterator[Problem]:
        """All of them, in order of certainty."""
        if self._lost:
            yield Problem("support", "a part of it stands nowhere there")
        for counterpart in self._found:
            yield from self._anchors(counterpart)
            yield from self._signs(counterpart)
            yield from _negations(counterpart)
            yield from _opposed(counterpart)
            yield from _characters(counterpart, self._claim.lang == "zh")
            yield from _invented(counterpart)
            yield from _crossed(counterpart, self._claim)
        yield from self._new_words()
        yield from self._operators()
        yield from self._places()

    # --- what stands there

    def _anchors(self, counterpart: Counterpart) -> Iterator[Problem]:
        """Names and numbers stand in the stretch; those of the passage or the title may be understood."""
        understood = 0
        for at in counterpart.missing:
            item = self._items[at]
            if not self._is_anchor(item):
                continue
            if self._where(item, counterpart) == "elsewhere" or _rival(item, counterpart.left):
                place = counterpart.stretch.text.strip()[:60]
                yield Problem("attribution", f"{self._claim.said(item)}: not in {place!r}")
            understood += 1
        if understood > 1:
            yield Problem("attribution", "its names stand apart there")

    def _is_anchor(self, item: Item) -> bool:
        spelled = item.kind == "num" and self._claim.text[item.start : item.start + 1].isalpha()
        return (item.kind in ANCHORS and not spelled) or (item.kind == "word" and item.key in _BOOLEAN)

    def _where(self, item: Item, counterpart: Counterpart) -> str:
        key = key_of(item)
        if key in counterpart.passage.keys or self._meant(item, counterpart):
            return "passage"
        return "title" if key in self._title else "elsewhere"

    def _meant(self, item: Item, counterpart: Counterpart) -> bool:
        """ "Remove the entry", where the incident is about one key, or a passage close by names it."""
        if item.kind not in ("name", "code"):
            return False
        passage = counterpart.passage
        near = range(passage.number - NEAR_PASSAGES, passage.number + 2)
        close = any(
            o.passage.number in near and (o.passage.field, o.passage.lang) == (passage.field, passage.lang)
            for o in counterpart.source.occurrences.get(item.key, ())
        )
        said = _POINTS_BACK.search(counterpart.stretch.text) is not None
        return said and (close or item.key in {key for key, _ in self._incident.bad_settings})

    @cached_property
    def _title(self) -> set[str]:
        return {key for passage in self._incident.passages if passage.field == "title" for key in passage.keys}

    def _new_words(self) -> Iterator[Problem]:
        new = sum(self._price(at, c) * (1 - c.quality(at)) for c in self._found for at in c.missing)
        length = sum(item.kind in TELLING and item.kind != "axis" for item in self._items)
        if new > MAX_NEW * min(1.5, max(0.5, length / NEW_LENGTH * 1.44)):
            said = [self._claim.said(self._items[at]) for c in self._found for at in c.missing]
            yield Problem("support", f"not there in these words: {', '.join(said)}"[:120])
        for counterpart in self._found:
            for at in counterpart.missing:
                item = self._items[at]
                if item.kind == "axis" and item.sign < 0 and item.key not in lexicon().roles["order"]:
                    yield Problem("polarity", f"{self._claim.said(item)}: not there")

    def _price(self, at: int, counterpart: Counterpart) -> float:
        item, roles = self._items[at], lexicon().roles
        if self._is_anchor(item):
            return 0.0
        if item.kind != "axis":
            return _PLACES[self._where(item, counterpart)]
        if item.key in roles["order"]:
            return 0.4 if item.sign > 0 else 0.8
        if item.sign < 0:
            return 0.0
        return 0.4 if item.key in roles["plain"] else 0.8

    # --- whether it says so

    def _signs(self, counterpart: Counterpart) -> Iterator[Problem]:
        mine, theirs = self._clauses.signs, counterpart.stretch.clauses
        for at, match in counterpart.matches.items():
            item = self._items[at]
            axis = item.kind == "axis"
            signs = {theirs.items[place].sign if axis else theirs.signs[place] for place in match.places}
            sign = item.sign if axis else mine[at]
            if sign and signs and not signs & {sign, 0}:
                yield Problem("polarity", f"{self._claim.said(item)}: the other way round there")

    def _operators(self) -> Iterator[Problem]:
        mine = self._clauses.operators(self._clauses.numbers)
        near: Counter[str] = Counter()
        used: Counter[str] = Counter()
        for c in self._found:
            theirs = c.stretch.clauses
            near += theirs.operators(c.stretch.numbers)
            used += theirs.operators(n for n in theirs.numbers if not c.hit.isdisjoint(theirs.members[n]))
        for name in _ADDED:
            if mine[name] and not near[name] and not (name == "all" and near["each"]):
                yield Problem("strength", f"{name}: not said there")
        for name in _MISSING:
            if used[name] and not mine[name]:
                yield Problem("strength", f"{name}: said there and left out")

    # --- where it stands

    def _places(self) -> Iterator[Problem]:
        """Parts from places that do not belong together, or in another order."""
        mine = self._clauses.operators(self._clauses.numbers)
        bound = mine["condition"] + mine["reason"]
        far = back = 0
        for one, two in itertools.pairwise(self._found):
            if one.passage is two.passage:
                back += two.start < one.start
                continue
            far += not _follows(one, two)
            if one.stretch.last < len(one.passage.clauses.numbers) - 1 and two.stretch.first > 0:
                yield Problem("attribution", "drawn together from two places")
        if far > (0 if bound else 1):
            yield Problem("attribution", "drawn together from places far apart")
        if back > (1 if bound or self._source_bound() else 0):
            yield Problem("direction", "its parts stand in another order there")

    def _source_bound(self) -> bool:
        stretches = [c.stretch for c in self._found]
        return any(s.clauses.operators(s.numbers)[name] for s in stretches for name in ("condition", "reason"))


def doubts(claim: Claim, incident: IncidentSource) -> Iterator[Problem]:
    """What speaks against a sentence of an incident."""
    yield from Doubts(claim, incident).problems()


def telling(claim: Claim) -> list[Item]:
    """The items without those that say nothing of their own: "your log shows", the words of a bound ("or newer")."""
    frame = lexicon().frame if claim.field == "evidence" else frozenset()
    bounds = [
        (version.end, version.end + match.end())
        for version in claim.items
        if version.kind == "version"
        for pattern, _ in lexicon().bounds_after
        if (match := pattern.match(claim.text[version.end : version.end + BOUND]))
    ]
    return [
        item
        for item in claim.items
        if claim.said(item).lower() not in frame and not any(start <= item.start < end for start, end in bounds)
    ]


def _rival(item: Item, left: Sequence[Item]) -> bool:
    """Whether the stretch has another of its kind, which the sentence does not name."""
    named = ("name", "code")
    return any(
        other.unit == item.unit and (other.kind == item.kind or {other.kind, item.kind} <= set(named))
        for other in left
        if other.kind in ANCHORS
    )


def _negations(counterpart: Counterpart) -> Iterator[Problem]:
    """As many as there, odd or even, those of what is left out not counted; and numbers no more often than there."""
    mine = [counterpart.claim.items[at] for at in counterpart.members]
    members, items = counterpart.stretch.members, counterpart.stretch.clauses.items
    theirs = [items[at] for at in members]
    said = sum(item.kind in ("not", "after") for item in mine)
    there = sum(_counts(counterpart, n) for n in range(len(members)))
    negative = [sum(i.kind == "axis" and i.sign < 0 for i in side) for side in (mine, theirs)]
    if (said - there) % 2 and (said - there + negative[0] - negative[1]) % 2:
        yield Problem("polarity", "its negations")
    numbers = [Counter(i.key for i in side if i.kind in ("num", "version")) for side in (mine, theirs)]
    if any(n > max(1, numbers[1][key]) for key, n in numbers[0].items() if key not in ("1", "2")):
        yield Problem("attribution", "a number twice that stands there once")


def _counts(counterpart: Counterpart, n: int) -> bool:
    """Whether the n-th item of the stretch negates something that the sentence says."""
    members, items = counterpart.stretch.members, counterpart.stretch.clauses.items
    item = items[members[n]]
    if item.kind != "not":
        return item.kind == "after"
    following = (at for at in members[n + 1 :] if items[at].kind in TELLING and items[at].clause == item.clause)
    return next((at in counterpart.hit for at in following), True)


def _opposed(counterpart: Counterpart) -> Iterator[Problem]:
    """Of two opposed words the other one."""
    mine, theirs = (_words(text) for text in (counterpart.claim.said(counterpart.part), counterpart.stretch.text))
    for pair in lexicon().opposed_words:
        here, there = ([word for word in pair if _holds(word, *side)] for side in (mine, theirs))
        if len(here) == len(there) == 1 and here != there:
            yield Problem("polarity", f"{here[0]}: {there[0]} there")


def _words(text: str) -> tuple[str, frozenset[str]]:
    return text, frozenset(_WORD.findall(text.lower()))


def _holds(word: str, text: str, words: frozenset[str]) -> bool:
    return word in words or (not word.isascii() and word in text)


def _characters(counterpart: Counterpart, chinese: bool) -> Iterator[Problem]:
    """Of two opposed characters the other one; in a copy a negation more or less."""
    if not chinese:
        return
    mine, theirs = han(counterpart.claim.said(counterpart.part)), han(counterpart.stretch.text)
    for pair in lexicon().opposed:
        here, there = ([c for c in pair if c in text] for text in (mine, theirs))
        if len(here) == len(there) == 1 and here != there:
            yield Problem("polarity", f"{here[0]}: {there[0]} there")
    copied = len(mine) > MIN_COPIED and len(theirs) <= COPIED * len(mine) and sum(c not in theirs for c in mine) <= 1
    negations = [sum(c in lexicon().negative for c in text) for text in (mine, theirs)]
    if copied and negations[0] != negations[1]:
        yield Problem("polarity", "its negations")


def _invented(counterpart: Counterpart) -> Iterator[Problem]:
    """A part that is mostly not there, or a clause of it that is not there at all."""
    claim = counterpart.claim
    if counterpart.share < MIN_HELD:
        yield Problem("support", claim.said(counterpart.part).strip()[:80])
    for number in counterpart.part:
        terms = [at for at in claim.members[number] if at in counterpart.terms]
        if terms and all(counterpart.quality(at) < HELD for at in terms):
            yield Problem("support", claim.said([number]).strip()[:80])


def _crossed(counterpart: Counterpart, claim: Claim) -> Iterator[Problem]:
    """Names or numbers, or what stands on both sides of "before", "than", "instead of", in each other's place."""
    count = len(counterpart.pairs)
    moved = 0
    for a, b in counterpart.crossings:
        first, second = counterpart.claim.items[a], counterpart.claim.items[b]
        between = claim.text[first.end : second.start]
        apart = first.clause == second.clause and lexicon().order_words.search(between) is not None
        if apart or (first.kind in ANCHORS and second.kind in ANCHORS):
            yield Problem("direction", f"{claim.said(first)} and {claim.said(second)}")
            return
        moved += 1
    if moved > MAX_CROSSED * max(3, count * (count - 1) / 2):
        yield Problem("direction", "its words stand in another order there")


def _follows(one: Counterpart, two: Counterpart) -> bool:
    """Whether the second passage is the next one of the same field."""
    if one.source is not two.source or (one.passage.field, one.passage.lang) != (two.passage.field, two.passage.lang):
        return False
    return two.passage.number == one.passage.number + 1
