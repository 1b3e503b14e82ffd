"""Index generations: folders that are complete or not there.

Two processes on one Chroma folder lose data without a word, so nobody writes where others read: a writer fills a
new folder, writes its manifest last, and moves the pointer. Readers compare the pointer and reopen.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from kb.errors import IndexMismatch, LockedError, UnavailableError
from kb.types import Frozen

FORMAT = 1
LAYOUT = 6  # of the files made from the incidents' text; another one is written anew, the vectors are kept
KEPT = 2
LOCK_WAIT_S = 30.0
_POINTER, _MANIFEST = "current", "manifest.json"


class Manifest(Frozen):
    """What a generation holds; written last, so that its existence proves the generation complete."""

    format: int
    layout: int = 1
    model: str
    model_fingerprint: str
    kb_version: str
    kb_digest: str
    folders_fingerprint: str
    incidents: int
    passages: dict[str, str]  # passage id → digest


def current(root: Path) -> Path | None:
    """The folder of the current generation, or None where there is no index. Raises UnavailableError."""
    try:
        name = (root / _POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"index {root}: cannot be read: {error.strerror}") from error
    folder = root / name
    return folder if (folder / _MANIFEST).exists() else None


def ready(root: Path) -> bool:
    """Whether there is a generation with the files that this version reads. Raises IndexMismatch, UnavailableError."""
    folder = current(root)
    return folder is not None and read_manifest(folder).layout == LAYOUT


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a generation. Raises IndexMismatch for another format."""
    try:
        data = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if data.get("format") != FORMAT:
            raise IndexMismatch(f"index {folder}: another format than {FORMAT}; run casebook index --rebuild")
        return Manifest.model_validate(data)
    except (ValueError, ValidationError, OSError) as error:
        raise IndexMismatch(f"index {folder}: unreadable manifest; run casebook index --rebuild") from error


def check_writable(root: Path) -> None:
    """Raise UnavailableError where the index folder cannot be made or written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / f".probe-{uuid.uuid4().hex}"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        raise UnavailableError(
            f"data folder {root}: {error.strerror}; set CASEBOOK_DATA to a folder with space"
        ) from error


@contextmanager
def writing(root: Path, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold the one writer lock. Raises LockedError after `wait_s` seconds."""
    check_writable(root)
    lock = FileLock(str(root / "lock"))
    try:
        with lock.acquire(timeout=wait_s):
            yield
    except Timeout as error:
        raise LockedError(
            f"index {root}: another process has been writing for {wait_s:.0f} s; try again later"
        ) from error


def start(root: Path, copy: Path | None) -> Path:
    """A new generation folder, holding a copy of another generation's Chroma folder if one is given."""
    folder = root / f"g-{uuid.uuid4().hex[:12]}"
    folder.mkdir()
    if copy is not None and (copy / "chroma").exists():
        shutil.copytree(copy / "chroma", folder / "chroma")
    return folder


def publish(root: Path, folder: Path, manifest: Manifest) -> None:
    """Complete a generation and point readers at it; older ones but the newest two go."""
    _write_synced(folder / _MANIFEST, manifest.model_dump_json())
    temporary = root / f".{_POINTER}-{uuid.uuid4().hex[:8]}"
    _write_synced(temporary, folder.name)
    temporary.replace(root / _POINTER)


def stale(root: Path) -> list[Path]:
    """Generations that may be deleted by the holder of the lock: incomplete ones, and all but the newest two."""
    now = current(root)
    folders = sorted(root.glob("g-*"), key=lambda f: f.stat().st_mtime, reverse=True)
    complete = [f for f in folders if (f / _MANIFEST).exists() and f != now]
    kept = {now, *complete[: KEPT - 1]}
    for leftover in root.glob(f".{_POINTER}-*"):
        leftover.unlink(missing_ok=True)
    return [f for f in folders if f not in kept]


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
