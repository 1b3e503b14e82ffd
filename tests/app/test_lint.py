"""lint-config: exit statuses, the three formats, and a clear line for bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.lint import lint, report
from kb.errors import InputError
from kb.library import BUILT_IN

BAD = '{\n  // both\n  "fp16": {"enabled": true},\n  "bf16": {"enabled": true},\n}'
GOOD = '{"zero_optimization": {"stage": 2}, "bf16": {"enabled": true}, "gradient_clipping": 1.0}'


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.main", "lint-config", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_findings_end_with_1_and_name_line_and_source(tmp_path: Path) -> None:
    path = write(tmp_path, "ds.json", BAD)
    done = run(str(path))
    assert done.returncode == 1
    assert f"{path}:4: error: bf16.enabled = true: " in done.stdout
    assert "https://github.com/deepspeedai/DeepSpeed" in done.stdout
    assert "not strict JSON" in done.stderr


def test_nothing_found_ends_with_0_and_prints_nothing(tmp_path: Path) -> None:
    done = run(str(write(tmp_path, "ds.json", GOOD)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_files_are_one_run(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "ds.json", '{"zero_optimization": {"stage": 3}}'),
        write(tmp_path, "train.yaml", "stage: sft\nfinetuning_type: lora\nuse_unsloth: true\n"),
    ]
    assert "llamafactory-unsloth-zero3" in [f.rule for f in lint(files, [BUILT_IN], "en").found]


def test_sarif_is_what_code_scanning_reads(tmp_path: Path) -> None:
    linted = lint([write(tmp_path, "ds.json", BAD)], [BUILT_IN], "zh")
    sarif = json.loads(report(linted, "sarif", all_=False))
    (result,) = sarif["runs"][0]["results"]
    assert sarif["version"] == "2.1.0"
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 4}
    assert result["ruleId"] in [rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]]
    assert "同时启用" in result["message"]["text"]


def test_json_holds_the_findings_as_the_diagnosis_does(tmp_path: Path) -> None:
    linted = lint([write(tmp_path, "ds.json", BAD)], [BUILT_IN], "en")
    (finding,) = json.loads(report(linted, "json", all_=False))
    assert (finding["kind"], finding["key"], finding["value"]) == ("deepspeed", "bf16.enabled", True)


def test_settings_that_only_take_part_are_shown_on_request(tmp_path: Path) -> None:
    linted = lint([write(tmp_path, "run.sh", "export NCCL_P2P_DISABLE=1\n")], [BUILT_IN], "en")
    assert not linted.found
    assert report(linted, "text", all_=False) == ""
    assert "NCCL_P2P_DISABLE" in report(linted, "text", all_=True)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.json", b" \n", "is empty"),
        ("big.json", b'{"zero_optimization": {"stage": 3}, "x": "' + b"a" * 400_000 + b'"}', "at most"),
        ("model.bin", b"\x89PNG\r\n\x1a\n" + bytes(200), "binary"),
        ("list.json", b"[1, 2, 3]", "no setting"),
        ("deep.json", b"[" * 200_000, "no setting"),
        ("letter.txt", "你好,今天天气不错".encode(), "no setting"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        lint([path], [BUILT_IN], "en")


def test_missing_file_ends_with_2(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("twice.json", '{"train_batch_size": 1, "train_batch_size": 2}', "given twice"),
        ("twice.yaml", "stage: sft\nfinetuning_type: lora\nstage: pt\n", "given twice"),
        ("bomb.yaml", "stage: sft\nfinetuning_type: lora\na: &a [x, x]\nb: [*a, *a, *a]\n", "alias"),
        ("deep.json", '{"train_batch_size": 8, "x": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_what_reads_otherwise_than_it_looks_is_remarked(tmp_path: Path, name: str, text: str, says: str) -> None:
    linted = lint([write(tmp_path, name, text)], [BUILT_IN], "en")
    assert says in " ".join(linted.remarks)
