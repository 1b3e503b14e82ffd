"""`casebook collect`: one file that runs anywhere, gathers what a diagnosis needs, and gives no secret away."""

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app import collect
from evals import secrets_eval, versions_eval
from kb.redact import redact

SOURCE = Path(collect.__file__)
LOG = "\n".join(
    [f"step {step}" for step in range(1, 41)]
    + ["Traceback (most recent call last):", '  File "/home/alice/train.py", line 3, in <module>']
    + ["torch.OutOfMemoryError: CUDA out of memory."]
    + [f"[rank{rank}]: teardown" for rank in range(200)]
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "TORCH", "print('PyTorch version: 2.5.1+cu121')")  # importing torch takes seconds


@pytest.mark.parametrize("case", secrets_eval.cases(seed=3), ids=lambda case: case.text[:40])
def test_agrees_with_the_knowledge_base_s_redaction(case: secrets_eval.Case) -> None:
    mine, theirs = collect.Redactor()(case.text), redact(case.text).text
    assert not any(secret in mine or secret in theirs for secret in case.secrets)
    assert case.expected.fullmatch(mine)
    assert len(mine.splitlines()) == len(case.text.splitlines())


@pytest.mark.parametrize("line", secrets_eval.harmless())
def test_error_lines_stay(line: str) -> None:
    assert collect.Redactor()(line) == line


def test_is_python_3_8_and_standard_library_only() -> None:
    tree = ast.parse(SOURCE.read_text("utf-8"), feature_version=(3, 8))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


def test_runs_alone_after_copying(tmp_path: Path) -> None:
    script, log = tmp_path / "collect.py", tmp_path / "train.log"
    script.write_bytes(SOURCE.read_bytes())
    log.write_text(LOG + "\nlogin as bob@corp-mail.com\n")
    environment = {
        **os.environ,
        "NCCL_DEBUG": "INFO",
        "VLLM_API_KEY": "abcd",
        "MASTER_ADDR": "10.0.0.9",
        "PRIVATE": "x",
    }
    python = Path(sys.base_prefix, "bin", "python3")
    done = subprocess.run(
        [python, "-I", script, log], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "from the first error at line 41" in done.stdout
    assert "OutOfMemoryError: CUDA out of memory." in done.stdout
    assert "NCCL_DEBUG=INFO" in done.stdout
    assert "VLLM_API_KEY=<key-1>" in done.stdout
    assert "PRIVATE=" not in done.stdout
    for secret in ("alice", "abcd", "10.0.0.9", "corp-mail"):
        assert secret not in done.stdout


def test_first_error_with_its_surroundings_and_the_tail(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(LOG)
    number, first, tail = collect.log_parts(str(log))
    assert number == 41
    lines = first.split("\n")
    assert lines[0] == "step 26"  # 15 lines before
    assert lines[15] == "Traceback (most recent call last):"
    assert len(lines) == 15 + 1 + 60
    assert tail.split("\n")[-1] == "[rank199]: teardown"
    assert len(tail.split("\n")) == 80


def test_the_report_is_readable_evidence(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert collect.main([]) == 0
    seen = versions_eval.read(capsysbinary.readouterr().out.decode())
    assert "torch" in seen
    assert seen["python"].count(".") == 2


def test_json_to_a_file_with_configs_of_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ds.json").write_text('{"zero_optimization": {"stage": 3}, "x": {"api_key": "abc123def456"}}')
    (tmp_path / "other.json").write_text('{"nothing": 1}')
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "sft.yaml").write_text("model_name_or_path: /home/alice/qwen\nhub_token: abcdef123456\n")
    assert collect.main(["--json", "-o", "report.json"]) == 0
    parts = json.loads((tmp_path / "report.json").read_text("utf-8"))["parts"]
    assert '"stage": 3' in parts["config ds.json"]
    assert "abc123def456" not in parts["config ds.json"]
    assert parts["config configs/sft.yaml"] == "model_name_or_path: /home/<user-1>/qwen\nhub_token: <key-1>\n"
    assert "config other.json" not in parts


def test_a_secret_sounding_name_hides_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HF_TOKEN": "plain",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    }.items():
        monkeypatch.setenv(name, value)
    lines = collect.environment(collect.Redactor()).split("\n")
    assert "HF_TOKEN=<key-1>" in lines
    assert "TOKENIZERS_PARALLELISM=false" in lines
    assert "HF_HUB_DISABLE_IMPLICIT_TOKEN=1" in lines


def test_a_command_that_hangs_is_given_up() -> None:
    start = time.monotonic()
    assert collect.run([sys.executable, "-c", "import time; time.sleep(30)"], 0.3) == "no answer within 0.3 s"
    assert time.monotonic() - start < 5
    assert collect.run(["no-such-command-here"]) == "not found"


def test_logs_that_cannot_be_read_are_named_and_nothing_raises(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    binary, pipe = tmp_path / "b.log", tmp_path / "pipe"
    binary.write_bytes(bytes(range(256)) * 200 + b"\xff\xfeError: x")
    os.mkfifo(pipe)
    assert collect.main([str(binary), str(tmp_path / "none.log"), str(tmp_path), str(pipe)]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "No such file" in text
    assert text.count("is not a file") == 2


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.main(["--no-such-option"]) == 2
    assert collect.main(["--help"]) == 0
    assert collect.main(["-o", str(tmp_path / "no" / "folder" / "x")]) == 3
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("piece", ["a@", "/home/", "password=", "10.", "a-b.", "x:1:", "wandb ", "cuda", "ssh x@"])
def test_a_long_line_takes_bounded_time(piece: str) -> None:
    text = "\n".join([(piece * 2000)[: collect.LINE_CHARS]] * 5)
    start = time.thread_time()
    collect.Redactor()(text)
    assert time.thread_time() - start < 2
