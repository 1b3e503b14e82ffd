"""The vector store: one collection of passages per language. The one seam to chromadb.

Collections have the layout of llama-index's ChromaVectorStore, which writes them (kb/nodes.py); queries use
chromadb directly, so that a cold start does not pay for llama-index.
"""

import importlib.util
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from kb.embedding import Vectors
from kb.errors import UnavailableError
from kb.passages import Passage
from kb.types import LANGS, Lang

BATCH = 1000
FULL = 20 << 20  # bytes free below which a failed write is put down to a full disk
# ef_search above the number of results asked for: the default loses neighbours on small, dense collections.
_HNSW = {"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}}


class Store:
    """Passages of one index generation, in a folder or on a Chroma server."""

    def __init__(self, where: Path | str, name: str) -> None:
        """Open the store; `where` is a folder, or the http(s) URL of a Chroma server.

        Collections are called `<name>-en` and `<name>-zh`. Raises UnavailableError.
        """
        chromadb = _chromadb()
        settings = chromadb.Settings(anonymized_telemetry=False)
        with _errors(where):
            if isinstance(where, Path):
                self._client: Any = chromadb.PersistentClient(str(where), settings)
            else:
                url = urlsplit(where)
                port = url.port or (443 if url.scheme == "https" else 8000)
                self._client = chromadb.HttpClient(url.hostname or "", port, url.scheme == "https", settings=settings)
        self._where, self._name = where, name
        self._collections: dict[Lang, Any] = {}
        self._threads = ThreadPoolExecutor(len(LANGS))

    def collection(self, lang: Lang) -> Any:
        """The Chroma collection of one language, made if it is not there."""
        if lang not in self._collections:
            with _errors(self._where):
                self._collections[lang] = self._client.get_or_create_collection(
                    f"{self._name}-{lang}", configuration=_HNSW, embedding_function=None
                )
        return self._collections[lang]

    def add(self, lang: Lang, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Write passages of one language with their vectors."""
        from kb.nodes import write_nodes

        with _errors(self._where):
            for start in range(0, len(passages), BATCH):
                end = start + BATCH
                write_nodes(self.collection(lang), passages[start:end], vectors[start:end])

    def delete(self, lang: Lang, ids: Sequence[str]) -> None:
        """Remove passages by id; unknown ids are ignored."""
        with _errors(self._where):
            for start in range(0, len(ids), BATCH):
                self.collection(lang).delete(ids=list(ids[start : start + BATCH]))

    def count(self) -> int:
        """How many passages there are, in both languages."""
        with _errors(self._where):
            return sum(self.collection(lang).count() for lang in LANGS)

    def query(self, lang: Lang, vector: Vectors, k: int) -> list[tuple[str, float]]:
        """The `k` nearest passages: id and cosine similarity, best first."""
        with _errors(self._where):
            found = self.collection(lang).query(query_embeddings=[vector.tolist()], n_results=k, include=["distances"])
        return [(i, 1.0 - d) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]

    def nearest(self, vector: Vectors, k: int) -> dict[Lang, list[tuple[str, float]]]:
        """As query, for both languages at once."""
        return dict(zip(LANGS, self._threads.map(lambda lang: self.query(lang, vector, k), LANGS), strict=True))

    def warm(self) -> None:
        """Have the vectors read from disk in the background: the first query waits for the rest of it only."""
        for collection in [self.collection(lang) for lang in LANGS]:
            self._threads.submit(collection.get, limit=1, include=["embeddings"])

    def copy_from(self, other: "Store") -> None:
        """Take over all passages of another generation on the same server."""
        with _errors(self._where):
            for lang in LANGS:
                for page in other.pages(lang):
                    self.collection(lang).upsert(**page)

    def pages(self, lang: Lang) -> Iterator[Mapping[str, Any]]:
        """All records of one language, in batches fit for `upsert`."""
        source, offset = self.collection(lang), 0
        while True:
            page = source.get(include=["embeddings", "metadatas", "documents"], limit=BATCH, offset=offset)
            if not page["ids"]:
                return
            yield {key: page[key] for key in ("ids", "embeddings", "metadatas", "documents")}
            offset += BATCH

    def drop(self) -> None:
        """Delete this generation's collections (a folder is deleted by its owner instead)."""
        with _errors(self._where):
            names = {collection.name for collection in self._client.list_collections()}
            for lang in LANGS:
                if f"{self._name}-{lang}" in names:
                    self._client.delete_collection(f"{self._name}-{lang}")

    def close(self) -> None:
        """Let go of files and connections; another Store on the same path sees what was written since."""
        self._threads.shutdown()
        self._collections.clear()
        self._client.close()


def _chromadb() -> Any:
    """The module, whose 160 overriding methods are not compared with what they override: 0.7 s at each start."""
    there = importlib.util.find_spec("overrides") is not None  # chromadb brings it
    module: Any = importlib.import_module("overrides") if there else SimpleNamespace(override=None, overrides=None)
    decorators = module.override, module.overrides
    module.override = module.overrides = _overriding
    try:
        import chromadb
        import chromadb.api.rust  # what a client loads later
    finally:
        module.override, module.overrides = decorators
    return chromadb


def _overriding(method: Any) -> Any:
    """What the decorator of `overrides` leaves on a method."""
    method.__override__ = True
    return method


def _hint(where: Path | str) -> str:
    if isinstance(where, str):
        return "is the Chroma server running (CASEBOOK_STORE)?"
    folder = next((f for f in (where, *where.parents) if f.exists()), where)
    if shutil.disk_usage(folder).free < FULL:
        return "the disk is full: free space or set CASEBOOK_DATA"
    return "try casebook index --rebuild"


@contextmanager
def _errors(where: Path | str) -> Iterator[None]:
    try:
        yield
    except (UnavailableError, KeyboardInterrupt):
        raise
    except Exception as error:
        # chromadb raises its own, sqlite's, httpx' and Rust's classes, with no common base.
        hint = _hint(where)
        first = (str(error).splitlines() or [""])[0][:200]
        raise UnavailableError(f"vector store {where}: {type(error).__name__}: {first}; {hint}") from error
