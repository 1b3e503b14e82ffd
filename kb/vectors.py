"""Vectors that an index run has computed, kept until it is published: a killed run does not embed them again."""

import hashlib
import zlib
from pathlib import Path

import numpy as np

from kb.embedding import Vectors

_KEY, _SUM = 16, 4  # bytes of a record's digest and of its checksum; the vector stands between


class VectorLog:
    """An append-only file of (digest of a text, its vector). A torn or damaged record is as if never written.

    Only the holder of the index's writer lock uses it; the next complete run deletes it.
    """

    def __init__(self, root: Path, fingerprint: str) -> None:
        """Read what an unfinished run with the same model left under `root`; what other models left goes."""
        self._path = root / f"vectors-{fingerprint}.part"
        for other in root.glob("vectors-*.part"):
            if other != self._path:
                other.unlink(missing_ok=True)
        self._known: dict[bytes, Vectors] = {}
        if self._path.exists():
            self._read(self._path.read_bytes())

    def __len__(self) -> int:
        return len(self._known)

    def get(self, text: str) -> Vectors | None:
        """The vector of a text that was embedded before, or None."""
        return self._known.get(_key(text))

    def add(self, texts: list[str], vectors: Vectors) -> None:
        """Keep the vectors of texts. Raises OSError."""
        records = []
        for text, vector in zip(texts, vectors, strict=True):
            record = _key(text) + np.ascontiguousarray(vector, np.float32).tobytes()
            records.append(record + zlib.crc32(record).to_bytes(_SUM, "big"))
        size = len(records[0]).to_bytes(4, "big") if records and not self._path.exists() else b""
        with self._path.open("ab") as file:
            file.write(size + b"".join(records))

    def delete(self) -> None:
        """Forget everything: the run is published."""
        self._path.unlink(missing_ok=True)
        self._known = {}

    def _read(self, data: bytes) -> None:
        size = int.from_bytes(data[:4], "big")
        width = size - _KEY - _SUM
        whole = 4 + (len(data) - 4) // size * size if width > 0 and width % 4 == 0 else 0
        for start in range(4, whole, size or 1):
            record = data[start : start + size]
            if zlib.crc32(record[:-_SUM]) == int.from_bytes(record[-_SUM:], "big"):
                self._known[record[:_KEY]] = np.frombuffer(record[_KEY:-_SUM], np.float32)
        if whole == 0:
            self._path.unlink()
        elif whole < len(data):  # the end of a write that was cut off: what follows must begin a record
            with self._path.open("r+b") as file:
                file.truncate(whole)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:_KEY]
