"""Build and update the index: a new generation from the current one plus what changed."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kb import generations
from kb.catalog import Catalog
from kb.embedding import Embedder, Vectors
from kb.errors import IndexMismatch, UnavailableError
from kb.generations import Manifest
from kb.learned import LearnedTerms, examples
from kb.lexical import LexicalIndex
from kb.library import BUILT_IN, base_version, fingerprint, load_library
from kb.passages import Passage, passages
from kb.store import Store
from kb.terms import TermTable, symptom_terms, told_terms
from kb.types import LANGS, Incident
from kb.vectors import VectorLog

EMBED_BATCH = 256
CATALOG = "catalog.jsonl"
SYMPTOMS, WHOLE, LEARNED = "terms-symptom", "terms-whole", "terms-learned"  # term tables of a generation
Progress = Callable[[int, int], None]  # passages embedded so far, passages to embed


@dataclass(frozen=True)
class Report:
    """What an index run did: counts of passages, and whether a new generation was needed.

    `resumed` of the passages had been embedded by a run that did not complete.
    """

    incidents: int
    passages: int
    embedded: int
    removed: int
    changed: bool
    resumed: int = 0


def build(
    root: Path,
    folders: Sequence[Path],
    embedder: Embedder,
    *,
    server: str | None = None,
    rebuild: bool = False,
    wait_s: float = generations.LOCK_WAIT_S,
    progress: Progress | None = None,
) -> Report:
    """Bring the index under `root` up to date with the incident folders.

    Embeds only what changed, unless `rebuild`. `server` is a Chroma server's URL, None for a folder.
    Raises IncidentError, LockedError, IndexMismatch, UnavailableError; the current generation stays whole.
    """
    with generations.writing(root, wait_s):
        return _Build(root, folders, embedder, server, progress or (lambda done, total: None)).run(rebuild)


class _Build:
    """One index run, under the writer lock."""

    def __init__(
        self, root: Path, folders: Sequence[Path], embedder: Embedder, server: str | None, progress: Progress
    ) -> None:
        self.root, self.folders, self.embedder, self.server, self.progress = root, folders, embedder, server, progress
        self.fingerprint = fingerprint(folders)
        self.library = load_library(folders)

    def run(self, rebuild: bool) -> Report:
        previous = None if rebuild else generations.current(self.root)
        before = generations.read_manifest(previous) if previous else None
        if before and before.model_fingerprint != self.embedder.fingerprint:
            raise IndexMismatch(
                f"index {self.root}: made by {before.model}, not {self.embedder.name}; run casebook index --rebuild"
            )
        live = [i for i in self.library.incidents.values() if i.status != "retired"]
        wanted = [p for i in live for p in passages(i, self.embedder.count_tokens, self.embedder.reads_chinese)]
        manifest = self._manifest({p.id: p.digest for p in wanted})
        if before == manifest:
            self._clean()
            return Report(len(live), len(wanted), 0, 0, changed=False)
        old = before.passages if before else {}
        new = [p for p in wanted if old.get(p.id) != p.digest]
        gone = [i for i, digest in old.items() if manifest.passages.get(i) != digest]
        self.log = VectorLog(self.root, self.embedder.fingerprint)
        resumed = sum(self.log.get(p.embedded) is not None for p in new)
        self._write(previous, manifest, new, gone, live)
        self.log.delete()
        return Report(len(live), len(wanted), len(new) - resumed, len(gone), changed=True, resumed=resumed)

    def _manifest(self, digests: dict[str, str]) -> Manifest:
        return Manifest(
            format=generations.FORMAT,
            layout=generations.LAYOUT,
            model=self.embedder.name,
            model_fingerprint=self.embedder.fingerprint,
            kb_version=base_version() if BUILT_IN in self.folders else "private",
            kb_digest=self.library.digest,
            folders_fingerprint=self.fingerprint,
            incidents=len(self.library.incidents),
            passages=digests,
        )

    def _write(
        self, previous: Path | None, manifest: Manifest, new: list[Passage], gone: list[str], live: list[Incident]
    ) -> None:
        try:
            folder = generations.start(self.root, None if self.server else previous)
            self._fill_store(folder, previous, new, gone)
            for lang in LANGS:
                LexicalIndex.build(live, lang).save(folder / f"lexical-{lang}")
            symptoms = {i.id: symptom_terms(i) for i in live}
            TermTable.build(symptoms).save(folder / SYMPTOMS)
            TermTable.build({i.id: symptoms[i.id] | told_terms(i) for i in live}).save(folder / WHOLE)
            LearnedTerms.learn({i.id: examples(i) for i in live}).save(folder / LEARNED)
            Catalog.save(folder / CATALOG, self.library.incidents, self.library.groups)
            generations.publish(self.root, folder, manifest)
        except OSError as error:
            raise UnavailableError(f"index {self.root}: {error.strerror}; the previous index is untouched") from error
        finally:
            self._clean()

    def _fill_store(self, folder: Path, previous: Path | None, new: list[Passage], gone: list[str]) -> None:
        store = open_store(folder, self.server)
        try:
            if self.server and previous:
                older = open_store(previous, self.server)
                store.copy_from(older)
                older.close()
            for lang in LANGS:
                store.delete(lang, [i for i in gone if f":{lang}:" in i])
            self._embed_into(store, new)
        finally:
            store.close()

    def _embed_into(self, store: Store, new: list[Passage]) -> None:
        """Embed batch after batch; each is written to the store while the next is embedded."""
        done = 0
        ordered = sorted(new, key=lambda p: (p.lang, len(p.embedded)))  # texts of like length: little padding
        with ThreadPoolExecutor(1) as writer:
            writing: Future[None] | None = None
            for lang in LANGS:
                mine = [p for p in ordered if p.lang == lang]
                for start in range(0, len(mine), EMBED_BATCH):
                    batch = mine[start : start + EMBED_BATCH]
                    vectors = self._vectors(batch)
                    if writing is not None:
                        writing.result()
                    writing = writer.submit(store.add, lang, batch, vectors)
                    done += len(batch)
                    self.progress(done, len(new))
            if writing is not None:
                writing.result()

    def _vectors(self, batch: list[Passage]) -> Vectors:
        """The vectors of passages: from the log of an unfinished run, else embedded and logged."""
        rows = [self.log.get(p.embedded) for p in batch]
        missing = [n for n, row in enumerate(rows) if row is None]
        if missing:
            texts = [batch[n].embedded for n in missing]
            fresh = self.embedder.embed(texts, "passage")
            self.log.add(texts, fresh)
            for n, row in zip(missing, fresh, strict=True):
                rows[n] = row
        return np.stack([row for row in rows if row is not None])

    def _clean(self) -> None:
        for folder in generations.stale(self.root):
            if self.server:
                store = open_store(folder, self.server)
                store.drop()
                store.close()
            shutil.rmtree(folder, ignore_errors=True)


def open_store(folder: Path, server: str | None) -> Store:
    """The store of a generation: its own folder, or its collections on the server."""
    return Store(server, folder.name) if server else Store(folder / "chroma", "passages")
