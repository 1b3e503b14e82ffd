"""What `python -m evals run` says of a rerank model: the same cases with and without it."""

from dataclasses import replace

from evals.cases import Case
from evals.evaluate import against_none
from evals.outcomes import Outcome


def _outcome(name: str, first: str, passed: bool, cause: str | None = "a") -> Outcome:
    case = Case.model_validate({"id": name, "query": "q", "language": "en", "kind": "log", "cause": cause})
    return Outcome(case, cause is not None, "diagnosed", (first,), 0.9, passed, 12.0)


def test_the_effect_is_paired_and_apart_for_cases_outside_the_base() -> None:
    plain = [_outcome(str(n), "b", False) for n in range(3)] + [
        _outcome("3", "a", True),
        _outcome("x", "b", False, None),
    ]
    better = [replace(plain[0], ranking=("a",), passed=True), *plain[1:4], replace(plain[4], passed=True)]
    table = against_none(better, plain)
    assert table["rerank model − none: right cause first"].startswith("0.250")  # one of four
    assert table["rerank model − none: decidable passed"].startswith("0.250")
    assert table["rerank model − none: outside passed"].startswith("1.000")
    assert table["milliseconds without it: median"] == "12.0"
