"""The one object that channels receive: diagnosis over cases, search, incidents.

What is kept of cases, and for how long, is app/keeping.py's; nothing that a user sends is logged.
"""

import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.answer import pieces
from app.casefile import Outcome, Question, SavedCase
from app.diagnose import Stopwatch, consider, diagnose, distill, with_findings
from app.diagnosis import Diagnosis, DiagnosisReady, Done, Event, Request, SentenceReady
from app.features import Candidate
from app.focus import focus
from app.keeping import Case, open_cases
from app.ranking import load_weights, with_rerank
from app.reranking import open_reranking
from app.settings import Settings
from app.turn import Pieces, Turn, Worded
from kb import generations
from kb.configs import read_configs
from kb.embedding import Embedder, Vectors, load_embedder
from kb.errors import InputError, NotFound
from kb.evidence import Input, read
from kb.evidence.binary import binary_kind
from kb.index import Progress, Report, build
from kb.library import fingerprint
from kb.retrieval import Hit, Retriever
from kb.translate import to_english
from kb.types import Group, Incident, Lang

if TYPE_CHECKING:
    from ingest.duplicates import Account, Relation
    from kb.llm import ServedModel, Stop

Notify = Callable[[str], None]
LOCAL = "local"  # owns the cases of the command line


class Casebook:
    """Diagnoses, searches and shows incidents. Safe to call from several threads, one request at a time inside."""

    def __init__(self, settings: Settings, notify: Notify = lambda line: None, *, keep: bool = False) -> None:
        """Open the index; build it first where there is none, saying so through `notify`.

        `keep`: cases outlast the process and take feedback; otherwise no database is opened.

        Raises UnavailableError, IndexMismatch, IncidentError.
        """
        self._lock = threading.Lock()
        self.listeners: list[Callable[[Diagnosis], None]] = []  # told of every finished turn
        self._embedder = load_embedder(settings.embedding, settings.data)
        if not generations.ready(settings.index_root):
            notify("no index yet: building it once …")
            build_index(settings)
        self._retriever = Retriever(settings.index_root, self._embedder, settings.store)
        if self._retriever.manifest.folders_fingerprint != fingerprint(settings.incident_folders):
            notify("incident files changed since the index was built; run: casebook index")
        self._cases = open_cases(settings, keep)
        self._model = _open_model(settings, warm=keep)
        self._reranking = open_reranking(settings, notify)
        self._weights = with_rerank(load_weights()) if self._reranking else load_weights()

    def diagnose(
        self, request: Request, *, id: str | None = None, default_language: Lang = "en", owner: str = LOCAL
    ) -> Diagnosis:
        """The diagnosis of one turn of the owner's case. Raises InputError for an empty request or an unknown case."""
        inputs = [Input(file.name, file.content) for file in request.files]
        if request.text and request.text.strip():
            inputs.insert(0, Input("text", request.text))
        return self.diagnose_inputs(inputs, request, id=id, default_language=default_language, owner=owner)

    def diagnose_inputs(
        self,
        inputs: Sequence[Input],
        request: Request,
        *,
        id: str | None = None,
        default_language: Lang = "en",
        owner: str = LOCAL,
    ) -> Diagnosis:
        """As diagnose, for inputs that may be files on disk; `request` gives language, case and answers."""
        for event in self.stream(inputs, request, default_language=default_language, owner=owner):
            if isinstance(event, Done):
                return event.diagnosis.model_copy(update={"id": id})
        raise AssertionError("a stream ends with Done")

    def stream(
        self,
        inputs: Sequence[Input],
        request: Request,
        *,
        default_language: Lang = "en",
        owner: str = LOCAL,
        stop: "Stop | None" = None,
    ) -> Generator[Event, None, None]:
        """The same turn as events: the diagnosis at once, the answer piece by piece, the whole at the end.

        Closing the iterator ends the work on the answer. While another thread waits in it, set `stop` instead: the
        model's work ends at once, and the iterator raises Stopped. Raises InputError at the first step, as diagnose
        does.
        """
        turn, number = self._turn(inputs, request, default_language, owner)
        diagnosis = turn.diagnosis
        yield DiagnosisReady(diagnosis.model_copy(update={"answer": ""}))
        said: list[str] = []
        worded = yield from _spoken(self._worded(turn, request.use_model, stop), said)
        times = {**diagnosis.timings_ms, **worded.timings_ms}
        whole = diagnosis.model_copy(update={"answer": "".join(said), "writer": worded.writer, "timings_ms": times})
        if whole != diagnosis:
            self._cases.finish(whole, number)
        for listener in self.listeners:
            listener(whole)
        yield Done(whole)

    def use_model(self, model: "ServedModel | None") -> None:
        """Let this model word the answers from now on, or none."""
        self._model = model

    def _worded(self, turn: Turn, use_model: bool, stop: "Stop | None") -> Pieces:
        """The answer piece by piece, by the model where there is one; outside of the index lock."""
        if self._model is None or not use_model:
            yield from pieces(turn.diagnosis)
            return Worded()
        from app.writer import write_pieces  # the checks of sentences load tables that a composed answer never needs

        return (yield from write_pieces(turn, self._model, stop))

    def _turn(self, inputs: Sequence[Input], request: Request, default_language: Lang, owner: str) -> tuple[Turn, int]:
        """The diagnosis with the composed answer, kept, what a writer needs beside it, and the number of the turn."""
        if not inputs and not request.answers:
            raise InputError("nothing to diagnose: the text is empty")
        for one in inputs:
            if not isinstance(one.text, str) and (kind := binary_kind(one.text)):
                raise InputError(f"{one.name}: binary, {kind}")
        case = self._cases.open(request.case, owner)
        with case.lock:
            new, watch = _named(inputs, case), Stopwatch()
            known = [*case.inputs, *new]
            with watch.stage("read"):
                reading = read(known)
                settings = read_configs(known)
            if case.redactions:
                count = reading.evidence.redactions + case.redactions
                reading = replace(reading, evidence=reading.evidence.model_copy(update={"redactions": count}))
            lang = _language(request, reading.language, case.language, default_language)
            given = case.given | {a.check: a.value for a in request.answers}
            with self._lock:
                diagnosis = diagnose(
                    reading,
                    settings,
                    self._retriever,
                    self._weights,
                    case=case.name,
                    lang=lang,
                    given=given,
                    watch=watch,
                    reranking=self._reranking,
                )
                incidents = self._retriever.catalog.incidents
            case.inputs, case.given, case.language, case.turns = known, given, lang, case.turns + 1
            self._cases.keep(case, new, request.answers, diagnosis, distill(reading))
            causes = {c.incident: incidents[c.incident] for c in diagnosis.causes if c.incident in incidents}
            return Turn(diagnosis, causes, reading.lines, reading.prose), case.turns

    def candidates(self, inputs: Sequence[Input], given: Mapping[str, str]) -> list[Candidate]:
        """The candidate causes of some inputs with their features, unranked: what the weights are learned from."""
        with self._lock:
            settings = read_configs(inputs)
            reading = with_findings(read(inputs), settings, self._retriever.catalog, "en")
            reading = focus(reading, self._retriever)
            return consider(reading, settings, self._retriever, given, Stopwatch(), self._reranking)[0]

    def case(self, case: str, *, owner: str = LOCAL) -> SavedCase:
        """All that was kept of the owner's case, redacted. Raises NotFound."""
        return self._cases.load(case, owner)

    def forget(self, case: str, *, owner: str = LOCAL) -> None:
        """Drop the owner's case and all that was kept of it. Raises NotFound."""
        self._cases.forget(case, owner)

    def feedback(
        self,
        case: str,
        outcome: Outcome,
        *,
        incident: str | None = None,
        note: str | None = None,
        owner: str = LOCAL,
    ) -> None:
        """Keep what became of a case; without `incident` it is about the first cause of a diagnosed case.

        Raises NotFound for an unknown case or incident.
        """
        if incident is not None:
            self.incident(incident)
        self._cases.feedback(case, owner, outcome, incident, note)

    def outcomes(self) -> Mapping[str, Mapping[Outcome, int]]:
        """How often each outcome was reported, by incident."""
        return self._cases.outcomes()

    def questions(self) -> list[Question]:
        """What was asked and not answered, or whose answer was voted down; the newest first."""
        return self._cases.questions()

    def fixed_cases(self) -> list[SavedCase]:
        """The kept cases of everybody whose last word is that the fix helped, redacted as they are."""
        return self._cases.fixed()

    def relate(self, account: "Account") -> "Relation":
        """Whether a draft is the same as an incident, a rival of one, or new."""
        from ingest.duplicates import relate

        with self._lock:
            self._retriever.refresh()
            return relate(account, self._retriever, self._retriever.catalog.incidents)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts as they are searched with, one row a text."""
        known = self._embedder.reads_chinese
        return self._embedder.embed([text if known else to_english(text) or text for text in texts], "query")

    def search(self, words: str) -> list[tuple[Incident, Hit]]:
        """Incidents for a query, best first; the id of a retired incident finds its successor first."""
        with self._lock:
            self._retriever.refresh()
            known = self._retriever.catalog.incidents
            old = known.get(words.strip())
            heir = known.get(old.superseded_by) if old and old.superseded_by else None
            hits = self._retriever.search(heir.title.get("en") if heir else words)
            ordered = sorted(hits, key=lambda hit: heir is not None and hit.incident != heir.id)
            return [(known[hit.incident], hit) for hit in ordered]

    def incidents(self) -> Mapping[str, Incident]:
        """All incidents by id, retired ones included."""
        with self._lock:
            self._retriever.refresh()
            return self._retriever.catalog.incidents

    def groups(self) -> Mapping[str, Group]:
        """All symptom groups by id."""
        return self._retriever.catalog.groups

    def incident(self, id: str) -> Incident:
        """One incident. Raises NotFound that names near ids."""
        known = self.incidents()
        if id not in known:
            near = [name for name in known if id in name or name in id][:3]
            hint = f"; did you mean {', '.join(near)}" if near else "; casebook search WORDS finds ids"
            raise NotFound(f"incident {id[:80]!r}: not in the base{hint}")
        return known[id]

    def close(self) -> None:
        """Let go of the index and the cases."""
        self._retriever.close()
        self._cases.close()


def build_index(
    settings: Settings, *, embedder: Embedder | None = None, rebuild: bool = False, progress: Progress | None = None
) -> Report:
    """Bring the index up to date with the incident folders; see kb.index.build."""
    generations.check_writable(settings.data)
    embedder = embedder or load_embedder(settings.embedding, settings.data, threads=os.cpu_count() or 1)
    return build(
        settings.index_root,
        settings.incident_folders,
        embedder,
        server=settings.store,
        rebuild=rebuild,
        progress=progress,
    )


def file_inputs(paths: Sequence[Path]) -> list[Input]:
    """Files as inputs, named by their file name. Raises InputError for what is missing, a folder or empty."""
    inputs = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if path.is_dir():
            raise InputError(f"{path}: is a directory; name the files in it")
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path}: is empty")
        inputs.append(Input(path.name, path))
    return inputs


def _named(inputs: Sequence[Input], case: Case) -> list[Input]:
    """Inputs of later turns get names of their own, so that line references stay unambiguous; names are redacted."""
    turn = f"#{case.turns + 1}" if case.turns else ""
    return [Input(case.redactor.redact(i.name).text + turn, i.text) for i in inputs]


def _open_model(settings: Settings, warm: bool) -> "ServedModel | None":
    """The model that words answers. `warm`: a process that lives long begins at once with the imports of seconds."""
    if settings.llm is None:
        return None
    from app.writer import open_model

    model = open_model(settings)
    if model is not None and warm:
        model.warm()
    return model


def _spoken(worded: Pieces, said: list[str]) -> Generator[Event, None, Worded]:
    """The pieces as events, gathered in `said`; closing it closes `worded`."""
    with closing(worded):
        while True:
            try:
                piece = next(worded)
            except StopIteration as end:
                result: Worded = end.value
                return result
            said.append(piece)
            yield SentenceReady(piece)


def _language(request: Request, prose: Lang | None, before: Lang | None, default: Lang) -> Lang:
    if request.language != "auto":
        return request.language
    return prose or before or default
