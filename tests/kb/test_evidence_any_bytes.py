"""Any bytes whatever: never an exception, never a hang; and large inputs are read like small ones."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.pastes import FOLDER, Paste, load
from kb.evidence import Input, read, scan

FRAGMENTS = (
    b"Traceback (most recent call last):\n", b'  File "a.py", line 1, in f\n', b"RuntimeError: x\n",
    b"{'loss': nan, ",
    b"'grad_norm': 0.0}\n", b'"loss": 1e999,\n', b"}\n", b"{", b"\r", b"\x1b[31m",
    b"\x00", b"\xff\xfe", b"\xc4\xe3\xba\xc3",
    b"[rank3]: ",
    b"step: 1 loss: 1e400 ", "损失 loss 一直是 0\n".encode(),
    b"During handling of the above exception, another exception occurred:\n",
    b"loss\t1\n", b"step,loss\n", b"1,-\n", b"```\n", b"| step | loss |\n",
    b"iteration 1/ 2 | lm loss: 1.0E+400 |", b"[" * 50, b"a." * 60,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    read([Input("x", data)])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=12), max_size=40))
def test_any_mixture_of_what_logs_hold(parts: list[bytes]) -> None:
    read([Input("x", b"".join(parts))])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    read([Input("x", text)])


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=12), min_size=1, max_size=25))
def test_any_large_input(parts: list[bytes]) -> None:
    unit = b"".join(parts) or b"x"
    read([Input("x", unit * (scan.LARGE // len(unit) + 2))])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_encodings_are_read_and_named(encoding: str) -> None:
    text = "我的训练 loss 一直是 0,不知道怎么办\n" + "{'loss': 0.0, 'grad_norm': 0.0, 'epoch': 0.1}\n" * 3
    reading = read([Input("x", text.encode(encoding))])
    assert reading.language == "zh"
    assert reading.prose.startswith("我的训练")
    noted = [s.why for s in reading.evidence.checks_skipped if s.check.startswith("encoding")]
    assert bool(noted) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize("text", ["'eval_runtime': 1.0, loss", "{'loss': 1.0} }", "loss: 1,,2 step 3"])
def test_found_by_fuzzing(text: str) -> None:
    read([Input("x", text)])


def test_what_was_replaced_is_said() -> None:
    reading = read([Input("x", b"caf\xe9 RuntimeError: boom\x00\n")])
    whys = " ".join(s.why for s in reading.evidence.checks_skipped)
    assert "1 undecodable" in whys
    assert "1 NUL" in whys


def test_a_very_long_line_is_read_in_parts_and_said() -> None:
    row = "{'loss': 0.0, 'grad_norm': nan, 'epoch': 0.1} "
    reading = read([Input("x", row * 1000)])
    assert len(reading.evidence.metrics["loss"].values) <= 500
    assert "loss-nan-hidden" in {s.name for s in reading.evidence.signals}
    assert any("parts" in s.why for s in reading.evidence.checks_skipped)


def test_rows_taken_in_bulk_are_the_rows_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f" iteration {i:8d}/ 9000 | lm loss: {2 + i % 7 / 10:.6E} | grad norm: {i % 5}.5 |" for i in range(1, 9000)]
    rows[5000] = " iteration     5001/ 9000 | lm loss: 5.500000E+01 | grad norm: 80.5 |"
    path = tmp_path / "big.log"
    path.write_text("\n".join(rows), encoding="utf-8")
    bulk = read([Input("x", path)]).evidence
    monkeypatch.setattr(scan, "LARGE", 1 << 40)
    single = read([Input("x", path)]).evidence
    assert bulk.signals == single.signals
    assert bulk.metrics == single.metrics
    assert 5001 in next(s.lines for s in bulk.signals if s.name == "loss-spike")


NOISE = "\n".join(f"INFO worker {i} fetched batch {i * 7} in 0.{i % 10} s" for i in range(5_000)) + "\n"
# read_in_full at the ends of a large input; these depend on what a person wrote, which stands there
LOGS = [p for p in load(FOLDER) if p.expected.get("language") is None and "\r" not in p.text][::4]


@pytest.mark.parametrize("paste", LOGS, ids=lambda p: p.id)
def test_a_log_buried_in_a_large_file_is_read_alike(paste: Paste, tmp_path: Path) -> None:
    small = read([Input("x", paste.text)]).evidence
    path = tmp_path / "big.log"
    path.write_text(NOISE + paste.text + "\n" + NOISE, encoding="utf-8")
    large = read([Input("x", path)]).evidence
    assert path.stat().st_size > scan.LARGE
    assert {s.name for s in large.signals} == {s.name for s in small.signals}
    before, here = NOISE.count("\n"), small.initiating_error
    expected = here.line + before if here else None
    assert (large.initiating_error.line if large.initiating_error else None) == expected


def test_updates_of_a_progress_bar_count_once_a_step_in_bulk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def update(i: int, seconds: int) -> str:
        return f"Epoch 0:  {i // 100}%|█▏   | {i}/9000 [00:{seconds:02d}<10:00,  2.0it/s, loss={2 + i % 7 / 10:.3f}]"

    bar = "\r".join(update(i, again) for i in range(1, 9000) for again in (10, 11))
    path = tmp_path / "big.log"
    path.write_text(bar, encoding="utf-8")
    bulk = read([Input("x", path)]).evidence
    monkeypatch.setattr(scan, "LARGE", 1 << 40)
    assert bulk.metrics == read([Input("x", path)]).evidence.metrics
