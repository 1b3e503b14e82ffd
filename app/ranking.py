"""Candidates → probabilities, "something else" included: a conditional logit over few named features.

P(cause i) = exp(w·f_i + b) / (1 + Σ_j exp(w·f_j + b)); the 1 stands for "something else" (McFadden, 1974).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.features import Candidate
from kb.types import Frozen

WEIGHTS_FILE = Path(__file__).with_name("weights.json")
# The weight of a rerank model where none was set when the others were fitted. Not measured: it is about that of the
# other leads. The lead alone has one, so that a model that likes everything lifts nothing above "something else".
RERANK_DEFAULT = {"rerank_lead": 2.5}


class Thresholds(Frozen):
    """t1, t2 and t3 of the verdict."""

    something_else: float
    first: float
    lead: float


class Weights(Frozen):
    """The model: one weight a feature, and the thresholds; fitted on development cases, kept as data."""

    bias: float
    features: Mapping[str, float]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with the probability that it is the cause."""

    candidate: Candidate
    probability: float


@cache
def load_weights(path: Path = WEIGHTS_FILE) -> Weights:
    """The weights in a file."""
    return Weights.model_validate_json(path.read_bytes())


def with_rerank(weights: Weights) -> Weights:
    """The weights for use with a rerank model: the fitted ones of its features, RERANK_DEFAULT where those are 0."""
    if any(weights.features.get(name) for name in ("rerank", "rerank_lead")):
        return weights
    return weights.model_copy(update={"features": {**weights.features, **RERANK_DEFAULT}})


def logit(candidate: Candidate, weights: Weights) -> float:
    """The log-odds of a candidate against "something else" if it were alone."""
    return weights.bias + sum(weights.features.get(name, 0.0) * value for name, value in candidate.features.items())


def rank(candidates: Sequence[Candidate], weights: Weights) -> list[Ranked]:
    """The candidates by probability, highest first; what is missing to 1 is "something else"."""
    odds = [math.exp(min(logit(c, weights), 50.0)) for c in candidates]
    total = 1.0 + sum(odds)
    ranked = [Ranked(c, odd / total) for c, odd in zip(candidates, odds, strict=True)]
    return sorted(ranked, key=lambda r: (-r.probability, r.candidate.incident.id))
