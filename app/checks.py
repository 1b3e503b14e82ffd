"""Checks that split rivals: answered from the paste where they can be, and the best one to ask next."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from app.stated import stated_metrics
from kb.catalog import Catalog
from kb.configs import ConfigValue
from kb.evidence.model import Evidence, Reading
from kb.rules import holds
from kb.types import CheckReads, ConfigCondition, GroupCheck, VersionFact
from kb.versions import judge

YesNo = Literal["yes", "no"]
_CLEAR = 0.95  # probability that a member named on one side only gives that answer
_MIN_GAIN = 0.02  # bits per unit of cost below which a check is not worth asking


@dataclass(frozen=True, slots=True)
class Answered:
    """A check of a group with its answer; `by_user` false where the paste answered it."""

    id: str
    check: GroupCheck
    value: YesNo
    by_user: bool


Answers = Sequence[Answered]


def answer_from_evidence(
    catalog: Catalog, reading: Reading, settings: Sequence[ConfigValue], given: Mapping[str, str]
) -> list[Answered]:
    """What the user answered, and what the paste or the words answer by themselves; the user's word wins."""
    answers: list[Answered] = []
    stated = stated_metrics(reading.prose)
    for name, check in catalog.checks.items():
        value = given.get(name) or (
            read_check(check.reads, reading.evidence, stated, settings) if check.reads else None
        )
        if value in ("yes", "no"):
            answers.append(Answered(name, check, "yes" if value == "yes" else "no", name in given))
    return answers


def read_check(
    reads: CheckReads,
    evidence: Evidence,
    stated: Mapping[str, Sequence[float]] = MappingProxyType({}),
    settings: Sequence[ConfigValue] = (),
) -> YesNo | None:
    """The answer that the evidence gives to a check, or None where it says nothing.

    `stated`: values of metrics that the person gives. A symptom told in words is evidence for ranking, too loose to
    rule rivals out.
    """
    if reads.signal:
        return "yes" if any(s.name == reads.signal and s.seen_in != "words" for s in evidence.signals) else None
    if reads.metric and reads.metric in evidence.metrics:
        return _read_metric(reads, evidence.metrics[reads.metric].values)
    if reads.metric and reads.metric in stated:
        return _read_metric(reads, stated[reads.metric])
    if reads.config:
        return _read_config(reads.config, settings)
    if reads.version and reads.version.component in evidence.versions:
        wanted = reads.version
        fact = VersionFact(component=wanted.component, scheme=wanted.scheme, affected=wanted.range, source=0)
        verdict = judge(fact, evidence.versions[wanted.component].version)
        return None if verdict == "unknown" else "yes" if verdict == "affected" else "no"
    return None


def _read_config(condition: ConfigCondition, settings: Sequence[ConfigValue]) -> YesNo | None:
    """Answered by a setting of that key; a key that is not shown answers nothing, since pastes are parts of files."""
    values = [s.value for s in settings if (s.kind, s.key) == (condition.kind, condition.key)]
    if not values:
        return None
    return "yes" if any(holds(condition, value) for value in values) else "no"


def _read_metric(reads: CheckReads, values: Iterable[float | str]) -> YesNo | None:
    numbers = [float(v) for v in values]
    finite = [n for n in numbers if math.isfinite(n)]
    if not finite:
        return None
    matches = [_satisfies(reads, n) for n in finite]
    return "yes" if all(matches) else "no" if not any(matches) else None


def _satisfies(reads: CheckReads, value: float) -> bool:
    if reads.above is not None:
        return value > reads.above
    if reads.below is not None:
        return value < reads.below
    return math.isclose(value, reads.is_ or 0.0, rel_tol=1e-3, abs_tol=1e-12)


def verdict_of(check: GroupCheck, incident: str, value: YesNo) -> int:
    """What an answer says of an incident: 1 for it, -1 rules it out, 0 nothing.

    An answer that leaves less than half of the group speaks for those few, even if the other would have left them, too.
    """
    kept, dropped = (check.yes, check.no) if value == "yes" else (check.no, check.yes)
    if incident in kept:
        few = 2 * len({*kept}) < len({*kept, *dropped})
        return 1 if few or incident not in dropped else 0
    return -1 if incident in dropped else 0


def order_checks(
    catalog: Catalog, probabilities: Mapping[str, float], answered: Iterable[str]
) -> list[tuple[str, float]]:
    """The unanswered checks worth asking, best first: id and information gain (bits) per unit of cost."""
    done = {*answered}
    scored = [
        (name, gain(check, probabilities) / check.cost) for name, check in catalog.checks.items() if name not in done
    ]
    return sorted(((n, s) for n, s in scored if s >= _MIN_GAIN), key=lambda pair: (-pair[1], pair[0]))


def gain(check: GroupCheck, probabilities: Mapping[str, float]) -> float:
    """The expected drop of entropy (bits) over the incidents the check speaks about.

    Shannon's mutual information between the answer and the cause, with P(yes | cause) 0.95, 0.05 or 0.5.
    """
    members = {i: p for i, p in probabilities.items() if (i in check.yes or i in check.no) and p > 0}
    total = sum(members.values())
    if len(members) < 2:
        return 0.0
    yes = {i: p * _chance_of_yes(check, i) / total for i, p in members.items()}
    no = {i: p / total - yes[i] for i, p in members.items()}
    after = sum(_entropy(side.values()) for side in (yes, no))
    return max(0.0, _entropy(p / total for p in members.values()) - after) * total


def _chance_of_yes(check: GroupCheck, incident: str) -> float:
    in_yes, in_no = incident in check.yes, incident in check.no
    return 0.5 if in_yes == in_no else _CLEAR if in_yes else 1 - _CLEAR


def _entropy(masses: Iterable[float]) -> float:
    """Entropy of the masses after scaling to 1, weighted by their sum; bits."""
    masses = [m for m in masses if m > 0]
    total = sum(masses)
    return -sum(m * math.log2(m / total) for m in masses)
