"""A judge's verdict is read strictly: the last one counts, none is unscored."""

from pathlib import Path

import pytest

from evals.claims_eval import FOLDER, load, main
from evals.judge import judge_from, model_judge, read_verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("It follows.\nVERDICT: supported", "supported"),
        ("VERDICT: supported\nOn second thought the sign is turned.\nVERDICT: unsupported", "unsupported"),
        ("**VERDICT: Supported**", "supported"),
        ("The verdict is supported.", None),  # not on a line of its own
        ("VERDICT: supported or unsupported", None),
        ("VERDICT: maybe", None),
        ("NOT SUPPORTED", None),
        ("", None),
    ],
)
def test_verdicts(answer: str, verdict: str | None) -> None:
    assert read_verdict(answer) == verdict


def test_the_judge_sees_sentence_and_source() -> None:
    prompts: list[str] = []

    def complete(prompt: str) -> str:
        prompts.append(prompt)
        return "VERDICT: supported"

    assert model_judge(complete)("Remove {the} key.", "Source {text}.") == "supported"
    assert "Remove {the} key." in prompts[0]
    assert "Source {text}." in prompts[0]


def test_no_judge_without_its_url() -> None:
    assert judge_from({}) is None


def test_the_development_set_is_large_and_two_sided() -> None:
    items = load(FOLDER / "near.yaml")
    assert len(items) >= 300
    for lang in ("en", "zh"):
        assert {item.good for item in items if item.lang == lang} == {True, False}


def test_a_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    row = "- {incident: numpy2-compiled-with-numpy1, field: fix, good: %s, text: %s}\n"
    path.write_text(row % ("true", "Otherwise upgrade the named module.") + row % ("false", "Use --magic."), "utf-8")
    assert main([str(path)]) == 0
    assert "falsehoods passed 0 of 1" in capsys.readouterr().out
