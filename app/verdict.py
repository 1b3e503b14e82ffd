"""The verdict on ranked causes, in the order that DESIGN.md section 3 fixes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.diagnosis import ReasonCode, Verdict
from app.ranking import Ranked, Thresholds
from kb.evidence.model import Evidence, Reading
from kb.translate import chinese_terms, english_terms

# Signals that a healthy run shows too; alone they are no complaint.
BENIGN = frozenset({"fp16-scaler-warmup"})
MIN_HEALTHY_ROWS = 3  # logged rows below which "nothing wrong" cannot be said
MIN_COVERAGE = 0.2  # share of the question's weight of words an incident must hold to count as recognised
_WORD = re.compile(r"[A-Za-z]{2,}|[\u3400-\u9fff]{2}")


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason code."""

    verdict: Verdict
    code: ReasonCode


def decide(reading: Reading, ranked: Sequence[Ranked], thresholds: Thresholds) -> Decision:
    """The verdict for evidence and ranked causes."""
    if _healthy(reading):
        return Decision("no_match", "nothing_wrong_seen")
    recognised = _recognised(reading, ranked)
    if not recognised and _off_topic(reading):
        return Decision("no_match", "off_topic")
    if not recognised:
        return Decision("insufficient", "too_little")
    first = ranked[0].probability if ranked else 0.0
    second = ranked[1].probability if len(ranked) > 1 else 0.0
    if 1.0 - sum(r.probability for r in ranked) >= thresholds.something_else:
        return Decision("no_match", "unknown_problem")
    if first >= thresholds.first and first - second >= thresholds.lead:
        return Decision("diagnosed", "matched")
    if len(ranked) < 2 or second < 0.01:
        return Decision("no_match", "unknown_problem")
    return Decision("ambiguous", "rivals_remain")


def hard_evidence(evidence: Evidence) -> bool:
    """Whether anything was read that can be a failure: an error, a signal or a configuration finding."""
    return bool(evidence.initiating_error or evidence.signals or evidence.config_findings)


def _healthy(reading: Reading) -> bool:
    evidence = reading.evidence
    rows = max((len(series.values) for series in evidence.metrics.values()), default=0)
    quiet = not evidence.exceptions and not evidence.initiating_error and not evidence.signals
    return quiet and rows >= MIN_HEALTHY_ROWS and not evidence.config_findings


def _recognised(reading: Reading, ranked: Sequence[Ranked]) -> bool:
    if hard_evidence(reading.evidence):
        return True
    found = (r.candidate.features for r in ranked)
    return any("signature" in features or features.get("coverage", 0.0) >= MIN_COVERAGE for features in found)


def _off_topic(reading: Reading) -> bool:
    """Words that are no component, model or field term; too few words at all is too little, not off topic."""
    evidence = reading.evidence
    if evidence.mentions.components or evidence.mentions.models or evidence.versions or evidence.metrics:
        return False
    terms = english_terms(reading.prose) + chinese_terms(reading.prose)
    return len(_WORD.findall(reading.prose)) >= 3 and not terms
