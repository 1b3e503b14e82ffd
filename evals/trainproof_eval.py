"""The baseline trainproof: a linter of training logs that says PASS, WARN or FAIL and names no cause.

It reads numbers alone, so it is asked about cases with two rows of loss or more and no error in the text, and for one
thing only: whether something is wrong with the run.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from trainproof.epoch import check_epoch

from evals.cases import Case
from evals.metrics import difference, share
from evals.outcomes import Outcome
from kb.evidence import Input, read
from kb.evidence.model import Evidence, MetricSeries
from kb.types import Incident

MIN_ROWS = 2


def against_trainproof(outcomes: Sequence[Outcome], known: Mapping[str, Incident]) -> dict[str, str]:
    """Share of runs rightly called faulty or not, theirs and ours, paired; and how often ours names the cause."""
    asked = list(_with_series(outcomes))
    faulty = [is_faulty(o.case, known) for o, _ in asked]
    theirs = [alarm(metrics) == wrong for (_, metrics), wrong in zip(asked, faulty, strict=True)]
    ours = [our_alarm(o, known) == wrong for (o, _), wrong in zip(asked, faulty, strict=True)]
    named = [o.right for (o, _), wrong in zip(asked, faulty, strict=True) if wrong and o.answerable]
    return {
        "trainproof: faulty or not, rightly": str(share(theirs)),
        "ours: faulty or not, rightly": str(share(ours)),
        "ours − trainproof, faulty or not": str(difference(ours, theirs)),
        "ours: its cause first, where it is faulty": str(share(named)),
    }


def _with_series(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, Mapping[str, MetricSeries]]]:
    for outcome in outcomes:
        evidence: Evidence = read([Input("text", outcome.case.query)]).evidence
        rows = evidence.metrics.get("loss")
        if evidence.initiating_error is None and rows is not None and len(rows.values) >= MIN_ROWS:
            yield outcome, evidence.metrics


def is_faulty(case: Case, known: Mapping[str, Incident]) -> bool:
    """Whether something is wrong with the run of a case: not where it is healthy, or its cause expected behaviour."""
    cause = known.get(case.cause) if isinstance(case.cause, str) else None
    return case.cause is not None and (cause is None or cause.cause_kind != "expected")


def alarm(metrics: Mapping[str, MetricSeries]) -> bool:
    """Whether trainproof warns of these series, given as the trainer_state.json that it reads best."""
    rows: dict[float, dict[str, float | str]] = {}
    for name, series in metrics.items():
        for step, value in zip(series.steps, series.values, strict=True):
            rows.setdefault(step, {"step": step})[name] = value
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "trainer_state.json"
        state.write_text(json.dumps({"log_history": [rows[step] for step in sorted(rows)]}), encoding="utf-8")
        return check_epoch(state, "hf")["verdict"] in ("WARN", "FAIL")


def our_alarm(outcome: Outcome, known: Mapping[str, Incident]) -> bool:
    """Whether Casebook says that something is wrong: a cause that is none of expected behaviour, or an unknown one."""
    if outcome.first is None:
        return outcome.reason == "unknown_problem"
    return outcome.first not in known or known[outcome.first].cause_kind != "expected"
