"""What `casebook doctor` looks at: python, data folder, models, index, incidents, servers."""

import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from app.keeping import open_cases
from app.reranking import reranker_of
from app.settings import Settings
from kb import generations
from kb.embedding import load_embedder
from kb.errors import CasebookError
from kb.library import fingerprint, load_library
from kb.retrieval import Retriever

MIN_FREE_MB = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything; what fails is a finding, not an exception."""
    yield Finding("python", True, platform.python_version())
    for what, look in (
        ("data folder", _data),
        ("incidents", _incidents),
        ("embedding", _embedding),
        ("index", _index),
        ("reranker", _reranker),
        ("cases", _cases),
        ("answer writer", _writer),
    ):
        yield _guarded(what, look, settings)


def _guarded(what: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, True, look(settings))
    except CasebookError as error:
        return Finding(what, False, str(error))


def _data(settings: Settings) -> str:
    generations.check_writable(settings.data)
    free = shutil.disk_usage(settings.data).free // 2**20
    return f"{settings.data}, {free} MB free" + (f" (little: {MIN_FREE_MB} MB wanted)" if free < MIN_FREE_MB else "")


def _incidents(settings: Settings) -> str:
    library = load_library(settings.incident_folders)
    return f"{len(library.incidents)} incidents, {len(library.groups)} groups"


def _cases(settings: Settings) -> str:
    if not settings.retention_days:
        return "nothing is kept on disk (CASEBOOK_RETENTION_DAYS)"
    with closing(open_cases(settings, keep=True)) as cases:
        return f"{cases.count()} kept for {settings.retention_days} days in {cases.place}"


def _embedding(settings: Settings) -> str:
    embedder = load_embedder(settings.embedding, settings.data)
    return f"{embedder.name}, {embedder.embed(['probe'], 'query').shape[1]} dimensions"


def _reranker(settings: Settings) -> str:
    reranker = reranker_of(settings)
    if reranker is None:
        return "none (CASEBOOK_RERANK names no model)"
    started = time.monotonic()
    score = reranker.score("loss is 0 from the first step", ["every label is masked, so that the loss is 0"])[0]
    return f"{reranker.name}, a probe scored {score:.2f} after {time.monotonic() - started:.1f} s"


def _index(settings: Settings) -> str:
    embedder = load_embedder(settings.embedding, settings.data)
    retriever = Retriever(settings.index_root, embedder, settings.store)
    manifest = retriever.manifest
    retriever.search("loss is 0")
    retriever.close()
    fresh = manifest.folders_fingerprint == fingerprint(settings.incident_folders)
    state = "" if fresh else "; files changed since: casebook index"
    return f"{manifest.incidents} incidents, base {manifest.kb_version}{state}"


def _writer(settings: Settings) -> str:
    """Who words the answers; a model is asked for a word."""
    if settings.llm is None:
        return "composed from the incidents (CASEBOOK_LLM names no model server)"
    from app.writer import open_model
    from kb.llm import Message

    model = open_model(settings)
    assert model is not None
    info = model.info()
    model.warm().result()
    started = time.monotonic()
    with closing(model.stream([Message("user", "Answer with one word: ready?")])) as answer:
        next(answer, None)
    first = time.monotonic() - started
    return f"{info.name} at {settings.llm}, {info.context} tokens of context, first word after {first:.1f} s"
