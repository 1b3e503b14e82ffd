"""What Casebook makes of each case: the same call that every channel makes, judged by the rules of DESIGN.md."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from app.casebook import Casebook
from app.diagnosis import Diagnosis, GivenAnswer, Request
from app.settings import Settings
from evals.cases import Case
from kb.types import Incident

MAX_RIVALS = 4  # the truth of an undecidable case must be among so many


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case and what came of it; `answerable` is derived from whether the cause is in the base."""

    case: Case
    answerable: bool
    verdict: str
    ranking: tuple[str, ...]
    confidence: float  # of the first cause; 0 where none is given
    passed: bool
    milliseconds: float
    reason: str = ""  # the diagnosis's reason_code

    @property
    def first(self) -> str | None:
        """The cause put first."""
        return self.ranking[0] if self.ranking else None

    @property
    def right(self) -> bool:
        """Whether the cause put first is the true one."""
        return self.answerable and self.first == self.case.cause


def run(casebook: Casebook, cases: Iterable[Case]) -> list[Outcome]:
    """The outcome of every case, each as a case of its own."""
    known = casebook.incidents()
    return [_outcome(casebook, case, known) for case in cases]


def run_apart(settings: Settings, cases: Sequence[Case], processes: int = 2) -> list[Outcome]:
    """As run, shared out to processes that each open the casebook: faster, but of no use for times."""
    Casebook(settings).close()  # where there is no index it is built once, not by each of them
    with ProcessPoolExecutor(processes, get_context("spawn"), _open, (settings,)) as pool:
        return list(pool.map(_outcome_apart, cases, chunksize=50))


_opened: list[tuple[Casebook, Mapping[str, Incident]]] = []  # of a process of run_apart


def _open(settings: Settings) -> None:
    casebook = Casebook(settings)
    _opened.append((casebook, casebook.incidents()))


def _outcome_apart(case: Case) -> Outcome:
    casebook, known = _opened[0]
    return _outcome(casebook, case, known)


def _outcome(casebook: Casebook, case: Case, known: Mapping[str, Incident]) -> Outcome:
    answers = tuple(GivenAnswer(check=a.check, value=a.value) for a in case.answers)
    started = time.perf_counter()
    diagnosis = casebook.diagnose(Request(text=case.query, answers=answers), id=case.id)
    took = (time.perf_counter() - started) * 1000
    casebook.forget(diagnosis.case)
    answerable = isinstance(case.cause, str) and case.cause in known
    return Outcome(
        case=case,
        answerable=answerable,
        verdict=diagnosis.verdict,
        ranking=tuple(c.incident for c in diagnosis.causes),
        confidence=diagnosis.causes[0].confidence if diagnosis.causes else 0.0,
        passed=_passed(case, answerable, diagnosis),
        milliseconds=took,
        reason=diagnosis.reason_code,
    )


def _passed(case: Case, answerable: bool, diagnosis: Diagnosis) -> bool:
    """Decidable: diagnosed, the right cause first, its fix says what must be said. Undecidable: see _split.

    Outside the base: anything but diagnosed.
    """
    if not answerable:
        return diagnosis.verdict != "diagnosed"
    truth = str(case.cause)
    if not case.decidable:
        return diagnosis.verdict == "ambiguous" and _split(truth, diagnosis)
    if diagnosis.verdict != "diagnosed" or diagnosis.causes[0].incident != truth:
        return False
    return all(re.search(pattern, diagnosis.causes[0].fix, re.IGNORECASE) for pattern in case.must)


def _split(truth: str, diagnosis: Diagnosis) -> bool:
    """The truth is among the first four, and a next check splits it from the one now first (or second, if it leads)."""
    ranking = [c.incident for c in diagnosis.causes]
    if truth not in ranking[:MAX_RIVALS]:
        return False
    other = ranking[0] if ranking[0] != truth else ranking[1]
    return any(
        (truth in c.if_yes) != (other in c.if_yes) or (truth in c.if_no) != (other in c.if_no)
        for c in diagnosis.next_checks
    )


def only(outcomes: Sequence[Outcome], *, answerable: bool, decidable: bool = True) -> list[Outcome]:
    """The outcomes of one kind; decidable does not matter outside the base."""
    return [o for o in outcomes if o.answerable == answerable and (not answerable or o.case.decidable == decidable)]
