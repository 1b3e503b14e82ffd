"""A sentence → how much it sounds like a symptom, a cause, a fix, a failed attempt, a success. Pure.

A multinomial logistic model over words, word pairs, the openings of clauses and the cues of `cues.yaml`; its weights
are in roles.json and are learned by `python -m evals ingest-fit`. The scores are log-odds against all else.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from kb.grams import grams, length, tokens

ROLES = ("symptom", "check", "cause", "fix", "failed", "works", "other")
Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model: the weights of every feature, one for each role in the order of ROLES."""

    weights: Mapping[str, Sequence[float]]
    bias: Sequence[float]

    def scores(self, text: str, cues: Iterable[str] = ()) -> Scores:
        """The log-odds of each role against the rest, by name."""
        sums = list(self.bias)
        for feature in features(text, cues):
            for i, weight in enumerate(self.weights.get(feature, ())):
                sums[i] += weight
        return log_odds(dict(zip(ROLES, sums, strict=True)))


@cache
def _installed() -> Model:
    data = json.loads(Path(__file__).with_name("roles.json").read_text("utf-8"))
    return Model(data["weights"], data["bias"])


def features(text: str, cues: Iterable[str] = ()) -> set[str]:
    """What the model sees of a sentence."""
    found = {f"cue:{name}" for name in cues}
    found.update(grams(tokens(text)))
    found.add(length(text))
    return found


@lru_cache(8192)
def scores(text: str, cues: frozenset[str] = frozenset()) -> Scores:
    """The scores of the model that comes with the program."""
    return _installed().scores(text, cues)


def log_odds(logits: Mapping[str, float]) -> Scores:
    """Log-odds of each class against all others, from the logits of a softmax."""
    most = max(logits.values())
    powers = {name: math.exp(value - most) for name, value in logits.items()}
    whole = sum(powers.values())
    return {n: max(-8.0, min(8.0, math.log(p + 1e-12) - math.log(whole - p + 1e-12))) for n, p in powers.items()}
