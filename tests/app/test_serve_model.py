"""The vLLM command: which model for which card, and clear lines where there is none."""

import os
import stat
from pathlib import Path

import pytest

from app.serve_model import Command, Gpu, choose, gpus, program, run
from kb.errors import InputError, UnavailableError

H200 = Gpu("NVIDIA H200", 139.8, (9, 0))
RTX4090 = Gpu("NVIDIA GeForce RTX 4090", 24, (8, 9))
A100 = Gpu("NVIDIA A100-SXM4-80GB", 80, (8, 0))
T4 = Gpu("Tesla T4", 15, (7, 5))


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASEBOOK_LLM_API_KEY", raising=False)


@pytest.mark.parametrize(
    ("cards", "model"),
    [
        ([H200], "Qwen/Qwen3.6-35B-A3B-FP8"),
        ([A100], "Qwen/Qwen3.8-27B"),  # no FP8 arithmetic before 8.9, and 67 GiB fit 80
        ([RTX4090], "Qwen/Qwen3.5-9B"),
        ([RTX4090, RTX4090], "Qwen/Qwen3.6-35B-A3B-FP8"),  # 48 GiB together
        ([Gpu("NVIDIA GeForce RTX 3060", 12, (8, 6))], "Qwen/Qwen3.5-4B"),
        ([T4], "Qwen/Qwen3-4B-FP8"),  # no bfloat16
    ],
)
def test_the_model_is_chosen_by_memory_and_capability(cards: list[Gpu], model: str) -> None:
    assert choose(cards).model == model


def test_the_command_is_whole() -> None:
    line = choose([H200]).line()
    for part in (
        "--host 127.0.0.1", "--max-model-len 32768", "--reasoning-parser qwen3", "--language-model-only",
        """--default-chat-template-kwargs '{"enable_thinking": false}'""", "--enable-prefix-caching",
        "--kv-cache-dtype fp8",
    ):  # fmt: skip
        assert part in line
    assert "tensor-parallel" not in line
    assert choose([H200]).next_line() == "CASEBOOK_LLM=http://127.0.0.1:8000/v1 make run"


def test_several_cards_share_only_what_one_cannot_hold() -> None:
    assert "--tensor-parallel-size 2" in choose([RTX4090] * 3).line()  # three are used as two: a power of two
    assert "tensor-parallel" not in choose([H200] * 8).line()


def test_old_and_small_cards_are_told_so() -> None:
    assert "--dtype half" in choose([T4]).line()
    with pytest.raises(UnavailableError, match=r"compute capability 7\.0"):
        choose([Gpu("Tesla V100", 16, (7, 0))])
    with pytest.raises(UnavailableError, match="too small"):
        choose([Gpu("GeForce GTX 1650", 4, (7, 5))])


def test_a_model_of_ones_own() -> None:
    assert choose([RTX4090], "qwen/qwen3-8b").model == "Qwen/Qwen3-8B"
    assert "may not fit" in choose([RTX4090], "Qwen/Qwen3.8-27B-FP8").notes[0]
    assert "not among" in choose([RTX4090], "/models/mine").notes[0]
    assert "--reasoning-parser" not in choose([RTX4090], "Qwen/Qwen2.5-7B-Instruct").line()
    with pytest.raises(InputError):
        choose([RTX4090], "--host")


def test_the_key_stays_out_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBOOK_LLM_API_KEY", "sk-secret")
    command = choose([H200])
    assert "sk-secret" not in command.line()
    assert command.environment == {"VLLM_API_KEY": "sk-secret"}


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_nvidia_smi_is_read(tmp_path: Path) -> None:
    smi = _script(tmp_path / "smi", "echo 'NVIDIA H200, 143771, 9.0'; echo 'Odd, [N/A], [N/A]'")
    found = gpus(str(smi))
    assert [(g.name, round(g.gib), g.compute) for g in found] == [("NVIDIA H200", 140, (9, 0))]


def test_no_gpu_is_a_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="is not there"):
        gpus("no-such-nvidia-smi")
    broken = _script(tmp_path / "smi", "echo 'NVIDIA-SMI has failed because it could not reach the driver.'; exit 9")
    with pytest.raises(UnavailableError, match="could not reach the driver"):
        gpus(str(broken))


def test_vllm_is_found_or_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(UnavailableError, match="make vllm"):
        program(tmp_path)
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    _script(bin_ / "vllm", f'echo "$@ $VLLM_API_KEY" > {tmp_path}/called; exit 5')
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}/usr/bin:/bin")
    assert run(Command(("vllm", "serve", "m"), "m", {"VLLM_API_KEY": "k"})) == 5
    assert (tmp_path / "called").read_text().strip() == "serve m k"
