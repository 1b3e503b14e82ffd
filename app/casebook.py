"""The one object that channels receive: diagnosis over cases, search, incidents.

Cases live in memory only, bounded in number; nothing that a user sends is stored or logged.
"""

import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.answer import pieces
from app.diagnose import Stopwatch, consider, diagnose, with_findings
from app.diagnosis import Diagnosis, DiagnosisReady, Done, Event, Request, SentenceReady
from app.features import Candidate
from app.ranking import load_weights
from app.settings import Settings
from kb import generations
from kb.configs import read_configs
from kb.embedding import Embedder, load_embedder
from kb.errors import InputError
from kb.evidence import Input, read
from kb.evidence.binary import binary_kind
from kb.index import Progress, Report, build
from kb.library import fingerprint
from kb.retrieval import Hit, Retriever
from kb.types import Group, Incident, Lang

MAX_CASES = 1000
MAX_TURNS = 50
Notify = Callable[[str], None]


@dataclass(slots=True)
class Case:
    """What a case has been given so far."""

    inputs: list[Input] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    language: Lang | None = None
    turns: int = 0


class Casebook:
    """Diagnoses, searches and shows incidents. Safe to call from several threads, one request at a time inside."""

    def __init__(self, settings: Settings, notify: Notify = lambda line: None) -> None:
        """Open the index; build it first where there is none, saying so through `notify`.

        Raises UnavailableError, IndexMismatch, IncidentError.
        """
        self._lock = threading.Lock()
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._embedder = load_embedder(settings.embedding, settings.data)
        if generations.current(settings.index_root) is None:
            notify("no index yet: building it once …")
            build_index(settings)
        self._retriever = Retriever(settings.index_root, self._embedder, settings.store)
        if self._retriever.manifest.folders_fingerprint != fingerprint(settings.incident_folders):
            notify("incident files changed since the index was built; run: casebook index")

    def diagnose(self, request: Request, *, id: str | None = None, default_language: Lang = "en") -> Diagnosis:
        """The diagnosis of one turn. Raises InputError for an empty request or an unknown case."""
        inputs = [Input(file.name, file.content) for file in request.files]
        if request.text and request.text.strip():
            inputs.insert(0, Input("text", request.text))
        return self.diagnose_inputs(inputs, request, id=id, default_language=default_language)

    def diagnose_inputs(
        self, inputs: Sequence[Input], request: Request, *, id: str | None = None, default_language: Lang = "en"
    ) -> Diagnosis:
        """As diagnose, for inputs that may be files on disk; `request` gives language, case and answers."""
        for event in self.stream(inputs, request, default_language=default_language):
            if isinstance(event, Done):
                return event.diagnosis.model_copy(update={"id": id})
        raise AssertionError("a stream ends with Done")

    def stream(
        self, inputs: Sequence[Input], request: Request, *, default_language: Lang = "en"
    ) -> Generator[Event, None, None]:
        """The same turn as events: the diagnosis at once, the answer piece by piece, the whole at the end.

        Closing the iterator ends the work on the answer. Raises InputError at the first step, as diagnose does.
        """
        diagnosis = self._turn(inputs, request, default_language)
        yield DiagnosisReady(diagnosis.model_copy(update={"answer": ""}))
        said = []
        for piece in pieces(diagnosis):
            said.append(piece)
            yield SentenceReady(piece)
        yield Done(diagnosis.model_copy(update={"answer": "".join(said)}))

    def _turn(self, inputs: Sequence[Input], request: Request, default_language: Lang) -> Diagnosis:
        if not inputs and not request.answers:
            raise InputError("nothing to diagnose: the text is empty")
        for one in inputs:
            if not isinstance(one.text, str) and (kind := binary_kind(one.text)):
                raise InputError(f"{one.name}: binary, {kind}")
        with self._lock:
            name, case = self._case(request.case)
            watch = Stopwatch()
            with watch.stage("read"):
                known = [*case.inputs, *_named(inputs, case.turns)]
                reading = read(known)
                settings = read_configs(known)
            lang = _language(request, reading.language, case.language, default_language)
            given = case.given | {a.check: a.value for a in request.answers}
            diagnosis = diagnose(
                reading, settings, self._retriever, load_weights(), case=name, lang=lang, given=given, watch=watch
            )
            case.inputs, case.given, case.language, case.turns = known, given, lang, case.turns + 1
        return diagnosis

    def candidates(self, inputs: Sequence[Input], given: Mapping[str, str]) -> list[Candidate]:
        """The candidate causes of some inputs with their features, unranked: what the weights are learned from."""
        with self._lock:
            settings = read_configs(inputs)
            reading = with_findings(read(inputs), settings, self._retriever.catalog, "en")
            return consider(reading, settings, self._retriever, given, Stopwatch())[0]

    def _case(self, name: str | None) -> tuple[str, Case]:
        if name is None:
            name = secrets.token_urlsafe(16)
            self._cases[name] = Case()
            while len(self._cases) > MAX_CASES:
                self._cases.popitem(last=False)
        if name not in self._cases:
            raise InputError(f"case {name[:40]!r}: not known here; send the text again without a case")
        case = self._cases[name]
        if case.turns >= MAX_TURNS:
            raise InputError(f"case {name[:40]!r}: has {MAX_TURNS} turns; start a new one")
        self._cases.move_to_end(name)
        return name, case

    def forget(self, case: str) -> None:
        """Drop a case and what it holds."""
        with self._lock:
            self._cases.pop(case, None)

    def search(self, words: str) -> list[tuple[Incident, Hit]]:
        """Incidents for a query, best first."""
        with self._lock:
            hits = self._retriever.search(words)
            return [(self._retriever.catalog.incidents[hit.incident], hit) for hit in hits]

    def incidents(self) -> Mapping[str, Incident]:
        """All incidents by id, retired ones included."""
        with self._lock:
            self._retriever.refresh()
            return self._retriever.catalog.incidents

    def groups(self) -> Mapping[str, Group]:
        """All symptom groups by id."""
        return self._retriever.catalog.groups

    def incident(self, id: str) -> Incident:
        """One incident. Raises InputError that names near ids."""
        known = self.incidents()
        if id not in known:
            near = [name for name in known if id in name or name in id][:3]
            hint = f"; did you mean {', '.join(near)}" if near else "; casebook search WORDS finds ids"
            raise InputError(f"incident {id!r}: not in the base{hint}")
        return known[id]

    def close(self) -> None:
        """Let go of the index."""
        self._retriever.close()


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


def _named(inputs: Sequence[Input], turn: int) -> list[Input]:
    """Inputs of later turns get names of their own, so that line references stay unambiguous."""
    return [Input(f"{i.name}#{turn + 1}", i.text) if turn else i for i in inputs]


def _language(request: Request, prose: Lang | None, before: Lang | None, default: Lang) -> Lang:
    if request.language != "auto":
        return request.language
    return prose or before or default
