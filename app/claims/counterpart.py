"""Each part of a sentence and the stretch of the source that fits it best: their alignment, item by item."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from app.claims.alignment import Claim
from app.claims.clauses import Clauses, Stretch, key_of
from app.claims.lexicon import CJK, lexicon
from app.claims.reading import Item
from app.claims.source import Passage, Source

TELLING: Mapping[str, float] = {"name": 1.5, "version": 1.5, "num": 1.2, "code": 1.2, "word": 1.0, "axis": 0.8}
ANCHORS = ("name", "num", "version", "code")
HELD = 0.75  # of 1: from here on an item has its counterpart
MAX_PASSAGES = 6  # that are looked into
PASSAGE_BONUS = 0.25  # for the passage that shares most with the whole sentence
LEFT_PRICE, CLAUSE_PRICE = 0.03, 0.01  # for what a stretch holds more than the part does
FIELD_BONUS, ASIDE = 1.15, 0.8  # the cited field, and what only a source's note or the title says
SAME_FORM, SAME_BEGINNING = 0.9, 0.8
SOME_CHARACTERS = 0.4
MIN_PREFIX = 5  # letters
CERTAINTY = "known"  # the axis of what is suspected and proven


class Match(NamedTuple):
    """How well an item is held (0 to 1), and by which items of the passage."""

    quality: float
    places: list[int]


class Counterpart:
    """A part of a sentence (numbers of its clauses) with the stretch of a passage that fits it best."""

    def __init__(self, claim: Clauses, part: list[int], passage: Passage, source: Source, stretch: Stretch) -> None:
        self.claim, self.part, self.passage, self.source, self.stretch = claim, part, passage, source, stretch
        self.members = [at for number in part for at in claim.members[number]]
        self.terms = [at for at in self.members if claim.items[at].kind in TELLING]
        self.matches = matches(claim.items, self.terms, stretch)

    @cached_property
    def hit(self) -> set[int]:
        """The items of the passage that are used."""
        return {place for match in self.matches.values() for place in match.places}

    @cached_property
    def left(self) -> list[Item]:
        """The items of the stretch that are not."""
        return [self.stretch.clauses.items[at] for at in self.stretch.members if at not in self.hit]

    @cached_property
    def missing(self) -> list[int]:
        """The terms without a counterpart."""
        return [at for at in self.terms if self.quality(at) < HELD]

    def quality(self, at: int) -> float:
        """How well a term is held."""
        return self.matches[at].quality if at in self.matches else 0.0

    @cached_property
    def share(self) -> float:
        """The share of the part that is held."""
        weights = {at: weight(self.claim.items[at], self.source) for at in self.terms}
        return sum(w * self.quality(at) for at, w in weights.items()) / sum(weights.values())

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Terms with the one place that holds them, in the order of the sentence; "suspected" may stand anywhere."""
        placed = [(at, m.places[0]) for at, m in sorted(self.matches.items()) if len(m.places) == 1]
        return [(at, place) for at, place in placed if self.claim.items[at].key != CERTAINTY]

    @property
    def start(self) -> int:
        """Where in the passage it begins."""
        return min((place for _, place in self.pairs), default=0)

    @property
    def crossings(self) -> Iterator[tuple[int, int]]:
        """Two terms that stand the other way round in the source."""
        for n, (a, there) in enumerate(self.pairs):
            yield from ((a, b) for b, place in self.pairs[n + 1 :] if place < there)


def weight(item: Item, source: Source) -> float:
    """How much an item tells."""
    return TELLING[item.kind] * (0.6 + 0.4 * source.weights.get(key_of(item), 1.0))


def matches(items: Sequence[Item], terms: Sequence[int], stretch: Stretch) -> dict[int, Match]:
    """The counterparts of the terms in a stretch."""
    found = ((at, _match(items[at], stretch)) for at in terms)
    return {at: match for at, match in found if match.quality > 0}


def _match(item: Item, stretch: Stretch) -> Match:
    if places := stretch.places.get(key_of(item)):
        return Match(1.0, places)
    if item.kind == "word":
        return _similar_word(item.key.lstrip("=").removeprefix("g:"), stretch)
    if item.kind != "axis":
        return Match(0.0, [])
    others = [(at, stretch.clauses.items[at]) for at in stretch.members]
    if item.key == "level":
        same = [at for at, o in others if o.kind == "rel" and o.key == "comparison" and o.sign == item.sign]
        return Match(1.0 if same else 0.0, same)
    result, groups = lexicon().roles["result"], lexicon().groups
    axes = [(at, o) for at, o in others if o.kind == "axis"]
    same = [at for at, o in axes if item.key in result and o.key in result and o.sign == item.sign]
    same = same or [at for at, o in axes if groups[item.key] == groups[o.key] == "presence"]
    return Match(SAME_FORM if same else 0.0, same)


def _similar_word(word: str, stretch: Stretch) -> Match:
    """A Chinese word whose characters stand there, an English one with the same beginning."""
    if CJK.search(word):
        telling = [c for c in word if CJK.match(c) and c not in lexicon().stop]
        held = sum(c in stretch.text for c in telling)
        return Match(1.0 if held == len(telling) else SOME_CHARACTERS * held / len(telling), [])
    if len(word) >= MIN_PREFIX and word.isalpha():
        for at in stretch.members:
            other = stretch.clauses.items[at]
            if other.kind == "word" and len(other.key) >= MIN_PREFIX and other.key[:MIN_PREFIX] == word[:MIN_PREFIX]:
                return Match(SAME_BEGINNING, [at])
    return Match(0.0, [])


def counterparts(claim: Claim, clauses: Clauses) -> Iterator[Counterpart | None]:
    """The best counterpart of each part of the sentence; None for a part that nothing fits."""
    ranked = _passages(claim)
    for part in _parts(clauses):
        if not (terms := _terms(clauses, part)):
            continue
        fits = [
            (score + PASSAGE_BONUS * overlap / ranked[0][0], passage, source, stretch)
            for overlap, passage, source in ranked
            for score, stretch in _fits(clauses.items, terms, passage, source)
        ]
        if fits:
            _, passage, source, stretch = max(fits, key=lambda fit: fit[0])
            yield Counterpart(clauses, part, passage, source, stretch)
        else:
            yield None


def _terms(clauses: Clauses, part: Sequence[int]) -> list[int]:
    return [at for number in part for at in clauses.members[number] if clauses.items[at].kind in TELLING]


def _fits(
    items: Sequence[Item], terms: Sequence[int], passage: Passage, source: Source
) -> Iterator[tuple[float, Stretch]]:
    total = sum(weight(items[at], source) for at in terms)
    for stretch in passage.clauses.stretches:
        found = matches(items, terms, stretch)
        if not found:
            continue
        held = sum(weight(items[at], source) * match.quality for at, match in found.items())
        hit = {place for match in found.values() for place in match.places}
        left = sum(at not in hit and passage.items[at].kind in TELLING for at in stretch.members)
        yield held / total - LEFT_PRICE * left - CLAUSE_PRICE * (stretch.last - stretch.first), stretch


def _passages(claim: Claim) -> list[tuple[float, Passage, Source]]:
    """The passages that share most with the sentence, best first, with how much that is."""
    keys = {key_of(item) for item in claim.items if item.kind in TELLING}
    ranked = []
    for source in claim.sources:
        for passage in source.in_language(claim.lang):
            common = keys & passage.keys
            if not common and claim.lang == "zh":
                continue
            shared = sum(source.weights.get(key, 1.0) * (0.5 if key.startswith("@") else 1.0) for key in common)
            aside = ASIDE if passage.field in ("source", "title") else 1.0
            ranked.append((shared * (FIELD_BONUS if passage.field == claim.field else aside), passage, source))
    return sorted(ranked, key=lambda row: row[0], reverse=True)[:MAX_PASSAGES]


def _parts(clauses: Clauses) -> list[list[int]]:
    """The clauses; one of fewer than two terms goes with its neighbour."""
    parts: list[list[int]] = []
    short = False
    for number in clauses.numbers:
        terms = sum(clauses.items[at].kind in TELLING for at in clauses.members[number])
        if parts and (short or terms < 2):
            parts[-1].append(number)
            count = sum(clauses.items[at].kind in TELLING for n in parts[-1] for at in clauses.members[n])
            short = count < 2
        else:
            parts.append([number])
            short = terms < 2
    return parts
