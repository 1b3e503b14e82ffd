"""What an unfinished index run embedded is not embedded again; deletes and renames of files are followed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kb import generations, index
from kb.embedding import Kind, Vectors
from kb.index import build, open_store
from kb.vectors import VectorLog


class Counting:
    """Vectors made of digests, counted; ends as a killed process would once `limit` texts were embedded."""

    name, fingerprint, reads_chinese, max_tokens = "digests", "0123456789abcdef", True, 256

    def __init__(self, limit: int = 10**9) -> None:
        self.limit, self.seen = limit, 0

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        if self.seen + len(texts) > self.limit:
            raise KeyboardInterrupt
        self.seen += len(texts)
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8) for text in texts]
        vectors = np.array(rows, np.float32) - 127.5
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def count_tokens(self, text: str) -> int:
        return len(text) // 3


def test_a_log_gives_back_what_was_added_and_drops_what_is_torn(tmp_path: Path) -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    VectorLog(tmp_path, "m").add(["a", "b"], vectors)
    VectorLog(tmp_path, "m").add(["c"], vectors[:1])
    path = tmp_path / "vectors-m.part"
    assert path.stat().st_size == 4 + 3 * (16 + 3 * 4 + 4)  # the size of a record, then digest, vector, checksum
    again = VectorLog(tmp_path, "m")
    known = again.get("b")
    assert known is not None and known.tolist() == [3.0, 4.0, 5.0] and again.get("d") is None
    path.write_bytes(path.read_bytes()[:-5])  # killed in the middle of a write
    torn = VectorLog(tmp_path, "m")
    assert (len(torn), torn.get("c")) == (2, None)
    torn.add(["c"], vectors[1:])
    assert len(VectorLog(tmp_path, "m")) == 3
    data = bytearray(path.read_bytes())
    data[4 + 20] ^= 1  # a flipped bit in the first vector
    path.write_bytes(bytes(data))
    assert len(VectorLog(tmp_path, "m")) == 2
    assert len(VectorLog(tmp_path, "other-model")) == 0
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0" * 200, b"\xff" * 200])
def test_a_damaged_log_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vectors-m.part").write_bytes(content)
    log = VectorLog(tmp_path, "m")
    assert len(log) == 0
    log.add(["a"], np.ones((1, 3), np.float32))
    assert len(VectorLog(tmp_path, "m")) == 1


def test_an_interrupted_rebuild_goes_on_where_it_was(
    few_incidents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "EMBED_BATCH", 8)
    root = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build(root, [few_incidents], Counting(20), rebuild=True)
    assert generations.current(root) is None
    second = Counting()
    report = build(root, [few_incidents], second, rebuild=True)
    assert 12 < report.resumed <= 20  # whole batches of at most eight, within the limit
    assert second.seen == report.embedded == report.passages - report.resumed
    assert not list(root.glob("*.part"))
    third = Counting()
    assert build(root, [few_incidents], third, rebuild=True).embedded == third.seen == report.passages


def test_a_renamed_incident_takes_its_passages_along(few_incidents: Path, tmp_path: Path) -> None:
    root, old = tmp_path / "index", few_incidents / "grpo-zero-advantage.md"
    first = build(root, [few_incidents], Counting())
    moved = few_incidents / "below" / "renamed-one.md"
    moved.parent.mkdir()
    moved.write_text(old.read_text("utf-8").replace("id: grpo-zero-advantage", "id: renamed-one"), "utf-8")
    old.unlink()
    report = build(root, [few_incidents], Counting())
    assert (report.incidents, report.passages) == (first.incidents, first.passages)
    assert report.embedded == report.removed
    folder = generations.current(root)
    assert folder is not None
    store = open_store(folder, None)
    names = {i.split(":")[0] for lang in ("en", "zh") for page in store.pages(lang) for i in page["ids"]}  # type: ignore[arg-type]
    store.close()
    assert "renamed-one" in names and "grpo-zero-advantage" not in names
