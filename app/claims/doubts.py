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
from app.claims.clauses import Clauses, key_of
from app.claims.counterpart import ANCHORS, HELD, TELLING, Counterpart, counterparts
from app.claims.lexicon import known_words, lexicon
from app.claims.model import Problem
from app.claims.opposites import character_problems, negation_problems, opposed_problems
from app.claims.reading import Item
from app.claims.source import IncidentSource
from app.claims.stems import stem

MAX_NEW = 3.0  # words without a counterpart in a sentence of NEW_LENGTH words and more
NEW_LENGTH = 16
MIN_NAME = 4  # letters
MIN_HELD = 0.45  # share of a part
MAX_CROSSED = 0.5  # share of a part's pairs of terms
_ADDED, _MISSING = ("all", "only", "enough", "sequence"), ("only", "except", "maybe", "nearly")
BOUND = 40  # characters
NEAR_PASSAGES = 2  # before one that points back
_POINTS_BACK = re.compile(
    r"\b(?:it|this|that|these|those|the (?:key|entry|option|setting|field|switch|flag|value|line|parameter|variable))\b"
    r"|[该这它其此]",
    re.I,
)
_ALLOWED = {"all": "each", "sequence": "then"}  # what of the source allows it as well
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
            yield from negation_problems(counterpart)
            yield from opposed_problems(counterpart)
            yield from character_problems(counterpart, self._claim.lang == "zh")
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
        if self._claim.field == "evidence" and item.unit == "known":
            return any(item.key in source.occurrences for source in self._claim.sources[1:])  # the program in use
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
                if self._unheard(item):
                    yield Problem("identifier", f"{self._claim.said(item)}: in no incident")
                if item.kind == "axis" and item.sign < 0 and item.key not in lexicon().roles["order"]:
                    yield Problem("polarity", f"{self._claim.said(item)}: not there")

    def _unheard(self, item: Item) -> bool:
        """A plain English word that neither the sources nor the base know: a made-up name."""
        said = self._claim.said(item).lower()
        plain = item.kind == "word" and said.isascii() and said.isalpha() and len(said) >= MIN_NAME
        return (
            plain
            and stem(said) not in known_words()
            and not any(said in source.names for source in self._claim.sources)
        )

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
            if mine[name] and not near[name] and not near[_ALLOWED.get(name, name)]:
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


def _invented(counterpart: Counterpart) -> Iterator[Problem]:
    """A part that is mostly not there, or a clause of it that is not there at all."""
    claim = counterpart.claim
    if counterpart.share < MIN_HELD:
        yield Problem("support", claim.said(counterpart.part).strip()[:80])
    for number in counterpart.part:
        terms = [at for at in claim.members[number] if at in counterpart.terms]
        if terms and all(counterpart.quality(at) < (1 if claim.items[at].kind == "axis" else HELD) for at in terms):
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
