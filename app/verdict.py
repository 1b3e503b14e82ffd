"""The verdict on ranked causes, in the order that DESIGN.md section 3 fixes."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.brief import MIN_SAID
from app.diagnosis import ReasonCode, Verdict
from app.ranking import Ranked, Thresholds
from kb.evidence.model import Evidence, Reading
from kb.tokens import lexical_tokens
from kb.translate import chinese_terms, english_terms

MIN_HEALTHY_ROWS = 3  # logged rows below which "nothing wrong" cannot be said
MIN_QUESTION = 4  # index terms below which words are no question
MIN_FIELD_TERMS = 2  # terms of the field below which a question names no symptom
MIN_TITLE_TERMS = 2  # terms of the first cause's title in a question that are of the field, whatever it lacks else
MIN_RIVAL, LIKELY = 0.01, 0.5  # no second cause worth a name, and a first that is less likely than not: not in here
_RULED_OUT = ("answer_against", "measure_against", "check_against", "version_excluded", "component_unused")


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason code."""

    verdict: Verdict
    code: ReasonCode


def decide(reading: Reading, ranked: Sequence[Ranked], thresholds: Thresholds, said: float) -> Decision:
    """The verdict for evidence and ranked causes; `said`: how much the question says, in [0, 1]."""
    first = ranked[0].probability if ranked else 0.0
    if _healthy(reading) and not (first >= thresholds.first and _asks(reading)):
        return Decision("no_match", "nothing_wrong_seen")
    if not hard_evidence(reading.evidence) and not any("signature" in r.candidate.features for r in ranked):
        if _off_topic(reading) and not (first >= thresholds.first and _titled(reading, ranked[0])):
            return Decision("no_match", "off_topic")
        if first < LIKELY and (_field_terms(reading) == 0 or not _asks(reading)):
            return Decision("insufficient", "too_little")
    known = ranked[0].candidate.features if ranked else {}
    answered = "answer_for" in known  # the person has confirmed its check
    signed = "signature_initiating" in known  # "not in here" would be absurd
    if not (answered or signed) and 1.0 - sum(r.probability for r in ranked) >= thresholds.something_else:
        return _no_match(reading)
    if stands_out(ranked, thresholds):
        open_ = said < MIN_SAID and bool(open_rivals(ranked, reading.evidence))
        return Decision("ambiguous", "rivals_remain") if open_ else Decision("diagnosed", "matched")
    alone = len(ranked) < 2 or (ranked[1].probability < MIN_RIVAL and first < LIKELY and not answered)
    return Decision("no_match", "unknown_problem") if alone else Decision("ambiguous", "rivals_remain")


def stands_out(ranked: Sequence[Ranked], thresholds: Thresholds) -> bool:
    """Whether the first cause is likely enough (t2) and far enough ahead of the second (t3)."""
    first, second = [*(r.probability for r in ranked[:2]), 0.0, 0.0][:2]
    return first >= thresholds.first and first - second >= thresholds.lead


def open_rivals(ranked: Sequence[Ranked], evidence: Evidence) -> list[Ranked]:
    """The look-alikes of the first cause's symptom groups that show all that was seen of the first, too.

    An error line tells them apart; a check, a version or a component that is not in use may have ruled one out.
    """
    first = ranked[0].candidate
    if evidence.initiating_error or "signature" in first.features or "answer_for" in first.features:
        return []
    seen = {signal.name for signal in evidence.signals} & {*first.incident.signals}
    return [
        r
        for r in ranked[1:]
        if {*r.candidate.incident.symptom_groups} & {*first.incident.symptom_groups}
        and seen <= {*r.candidate.incident.signals}
        and not any(r.candidate.features.get(name) for name in _RULED_OUT)
    ]


def hard_evidence(evidence: Evidence) -> bool:
    """Whether anything was read that can be a failure: an error, a signal or a configuration finding."""
    return bool(evidence.initiating_error or evidence.signals or evidence.config_findings)


def _healthy(reading: Reading) -> bool:
    evidence = reading.evidence
    rows = max((len(series.values) for series in evidence.metrics.values()), default=0)
    quiet = not evidence.exceptions and not evidence.initiating_error and not evidence.signals
    return quiet and rows >= MIN_HEALTHY_ROWS and not evidence.config_findings


def _no_match(reading: Reading) -> Decision:
    """Nothing in the base fits: too little was said to tell, or the problem is not in the base."""
    if not hard_evidence(reading.evidence) and _field_terms(reading) < MIN_FIELD_TERMS:
        return Decision("insufficient", "too_little")
    return Decision("no_match", "unknown_problem")


def _asks(reading: Reading) -> bool:
    """Whether there are words enough to be a question."""
    return len(lexical_tokens(reading.prose)) >= MIN_QUESTION


def _off_topic(reading: Reading) -> bool:
    """Enough words to be a question, and none of the field; too few words are too little, not off topic."""
    return _asks(reading) and _field_terms(reading) == 0


def _titled(reading: Reading, first: Ranked) -> bool:
    """Whether a question without a word of the vocabulary names what the title of the first cause names."""
    title = first.candidate.incident.title
    terms = {*lexical_tokens(title.get("en")), *lexical_tokens(title.get("zh"))}
    return len(terms & {*lexical_tokens(reading.prose)}) >= MIN_TITLE_TERMS


def _field_terms(reading: Reading) -> int:
    """How many components, models, versions, metrics and glossary terms the text names."""
    evidence = reading.evidence
    terms = {*english_terms(reading.prose), *chinese_terms(reading.prose)}
    named = {*evidence.mentions.components, *evidence.mentions.models, *evidence.versions, *evidence.metrics}
    return len(terms | named)
