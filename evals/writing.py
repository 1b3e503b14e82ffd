"""What answers are worth, composed and worded by a model: `python -m evals writing [--cases N] [--bad]`.

The composed answer, the scripted good server, with --bad every scripted bad one, and the server at CASEBOOK_LLM where
it is set word the same development cases. Each figure with its 95 % bootstrap interval. Exit 1 when an answer cites
what is not listed, invents, is not whole, or when no answer comes.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.casebook import Casebook
from app.claims import Sentence, Verifier
from app.diagnosis import Diagnosis, Done, Request, SentenceReady
from app.settings import Settings, load_settings
from app.texts import say
from app.turn import numbers_in, sentences, without_citations
from app.writer import open_model
from evals.answers import inventions, missing, phantom_citations
from evals.cases import FOLDER, Case, load_cases
from evals.judge import Judge, judge_from
from evals.metrics import difference, share
from evals.server_kinds import BAD, KINDS
from evals.servers import ScriptedServer
from kb.evidence import Input
from kb.evidence.language import language_of
from kb.llm import Limits, ModelConfig, ServedModel
from kb.types import Incident

CASES = 24
SCRIPTED = Limits(connect=2, first_token=2, pause=1, total=4)
FIELDS = ("cause", "fix", "check", "evidence", "prevention", "symptom")


@dataclass(frozen=True, slots=True)
class Score:
    """One answer."""

    worded: bool  # by the model
    phantoms: int  # citations of nothing
    invented: int
    whole: bool  # title, check, cause, fix and sources
    language: bool
    held: tuple[bool, ...]  # cited sentences: whether one incident that they cite supports them
    judged: tuple[bool | None, ...]  # the same by the judge; None is unscored
    first_s: float
    total_s: float


def sample(count: int) -> list[Case]:
    """Development cases about a cause, spread evenly, both languages."""
    cases = [c for c in load_cases(FOLDER / "dev") if c.cause is not None and not c.answers]
    halves = [[c for c in cases if c.language == lang] for lang in ("en", "zh")]
    spread = [half[:: max(len(half) * 2 // count, 1)][: count // 2] for half in halves]
    return [case for pair in zip(*spread, strict=False) for case in pair]


def answer(casebook: Casebook, case: Case, judge: Judge | None) -> Score:
    """Ask one case and score what comes."""
    start, first, diagnosis = time.perf_counter(), 0.0, None
    for event in casebook.stream([Input("text", case.query)], Request(language=case.language)):
        if isinstance(event, SentenceReady) and not first:
            first = time.perf_counter() - start
        elif isinstance(event, Done):
            diagnosis = event.diagnosis
    assert diagnosis is not None, "a stream ends with Done"
    total, incidents = time.perf_counter() - start, casebook.incidents()
    cited = list(_cited(diagnosis))
    return Score(
        worded=diagnosis.writer.kind == "model",
        phantoms=len(phantom_citations(diagnosis.answer)),
        invented=len(inventions(diagnosis, incidents, case.query)),
        whole=missing(diagnosis) == [],
        language=_language_right(diagnosis),
        held=tuple(_held(text, ids, diagnosis, incidents, case.query) for text, ids in cited),
        judged=tuple(_judged(text, ids, diagnosis, incidents, judge) for text, ids in cited) if judge else (),
        first_s=diagnosis.timings_ms.get("first_sentence", first * 1000) / 1000,
        total_s=total,
    )


def _cited(diagnosis: Diagnosis) -> Iterator[tuple[str, list[str]]]:
    """Sentences with citations, and the incidents whose sources they cite."""
    of = {s.n: [c.incident for c in diagnosis.causes if s in c.sources] for c in diagnosis.causes for s in c.sources}
    body = diagnosis.answer.split(f"**{say('sources', diagnosis.language)}**")[0]
    for sentence in sentences(body):
        if numbers := numbers_in(sentence):
            yield without_citations(sentence).strip(), [i for n in numbers for i in of.get(n, [])]


def _held(text: str, ids: Sequence[str], diagnosis: Diagnosis, incidents: Mapping[str, Incident], paste: str) -> bool:
    """Whether a field of a cited incident supports the sentence; its layout is not the question here."""
    verifier = Verifier({i: incidents[i] for i in ids}, lambda incident: paste)
    plain = text.replace("**", "").lstrip("-*0123456789. ")
    for incident in dict.fromkeys(ids):
        for field in FIELDS:
            kinds = {p.kind for p in verifier.problems(Sentence(plain, incident, field), diagnosis.language)}
            if kinds <= {"form", "language"}:
                return True
    return False


def _judged(
    text: str, ids: Sequence[str], diagnosis: Diagnosis, incidents: Mapping[str, Incident], judge: Judge
) -> bool | None:
    parts = [str(incidents[i].sections(diagnosis.language)) for i in dict.fromkeys(ids)]
    verdict = judge(text, "\n\n".join(parts))
    return None if verdict is None else verdict == "supported"


def _language_right(diagnosis: Diagnosis) -> bool:
    prose = [s for s in sentences(diagnosis.answer) if len(s) > 12 and "<http" not in s]
    wrong = [s for s in prose if language_of(s) not in (diagnosis.language, None)]
    return len(wrong) <= len(prose) // 3  # quoted error messages are in English


@contextmanager
def _scripted(casebook: Casebook, kind: str) -> Iterator[None]:
    with ScriptedServer(KINDS[kind], casebook.incidents()) as server:
        casebook.use_model(ServedModel(ModelConfig(server.url, limits=SCRIPTED)))
        try:
            yield
        finally:
            casebook.use_model(None)


@contextmanager
def _served(casebook: Casebook, settings: Settings) -> Iterator[None]:
    casebook.use_model(open_model(settings))
    try:
        yield
    finally:
        casebook.use_model(None)


def _run(casebook: Casebook, cases: Sequence[Case], judge: Judge | None) -> list[Score]:
    return [answer(casebook, case, judge) for case in cases]


def _row(name: str, scores: Sequence[Score]) -> None:
    held = [held for score in scores for held in score.held]
    judged = [verdict for score in scores for verdict in score.judged]
    scored = [verdict for verdict in judged if verdict is not None]
    print(f"{name}: {len(scores)} answers, {sum(s.worded for s in scores)} worded by a model")
    figures: dict[str, Sequence[float]] = {
        "citations of nothing per answer": [float(s.phantoms) for s in scores],
        "inventions per answer": [float(s.invented) for s in scores],
        "whole (cause, check, fix, sources)": [float(s.whole) for s in scores],
        "in the language asked": [float(s.language) for s in scores],
        "cited sentences supported": [float(x) for x in held],
        "seconds to the first sentence": [s.first_s for s in scores],
        "seconds in all": [s.total_s for s in scores],
    }
    if judged:
        figures["supported by the judge"] = [float(x) for x in scored]
    for what, values in figures.items():
        print(f"  {what:36} {share(values)}")
    if judged:
        print(f"  {'unscored by the judge':36} {len(judged) - len(scored)} of {len(judged)}")


def _compare(composed: Sequence[Score], other: Sequence[Score]) -> None:
    rate: Callable[[Score], float] = lambda s: sum(s.held) / len(s.held) if s.held else 1.0  # noqa: E731
    print(f"  supported, minus composed            {difference([*map(rate, other)], [*map(rate, composed)])}")
    print(f"  seconds, minus composed              "
          f"{difference([s.total_s for s in other], [s.total_s for s in composed])}")  # fmt: skip


def main(argv: Sequence[str] = ()) -> int:
    """Print the table; 1 when an answer of any writer breaks a bar."""
    parser = argparse.ArgumentParser(prog="python -m evals writing", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--bad", action="store_true", help="also every scripted bad server, together")
    options = parser.parse_args(argv)
    settings, judge = load_settings(), judge_from(os.environ)
    cases = sample(options.cases)
    casebook = Casebook(settings)
    composed = _run(casebook, cases, judge)
    _row("composed", composed)
    every = [*composed]
    for name, scores in _others(casebook, cases, judge, settings, options.bad):
        _row(name, scores)
        if len(scores) == len(composed):
            _compare(composed, scores)
        every += scores
    broken = Counter(
        what
        for s in every
        for what, bad in (("phantom", s.phantoms), ("invented", s.invented), ("whole", not s.whole))
        if bad
    )
    print(f"broken bars: {dict(broken) or 'none'}")
    casebook.close()
    return int(bool(broken))


def _others(
    casebook: Casebook, cases: Sequence[Case], judge: Judge | None, settings: Settings, bad: bool
) -> Iterator[tuple[str, list[Score]]]:
    with _scripted(casebook, "good"):
        yield "scripted good server", _run(casebook, cases, judge)
    if bad:
        scores = []
        for number, kind in enumerate(BAD):
            with _scripted(casebook, kind):
                scores += _run(casebook, [cases[number % len(cases)]], None)
        yield f"{len(BAD)} scripted bad servers", scores
    if settings.llm:
        with _served(casebook, settings):
            yield f"model at {settings.llm}", _run(casebook, cases, judge)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
