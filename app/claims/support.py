"""Overlap with the source, and claims stronger than it."""

from collections.abc import Iterator, Mapping, Sequence

from app.claims.alignment import Claim
from app.claims.clauses import key_of
from app.claims.lexicon import lexicon
from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import Source

MIN_SUPPORT = 0.6  # share of a sentence's terms that its sources hold
MIN_CLAUSE = 0.3  # the same for each part of at least MIN_TERMS terms
MIN_TERMS = 4
_KINDS = ("word", "name", "code", "num", "version", "axis")
_WEIGHTS: Mapping[str, float] = {"name": 1.5, "version": 1.5, "num": 1.0, "axis": 0.5}


def support_problems(text: str, items: Sequence[Item], sources: Sequence[Source]) -> Iterator[Problem]:
    """Too few terms of the sentence, or of one of its parts, occur in the sources."""
    terms = [item for item in items if item.kind in _KINDS]
    if not terms:
        yield Problem("support", "says nothing that can be checked")
        return
    share = _share(terms, sources)
    if share < MIN_SUPPORT:
        yield Problem("support", f"{share:.2f} of its terms occur there")
        return
    for clause in sorted({item.clause for item in terms}):
        part = [item for item in terms if item.clause == clause]
        if len(part) >= MIN_TERMS and _share(part, sources) < MIN_CLAUSE:
            yield Problem("support", text[part[0].start : part[-1].end][:80])


def _share(terms: Sequence[Item], sources: Sequence[Source]) -> float:
    total = held = 0.0
    for item in terms:
        weight = _WEIGHTS.get(item.kind, 1.0)
        total += weight
        if any(key_of(item) in source.occurrences or item.key in source.names for source in sources):
            held += weight
    return held / total


def strength_problems(claim: Claim) -> Iterator[Problem]:
    """Always, never, only, proven, where the passages it may rest on have no such word."""
    for strength in lexicon().strengths:
        found = strength.claims.search(claim.text)
        if found is None:
            continue
        texts = [passage.text for passage, _ in claim.nearest]
        if not any(strength.allowed.search(text) or strength.claims.search(text) for text in texts):
            yield Problem("strength", f"{strength.name}: {found[0]}")
