"""The baseline trainproof on runs whose fault can be seen by eye."""

import pytest

from app.casebook import Casebook
from evals.cases import Case, OutsideCause
from evals.outcomes import run
from evals.trainproof_eval import against_trainproof, alarm, is_faulty
from kb.evidence.model import MetricSeries

ZERO = "\n".join(f"{{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 1e-05, 'epoch': 0.0{i}}}" for i in range(1, 8))
FALLING = "\n".join(
    f"{{'loss': {2.4 - i / 10:.2f}, 'grad_norm': 1.{i}, 'learning_rate': 1e-05, 'epoch': 0.0{i}}}" for i in range(1, 8)
)


def _series(*values: float | str) -> dict[str, MetricSeries]:
    return {"loss": MetricSeries(steps=tuple(range(len(values))), values=values)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [((2.4, 2.2, 2.1, 2.0, 1.9, 1.8), False), ((2.4, "nan", "nan", "nan"), True), ((0.0,) * 6, True)],
)
def test_it_is_asked_as_its_own_format_says(values: tuple[float | str, ...], expected: bool) -> None:
    assert alarm(_series(*values)) is expected


def test_both_are_counted_on_the_same_runs(casebook: Casebook) -> None:
    known = casebook.incidents()
    expected = next(i.id for i in known.values() if i.cause_kind == "expected")

    def case(name: str, query: str, cause: str | OutsideCause | None) -> Case:
        kind = "log" if cause else "healthy"
        return Case.model_validate({"id": name, "query": query, "language": "en", "kind": kind, "cause": cause})

    cases = [
        case("zero", f"axolotl, my own data, from the first step:\n{ZERO}", "axolotl-loss-zero-field-mapping"),
        case("fine", FALLING, None),
        case("words", "my loss is zero", "axolotl-loss-zero-field-mapping"),  # no series: not asked
        case(
            "error", f"{FALLING}\nRuntimeError: CUDA error: an illegal memory access", OutsideCause(slug="x")
        ),  # nor this
    ]
    assert [is_faulty(c, known) for c in cases] == [True, False, True, True]
    assert not is_faulty(case("e", FALLING, expected), known)
    table = against_trainproof(run(casebook, cases), known)
    assert table["trainproof: faulty or not, rightly"].startswith("1.000")
    assert table["ours: faulty or not, rightly"].startswith("1.000")
    assert table["ours: faulty or not, rightly"].endswith("n=2")
    assert table["ours: its cause first, where it is faulty"].endswith("n=1")
