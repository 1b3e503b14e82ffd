"""Every bad server × fifty cases: figures for evals/LOG.md. Minutes: `make long`."""

from collections import Counter
from itertools import islice

import pytest

from app.casebook import LOCAL, Casebook
from app.diagnosis import Request
from app.turn import Turn
from app.writer import write_pieces
from evals.answers import inventions, missing, phantom_citations
from evals.cases import FOLDER, load_cases
from evals.server_kinds import BAD, KINDS
from evals.server_words import MARKS
from evals.servers import ScriptedServer
from kb.evidence import Input
from kb.llm import Limits, ModelConfig, ServedModel
from kb.llm.breaker import Breaker

CASES = 50
LIMITS = Limits(connect=1.0, first_token=0.5, pause=0.3, total=0.8)


def _turns(casebook: Casebook) -> list[tuple[str, Turn]]:
    """Turns with a cause, spread over the development cases: every n-th."""
    kinds = ("symptom", "log", "chatty", "injection")
    cases = [case for case in load_cases(FOLDER / "dev") if case.kind in kinds]
    spread = cases[:: max(1, len(cases) // (2 * CASES))]
    turns = ((c.query, casebook._turn([Input("text", c.query)], Request(), "en", LOCAL)[0]) for c in spread)
    return list(islice(((query, turn) for query, turn in turns if turn.diagnosis.causes), CASES))


def _faults(query: str, turn: Turn, casebook: Casebook, server: ScriptedServer) -> tuple[str, list[str]]:
    """Who wrote the answer, and what is wrong with it. Every answer is asked for: the breaker never opens."""
    model = ServedModel(ModelConfig(server.url, limits=LIMITS), Breaker(failures=1000))
    pieces, said = write_pieces(turn, model), []
    while True:
        try:
            said.append(next(pieces))
        except StopIteration as end:
            writer = end.value.writer
            break
    diagnosis = turn.diagnosis.model_copy(update={"answer": "".join(said), "writer": writer})
    marks = [mark for mark in MARKS if mark in diagnosis.answer and mark not in query]
    invented = inventions(diagnosis, casebook.incidents(), query)
    return writer.kind, [*missing(diagnosis), *map(str, phantom_citations(diagnosis.answer)), *invented, *marks]


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_no_bad_server_gets_a_word_of_its_own_past_the_checks(casebook: Casebook) -> None:
    turns, wrong, writers = _turns(casebook), [], Counter[str]()
    assert len(turns) == CASES
    for kind in BAD:
        with ScriptedServer(KINDS[kind], casebook.incidents()) as server:
            for query, turn in turns:
                writer, faults = _faults(query, turn, casebook, server)
                writers[f"{kind}: {writer}"] += 1
                wrong += [(kind, query[:60], fault) for fault in faults]
        print(kind, {name: n for name, n in writers.items() if name.startswith(f"{kind}:")}, len(wrong), flush=True)
    print(f"{len(BAD)} kinds × {len(turns)} cases, faults: {wrong}")
    assert wrong == []
