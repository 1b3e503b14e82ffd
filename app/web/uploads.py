"""Dropped files as inputs of a case: text files as they are, gzip unpacked; pictures refused in words."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.web.texts import tell
from kb.errors import InputError
from kb.evidence import Input
from kb.types import Lang

MAX_FILES = 10
MAX_UNPACKED = 64 << 20  # bytes of one gzip file, which memory must hold
FILE_TYPES = (".log", ".txt", ".out", ".err", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".cfg", ".sh", ".py",
              ".md", ".csv", ".gz", "text")  # fmt: skip
_GZIP = b"\x1f\x8b"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")


def uploaded(files: Sequence[str | Mapping[str, object]], lang: Lang) -> list[Input]:
    """The files that the page's box received. Raises InputError in the page's language."""
    if len(files) > MAX_FILES:
        raise InputError(tell("file_many", lang, count=len(files), limit=MAX_FILES))
    found = []
    for file in files:
        path = Path(str(file if isinstance(file, str) else file["path"]))
        name = path.name if isinstance(file, str) else str(file.get("orig_name") or path.name)
        found.append(_input(path, name, lang))
    return found


def _input(path: Path, name: str, lang: Lang) -> Input:
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise InputError(tell("file_empty", lang, name=name))
    if head.startswith(_PICTURES):
        raise InputError(tell("file_picture", lang, name=name))
    if head.startswith(_GZIP):
        return Input(name.removesuffix(".gz"), unpacked(path, name, lang))
    return Input(name, path)


def unpacked(path: Path, name: str, lang: Lang, limit: int = MAX_UNPACKED) -> bytes:
    """The content of a gzip file of at most `limit` bytes. Raises InputError for a broken or a larger one."""
    try:
        with gzip.open(path, "rb") as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(tell("file_gz_broken", lang, name=name)) from error
    if len(content) > limit:
        raise InputError(tell("file_gz_big", lang, name=name, limit=limit >> 20))
    return content
