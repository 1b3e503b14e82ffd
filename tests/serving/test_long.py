"""Every bad server × fifty cases: figures for evals/LOG.md. Minutes: `make long`."""

from collections import Counter
from itertools import islice

import pytest

from app.casebook import Casebook
from app.diagnosis import Request
from evals.answers import inventions, missing, phantom_citations
from evals.cases import FOLDER, Case, load_cases
from evals.server_kinds import BAD
from evals.server_words import MARKS
from kb.llm import Limits

CASES = 50
LIMITS = Limits(connect=0.5, first_token=0.4, pause=0.2, total=0.8)


def _cases(casebook: Casebook) -> list[Case]:
    """Cases that have a cause, spread over the whole set: every n-th."""
    cases = [case for case in load_cases(FOLDER / "dev") if case.kind in ("symptom", "log", "chatty", "injection")]
    step = max(1, len(cases) // (2 * CASES))
    found = (case for case in cases[::step] if casebook.diagnose(Request(text=case.query)).causes)
    return list(islice(found, CASES))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_bad_server_gets_a_word_of_its_own_past_the_checks(casebook: Casebook, served) -> None:  # type: ignore[no-untyped-def]
    cases, wrong, writers = _cases(casebook), [], Counter[str]()
    assert len(cases) == CASES
    for kind in BAD:
        with served(kind, LIMITS) as (_, model):
            for case in cases:
                model._breaker._failures = 0  # every answer is asked for
                diagnosis = casebook.diagnose(Request(text=case.query))
                writers[diagnosis.writer.kind] += 1
                faults = [
                    *missing(diagnosis),
                    *phantom_citations(diagnosis.answer),
                    *inventions(diagnosis, casebook.incidents(), case.query),
                    *(mark for mark in MARKS if mark in diagnosis.answer and mark not in case.query),
                ]
                wrong += [(kind, case.id, fault) for fault in faults]
    print(f"{len(BAD)} kinds × {len(cases)} cases: {dict(writers)}, faults: {wrong}")
    assert wrong == []
