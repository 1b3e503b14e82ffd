"""What of a report is about the problem: forms, listings, courtesies and chatter are left out of prose and search."""

from pathlib import Path

import pytest

from kb.evidence import Input, read
from kb.evidence.forms import unusual_hardware

FRAMES = Path(__file__).parents[2] / "evals" / "forms"
REPORT = "GRPO: loss stays at 0.0 from the first step and reward_std is 0, why?"


def said(text: str) -> str:
    """The lines about the problem, joined."""
    return "\n".join(line.text for line in read([Input("text", text)]).matter if line.text.strip())


@pytest.mark.parametrize("name", ["vllm", "transformers", "qwen-zh", "ms-swift", "sglang", "trl", "llama-cpp"])
def test_a_filled_in_form_leaves_the_report(name: str) -> None:
    frame = (FRAMES / "dev" / f"{name}.txt").read_text("utf-8")
    assert said(frame.replace("{report}", REPORT)) == REPORT


def test_versions_and_hardware_are_read_from_what_is_set_aside() -> None:
    frame = (FRAMES / "dev" / "vllm.txt").read_text("utf-8").replace("A100-SXM4-80GB", "Tesla V100-SXM2-32GB")
    reading = read([Input("text", frame.replace("{report}", REPORT))])
    assert reading.evidence.versions["vllm"].version == "0.8.4"
    assert reading.evidence.mentions.components == ()
    assert unusual_hardware(reading) == ["V100"]


def test_an_error_in_an_environment_section_stays() -> None:
    text = (
        "### Environment\n\nvllm 0.8.4\nRuntimeError: NCCL error: unhandled system error\n\n### Checklist\n- [x] read\n"
    )
    assert "RuntimeError: NCCL error" in said(text)


def test_a_question_after_an_environment_goes_on() -> None:
    text = "环境：\n系统：Ubuntu 22.04\n显卡：A100\n\n为什么微调之后模型输出一直在重复同一句话？"
    assert said(text) == "为什么微调之后模型输出一直在重复同一句话？"


def test_a_listing_alone_is_kept() -> None:
    text = "- [x] I have searched\nOS: Ubuntu 22.04\nGPU: A100"
    assert "Ubuntu 22.04" in said(text)


def test_courtesies_go_and_facts_stay() -> None:
    text = "各位大佬好，小白求助！重启后第一步正常，第二步 loss 变成 nan，网上的办法都试过了，万分感谢！"
    assert said(text) == "重启后第一步正常,第二步 loss 变成 nan,"
    assert said("Thanks in advance! vLLM hangs after the first request.") == "vLLM hangs after the first request."


def test_healthy_output_goes_and_what_is_next_to_the_failure_stays() -> None:
    healthy = [f"INFO 03-01 12:00:{n:02d} [loggers.py:111] Engine 000: Running: {n} reqs" for n in range(30)]
    text = "\n".join([*healthy, "ValueError: No available memory for the cache blocks."])
    kept = said(text).splitlines()
    assert kept[-1] == "ValueError: No available memory for the cache blocks."
    assert 1 < len(kept) <= 4
    assert len(read([Input("text", text)]).lines) == 31


def test_short_questions_are_left_alone() -> None:
    for text in ("loss is 0", "显存不够怎么办", "vllm 启动报错", "Is Qwen3 supported by vLLM 0.8.4?"):
        assert said(text) == text
