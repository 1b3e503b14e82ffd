"""The quality gate, and the rules that keep the evaluation honest."""

import math
from pathlib import Path

import pytest

from app.settings import Settings
from evals import forms_eval, forms_fit, gate
from evals.cases import FOLDER, Case, OutsideCause, load_cases
from evals.metrics import calibration_error, difference, share
from evals.retrieval import reciprocal_rank
from evals.split import sealed
from kb.library import BUILT_IN, load_library

MAX_LOST_IN_REPORTS = 0.06  # of cases that pass alone and not inside a frame that was learned from (evals/LOG.md)


@pytest.mark.timeout(900)  # every development case once
@pytest.mark.usefixtures("casebook")  # its index is there when the processes of the gate open it
def test_development_quality_holds(data_folder: Path) -> None:
    held, lines = gate.verdict(Settings(data=data_folder))
    assert held, "\n".join(lines)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("casebook")
def test_a_case_inside_a_whole_report_comes_out_as_it_does_alone(data_folder: Path) -> None:
    _, alone, within = forms_eval.measure(Settings(data=data_folder), forms_fit.FRAMES, "dev", 300)
    pairs = [(a, w) for a, w in zip(alone, within, strict=True) if a.answerable and a.case.decidable]
    lost = [f"{a.case.id}: {w.verdict} {w.first}" for a, w in pairs if a.passed and not w.passed]
    gained = sum(w.passed and not a.passed for a, w in pairs)
    assert len(lost) - gained <= MAX_LOST_IN_REPORTS * len(pairs), "\n".join(lost)


def test_sealed_causes_have_no_development_case() -> None:
    incidents = load_library([BUILT_IN]).incidents
    for case in load_cases(FOLDER / "dev"):
        if isinstance(case.cause, str) and case.kind not in ("injection", "secret"):
            assert case.cause in incidents, f"{case.id}: no incident {case.cause}"
            assert not sealed(case.cause, incidents[case.cause].symptom_groups), f"{case.id} is about a sealed cause"


def test_sealed_cases_are_about_sealed_causes() -> None:
    incidents = load_library([BUILT_IN]).incidents
    for case in load_cases(FOLDER / "sealed"):
        if isinstance(case.cause, str) and case.kind not in ("injection", "secret"):
            assert sealed(case.cause, incidents[case.cause].symptom_groups), case.id


def test_no_case_comes_from_a_thread_that_an_incident_cites() -> None:
    incidents = load_library([BUILT_IN]).incidents.values()
    cited = {source.url for incident in incidents for source in incident.sources if source.url}
    for case in load_cases(FOLDER):
        thread = case.thread or (case.cause.thread if isinstance(case.cause, OutsideCause) else None)
        assert thread not in cited, f"{case.id} comes from {thread}"


def test_there_are_enough_cases_of_every_kind() -> None:
    cases = load_cases(FOLDER)
    assert len(cases) >= 500
    assert 0.3 <= sum(c.language == "zh" for c in cases) / len(cases) <= 0.6
    assert sum(isinstance(c.cause, OutsideCause) or c.cause is None for c in cases) >= 150
    assert sum(c.pair is not None for c in cases) >= 200
    assert {c.kind for c in cases} >= {
        "symptom",
        "log",
        "config",
        "chatty",
        "injection",
        "secret",
        "off-topic",
        "healthy",
    }


def test_about_a_third_of_the_causes_is_sealed_whole_groups_among_them() -> None:
    library = load_library([BUILT_IN])
    drawn = [i.id for i in library.incidents.values() if sealed(i.id, i.symptom_groups)]
    assert 0.15 <= len(drawn) / len(library.incidents) <= 0.4
    groups = {
        g for g in library.groups if all(i.id in drawn for i in library.incidents.values() if g in i.symptom_groups)
    }
    assert groups


def test_metrics_by_hand() -> None:
    assert reciprocal_rank(["a", "b", "c"], "c") == pytest.approx(1 / 3)
    assert reciprocal_rank(["a"], "z") == 0
    half = share([True, False] * 50)
    assert half.value == 0.5
    assert half.low < 0.5 < half.high
    assert share([1, 1]).low == 1
    assert math.isnan(share([]).value)
    assert difference([1, 1, 0], [1, 0, 0]).value == pytest.approx(1 / 3)


def test_calibration_error_by_hand() -> None:
    # Two bins of 0.2 and 0.8, always wrong and always right: gaps of 0.2, no variance to take off.
    assert calibration_error([0.2] * 4 + [0.8] * 4, [False] * 4 + [True] * 4, bins=2) == pytest.approx(0.2)
    # A perfectly calibrated half: the gap is 0.
    assert calibration_error([0.5] * 4, [True, False, True, False], bins=1) == 0.0


def test_a_lost_case_is_named() -> None:
    from evals.outcomes import Outcome

    case = Case(id="x", query="q", language="en", kind="log", cause="a")
    lost = Outcome(case, True, "no_match", (), 0.0, False, 1.0)
    assert gate.losses([lost], ["x"]) == ([lost], 0)
    assert gate.losses([lost], []) == ([], 0)
