"""Attribution: each number and name of a sentence is compared with the place in the source that fits it best.

Its surroundings, weighted by closeness and by how telling they are, find its counterpart in the source (cf. monolingual
alignment, Sultan, Bethard and Sumner, 2014). There must not stand another one of its kind.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from app.claims.clauses import key_of
from app.claims.lexicon import lexicon
from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import Occurrence, Passage, Source, closeness
from kb.types import Lang

RIVAL_MARGIN = 0.08  # the same for a number or name in another's place
RIVAL_MARGIN_NAME = 0.3  # the same for names of no known family
FIELD_BONUS = 1.1  # the cited field is nearer than the rest of the incident
NEAREST = 0.6  # of the best passage's overlap: passages that may be meant
MAX_NEAREST = 3
SWAP_MARGIN = 0.3  # of 2: how much better two names must fit in each other's place
_LISTED = 2  # tokens apart: members of one list, whose order says nothing
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


def negative(items: Iterable[Item], clause: int) -> bool:
    """Whether a part negates something or takes something away."""
    groups = lexicon().groups
    return any(
        i.clause == clause
        and (i.kind in ("not", "after") or (i.kind == "axis" and i.sign < 0 and groups[i.key] == "presence"))
        for i in items
    )


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
