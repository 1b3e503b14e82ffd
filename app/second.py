"""Whether a paste holds a second problem that has nothing to do with the first."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import islice

from app.features import Candidate
from app.ranking import Ranked, Weights, rank
from app.verdict import stands_out
from kb.evidence.model import InitiatingError, Line, Reading
from kb.evidence.prose import is_prose
from kb.types import Incident

_AROUND = 4  # lines before and after an error that are read with it
_MAX_PARTS = 3
Consider = Callable[[Reading], Sequence[Candidate]]


def second_problem(ranked: Sequence[Ranked], reading: Reading, weights: Weights, consider: Consider) -> Ranked | None:
    """The cause of a second, independent problem beside the first of `ranked`, or None.

    A part of the paste that the first cause does not touch must be diagnosed, by the same thresholds, as a case of its
    own, and as no look-alike of the first.
    """
    first = ranked[0].candidate.incident
    for part in islice(_parts(ranked, reading), _MAX_PARTS):
        alone = rank(consider(part), weights)
        if stands_out(alone, weights.thresholds) and not related(alone[0].candidate.incident, first):
            return alone[0]
    return None


def related(one: Incident, other: Incident) -> bool:
    """Whether two incidents are the same or look-alikes: a group in common, or one named as the other's rival."""
    groups = {*one.symptom_groups} & {*other.symptom_groups}
    return one.id == other.id or bool(groups) or other.id in one.rivals or one.id in other.rivals


def _parts(ranked: Sequence[Ranked], reading: Reading) -> Iterator[Reading]:
    """The parts that may be a problem of their own: known errors in another place, and numbers beside an error."""
    first = ranked[0].candidate
    mine = {(ref.input, ref.line) for ref in first.refs}
    claimed = _claimed(ranked)
    for line in reading.lines:
        if (line.input, line.number) in claimed - mine and _parted(line, mine, reading):
            yield _around(reading, line, mine)
    numbers = [s for s in reading.evidence.signals if s.seen_in == "metric"]
    if mine and numbers and not {s.name for s in numbers} & {*first.incident.signals}:
        evidence = reading.evidence.model_copy(
            update={"initiating_error": None, "exceptions": (), "signals": tuple(numbers), "config_findings": ()}
        )
        yield replace(reading, evidence=evidence, prose="", notable=(), lines=(), matter=())


def _claimed(ranked: Sequence[Ranked]) -> set[tuple[str, int]]:
    """Input and line of the error signatures of incidents that do not look like the first."""
    first, *others = (r.candidate for r in ranked)
    return {
        (ref.input, ref.line)
        for other in others
        if "signature" in other.features and not related(other.incident, first.incident)
        for ref in other.refs
    }


def _parted(line: Line, mine: set[tuple[str, int]], reading: Reading) -> bool:
    """Whether a line stands in another file than the first problem's lines, or the person speaks between them."""
    same = [number for name, number in mine if name == line.input]
    if not mine:
        return False
    said = [o.number for o in reading.lines if o.input == line.input and is_prose(o, few_lines=True)]
    return all(any(min(n, line.number) < s < max(n, line.number) for s in said) for n in same)


def _around(reading: Reading, error: Line, others: Set[tuple[str, int]]) -> Reading:
    """What is said around an error, as if nothing else had been pasted: without the lines of `others`."""
    same = [x for x in reading.lines if x.input == error.input and (x.input, x.number) not in others]
    near = [x for x in same if abs(x.number - error.number) <= _AROUND]
    start = InitiatingError(input=error.input, line=error.number, text=error.text, kind="exception")
    evidence = reading.evidence.model_copy(
        update={"initiating_error": start, "signals": (), "metrics": {}, "config_findings": ()}
    )
    return replace(reading, evidence=evidence, prose="", notable=(error,), lines=tuple(near), matter=tuple(near))
