"""Sources → draft files: files, folders, fetched pages; one outcome a source, bad ones do not stop the rest."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.draft_files import DIGEST, LOCK, known_digests, locked, write_draft
from ingest.pool import SECONDS, Content, Pool
from ingest.types import Draft

IGNORED = frozenset(".lock .pyc .png .jpg .jpeg .gif .svg .css .js .woff .woff2 .ico .webp .mp4 .zip".split())

OURS = frozenset({"sources", "raw", "done"})  # what a folder of drafts holds beside them


@dataclass(frozen=True, slots=True)
class Written:
    """A draft in the folder. `new` is False where the same content was there before."""

    path: Path
    open: tuple[str, ...]
    notes: tuple[str, ...]
    new: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source: drafts, reasons why there is none, or the line that says why it was not read."""

    source: str
    drafts: tuple[Written, ...] = ()
    none: tuple[str, ...] = ()
    error: str | None = None


def files_of(sources: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Name and path of every file; folders are walked in order, hidden files, pictures and drafts left out."""
    for source in sources:
        if source.is_dir():
            for folder, below, names in os.walk(source):
                ours = OURS if LOCK in names else frozenset()
                below[:] = sorted(name for name in below if not name.startswith(".") and name not in ours)
                for name in sorted(names):
                    path = Path(folder) / name
                    if not name.startswith(".") and path.suffix.lower() not in IGNORED and not _is_draft(path):
                        yield str(path), path
        else:
            yield str(source), source


def _is_draft(path: Path) -> bool:
    """Whether a file was written by an earlier run."""
    return path.name.endswith(".draft.yaml") or (path.suffix == ".md" and path.with_suffix(".draft.yaml").exists())


def ingest(
    sources: Iterable[tuple[str, Content]],
    into: Path,
    *,
    workers: int | None = None,
    seconds: float = SECONDS,
    improve: Callable[[Draft], Draft] | None = None,
) -> Iterator[Outcome]:
    """Read and draft every source, and write what is new into the folder; `improve` may add to a new draft.

    Yields one Outcome a source, in order. Raises LockedError where another run holds the folder.
    """
    with locked(into), Pool(workers or min(os.cpu_count() or 1, 8), seconds) as pool:
        known = known_digests(into)
        for name, answer in pool.answers(sources):
            if isinstance(answer, str):
                yield Outcome(name, error=answer)
                continue
            drafts = [item for item in answer if isinstance(item, Draft)]
            none = tuple(item.reason for item in answer if not isinstance(item, Draft))
            yield Outcome(name, tuple(_written(d, into, known, improve) for d in drafts), none)


def _written(draft: Draft, into: Path, known: set[str], improve: Callable[[Draft], Draft] | None) -> Written:
    digest = draft.origin.digest[:DIGEST]
    path = into / f"{draft.id}.md"
    if digest in known:
        return Written(path, draft.open, draft.notes, new=False)
    known.add(digest)
    draft = improve(draft) if improve else draft
    return Written(write_draft(draft, into), draft.open, draft.notes, new=True)
