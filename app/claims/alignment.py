"""Polarity and attribution: each statement of a sentence is compared with the place in the source that fits it best.

A statement is an opposite ("remove", "upgrade"), a word under a negation, or a number or name; its surroundings,
weighted by closeness and by how telling they are, find its counterpart in the source (cf. monolingual alignment,
Sultan, Bethard and Sumner, 2014). The counterpart must have the same sign and stand by the same number.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import Occurrence, Source, closeness, key_of

MIN_FIT = 0.12  # below it the surroundings say nothing about the statement
MARGIN = 0.04  # by which the opposite must fit better to count
RIVAL_MARGIN = 0.22  # the same for a number or name in another's place
FIELD_BONUS = 1.1  # the cited field is nearer than the rest of the incident
COPY = 0.8  # share of common keys, of all keys of both, that makes a sentence a copy
MIN_COPY = 3
_QUIET = frozenset({"more-or-less"})  # too common to carry polarity


def polarity_problems(
    text: str, items: Sequence[Item], field: str, sources: Sequence[Source], settled: Sequence[tuple[int, int]]
) -> Iterator[Problem]:
    """Statements whose best counterpart says the opposite. `settled` spans are judged elsewhere."""
    for at, item in enumerate(items):
        if item.kind not in ("axis", "word", "code", "name") or item.sign == 0 or item.key in _QUIET:
            continue
        if any(start <= item.start < end for start, end in settled):
            continue
        same, opposite = _best_signs(items, at, field, sources)
        if opposite > MIN_FIT and opposite > same + MARGIN:
            yield Problem("polarity", text[item.start : item.end] or item.key)


def copy_problems(items: Sequence[Item], sources: Sequence[Source]) -> Iterator[Problem]:
    """A sentence with nearly all words of a passage must have its negations and opposites too."""
    keys = frozenset(key_of(item) for item in items if item.kind not in ("not", "op", "cite"))
    if len(keys) < MIN_COPY:
        return
    worst: Problem | None = None
    for source in sources:
        for passage in source.passages:
            if len(keys & passage.keys) < COPY * len(keys):
                continue
            others = frozenset(key_of(i) for i in passage.items if i.kind not in ("not", "op", "cite"))
            if len(keys & others) < COPY * len(keys | others):
                continue
            if (wrong := _signs(items)) == _signs(passage.items):
                return
            worst = Problem("polarity", f"differs in what it negates: {dict(wrong - _signs(passage.items))}")
    if worst:
        yield worst


def _signs(items: Sequence[Item]) -> Counter[str]:
    return Counter(f"{i.key}{i.sign:+d}" for i in items if i.kind in ("axis", "not") and i.key not in _QUIET)


def _best_signs(items: Sequence[Item], at: int, field: str, sources: Sequence[Source]) -> tuple[float, float]:
    item = items[at]
    around = closeness(list(items), at)
    same = opposite = 0.0
    for source in sources:
        for found in source.occurrences.get(key_of(item), ()):
            if found.item.sign == 0:
                continue
            score = fit(around, found, field, source.weights)
            if found.item.sign == item.sign:
                same = max(same, score)
            else:
                opposite = max(opposite, score)
    return same, opposite


def fit(around: Mapping[str, float], found: Occurrence, field: str, weights: Mapping[str, float]) -> float:
    """How well the surroundings of a statement match those of a place in the source, 0 to about 1."""
    there = found.passage.closeness(found.at)
    total = shared = 0.0
    for key, near in around.items():
        weight = weights.get(key, 0.5) * near
        total += weight
        if key in there:
            shared += weights.get(key, 0.5) * min(near, there[key])
    score = shared / total if total else 0.0
    return score * FIELD_BONUS if found.passage.field == field else score


def attribution_problems(text: str, items: Sequence[Item], field: str, sources: Sequence[Source]) -> Iterator[Problem]:
    """Numbers, versions and names that stand where the source has another of their kind."""
    for at, item in enumerate(items):
        if item.kind not in ("num", "version", "name"):
            continue
        around = closeness(list(items), at)
        own = max(
            (fit(around, o, field, s.weights) for s in sources for o in s.occurrences.get(item.key, ())), default=0
        )
        rival, name = _best_rival(item, around, field, sources)
        if rival > own + RIVAL_MARGIN:
            yield Problem("attribution", f"{text[item.start : item.end]}: there it is {name}")


def _best_rival(item: Item, around: Mapping[str, float], field: str, sources: Sequence[Source]) -> tuple[float, str]:
    best, name = 0.0, ""
    for source in sources:
        for key, places in source.occurrences.items():
            if key == item.key or key in around:
                continue
            for found in places:
                other = found.item
                if other.kind != item.kind or other.unit != item.unit:
                    break
                score = fit(around, found, field, source.weights)
                if score > best:
                    best, name = score, other.key
    return best, name
