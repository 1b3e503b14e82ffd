"""The command line as a user's shell sees it: what goes where, and every exit status."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.casebook import Casebook
from kb.library import BUILT_IN, load_library

ROOT = Path(__file__).parents[2]
LOG = (
    "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07}\n{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 8e-07}\n"
)
Run = Callable[..., subprocess.CompletedProcess[bytes]]
COLD_BAR_S = 3.0  # DESIGN.md section 6
CI_FACTOR = 3  # machines are noisy


@pytest.fixture
def run(casebook: Casebook, data_folder: Path, tmp_path: Path) -> Run:
    """Run `casebook ARGS` in an empty folder with the shared index."""

    def call(*args: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "CASEBOOK_DATA": str(data_folder), "LC_ALL": "C.UTF-8", **env}
        command = [sys.executable, "-m", "app.main", *args]
        environment["PYTHONPATH"] = str(ROOT)
        return subprocess.run(command, input=stdin, capture_output=True, env=environment, cwd=tmp_path, timeout=120)

    return call


def _one_line(result: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in result.stderr.decode().splitlines() if line.startswith("casebook: ")]
    assert len(lines) == 1, result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()
    return lines[0]


def test_diagnose_reads_stdin_files_and_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LOG)
    for result in (
        run("diagnose", stdin=LOG.encode()),
        run("diagnose", "-", stdin=LOG.encode()),
        run("diagnose", "a.log"),
    ):
        assert result.returncode == 0
        assert "github.com" in result.stdout.decode()
    data = json.loads(run("diagnose", "--json", "--lang", "zh", "--text", "loss is 0", "a.log").stdout)
    assert data["language"] == "zh"
    assert {s["input"] for s in data["evidence"]["signals"]} <= {"text", "a.log"}


def test_cold_start_keeps_to_its_bar(run: Run) -> None:
    started = time.monotonic()
    result = run("diagnose", "--json", stdin=LOG.encode())
    assert result.returncode == 0
    assert time.monotonic() - started < COLD_BAR_S * CI_FACTOR


@pytest.mark.parametrize(
    ("args", "stdin", "says"),
    [
        (("diagnose",), b"", "standard input: is empty"),
        (("diagnose",), b" \n ", "standard input: is empty"),
        (("diagnose", "--text", ""), b"", "--text: is empty"),
        (("diagnose", "nowhere.log"), b"", "nowhere.log: no such file"),
        (("diagnose", "."), b"", "is a directory"),
        (("diagnose", "--lang", "fr", "--text", "x"), b"", "--lang fr"),
        (("diagnose", "--batch", "nowhere.jsonl"), b"", "nowhere.jsonl"),
        (("diagnose",), bytes(range(256)) * 40, "binary"),
        (("show", "no-such-incident"), b"", "not in the base"),
        (("new", "Bad Id"), b"", "id"),
        (("no-such-command",), b"", "No such command"),
        (("ingest", "nowhere.txt"), b"", "nowhere.txt"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run: Run, args: tuple[str, ...], stdin: bytes, says: str) -> None:
    result = run(*args, stdin=stdin)
    assert result.returncode == 2, result.stderr.decode()
    assert says in _one_line(result)
    assert result.stdout == b""


def test_unavailable_is_status_3(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = run("index", CASEBOOK_DATA=str(tmp_path / "file" / "data"))
    assert result.returncode == 3
    assert "CASEBOOK_DATA" in _one_line(result)
    result = run("diagnose", "--text", "loss is 0", CASEBOOK_STORE="http://127.0.0.1:9")
    assert result.returncode == 3
    assert "CASEBOOK_STORE" in _one_line(result)
    result = run("diagnose", "--text", "loss is 0", CASEBOOK_STORE="ftp://x")
    assert result.returncode == 2
    assert "CASEBOOK_STORE" in _one_line(result)


def test_batch_gives_a_line_for_every_line(run: Run, tmp_path: Path) -> None:
    rows = [
        json.dumps({"id": "a", "query": LOG}),
        "",
        "not json",
        json.dumps({"id": 2, "query": "vllm 输出全是感叹号", "language": "en"}),
        json.dumps({"id": "c", "query": "x", "colour": "red"}),
        json.dumps({"id": "d"}),
        "[" * 5000,
        json.dumps({"id": "e", "files": [{"name": "x.log", "content": LOG}]}),
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(rows), "utf-8")
    result = run("diagnose", "--batch", "q.jsonl")
    assert result.returncode == 0, result.stderr.decode()
    lines = [json.loads(line) for line in result.stdout.decode().splitlines()]
    assert [line["id"] for line in lines] == ["a", None, "2", "c", "d", None, "e"]
    assert ["error" in line for line in lines] == [False, True, False, True, True, True, False]
    assert lines[2]["language"] == "en"
    assert "colour" in lines[3]["error"]


@pytest.mark.parametrize(
    ("data", "noted"),
    [
        (("训练 loss 为 0\n" + LOG).encode("utf-16"), None),
        (("训练 loss 为 0\n" + LOG).encode("gb18030"), None),
        (LOG.encode() + b"\xff\xfe broken \xc3\x28 bytes\n", "replaced"),
        (LOG.replace("loss", "lo\0ss", 1).encode() + LOG.encode(), "NUL"),
    ],
)
def test_any_encoding_is_read_and_what_was_replaced_is_noted(run: Run, data: bytes, noted: str | None) -> None:
    result = run("diagnose", "--json", stdin=data)
    assert result.returncode == 0, result.stderr.decode()
    evidence = json.loads(result.stdout)["evidence"]
    assert evidence["metrics"]["loss"]["values"][-1] == 0.0
    if noted:
        assert any(noted.lower() in f"{s['check']} {s['why']}".lower() for s in evidence["checks_skipped"])


def test_new_show_search_and_check(run: Run, tmp_path: Path) -> None:
    made = run("new", "my-own-case", "--area", "serving", "--into", "mine")
    assert made.returncode == 0, made.stderr.decode()
    assert list(load_library([tmp_path / "mine"]).incidents) == ["my-own-case"]
    assert run("new", "my-own-case", "--area", "serving", "--into", "mine").returncode == 2
    shown = run("show", "grpo-zero-advantage", "--lang", "en").stdout.decode()
    assert "## Symptom" in shown
    assert "## 现象" not in shown
    found = run("search", "reward_std", "is", "0").stdout.decode()
    assert "grpo-zero-advantage" in found.splitlines()[0]
    assert run("check-incidents").returncode == 0
    (tmp_path / "mine" / "serving" / "my-own-case.md").write_text("---\nid: x\n---\n")
    broken = run("check-incidents", "mine")
    assert broken.returncode == 1
    assert "my-own-case.md:2: title: " in broken.stdout.decode()


def test_private_incidents_join_the_base(run: Run, data_folder: Path, tmp_path: Path) -> None:
    text = (BUILT_IN / "training" / "grpo-zero-advantage.md").read_text("utf-8")
    text = text.replace("id: grpo-zero-advantage", "id: our-zebra-case").replace(
        "## Symptom\n", "## Symptom\nZebra stripes. "
    )
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "our-zebra-case.md").write_text(text.replace("[loss-zero]", "[]"), "utf-8")
    shutil.copytree(data_folder, tmp_path / "data")
    env = {"CASEBOOK_INCIDENTS": str(tmp_path / "private"), "CASEBOOK_DATA": str(tmp_path / "data")}
    before = run("search", "zebra", "stripes", **env)
    assert "run: casebook index" in before.stderr.decode()
    assert run("index", **env).returncode == 0
    assert run("search", "zebra", "stripes", **env).stdout.decode().split()[1] == "our-zebra-case"


def test_a_missing_index_is_built_on_first_use(few_incidents: Path, model_only_data: Path, run: Run) -> None:
    script = (
        "import sys; from pathlib import Path; import kb.library, app.settings as s; "
        f"s.Settings.incident_folders = property(lambda self: [Path({str(few_incidents)!r})]); "
        "sys.argv = ['casebook', 'search', 'reward_std']; import app.main as m; m.main()"
    )
    environment = {**os.environ, "CASEBOOK_DATA": str(model_only_data), "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, timeout=120)
    assert "building it once" in result.stderr.decode()
    assert b"grpo-zero-advantage" in result.stdout


def test_chat_keeps_the_case_and_takes_yes_and_no(run: Run) -> None:
    turns = "GRPO training, loss is 0 all the time\n\nyes\n\n"
    result = run("chat", stdin=turns.encode())
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.decode().count("**Fix**") == 2


def test_doctor_version_and_help(run: Run, tmp_path: Path) -> None:
    assert run("doctor").returncode == 0
    bad = run("doctor", CASEBOOK_DATA=str(tmp_path / "empty"), CASEBOOK_INCIDENTS=str(tmp_path / "nowhere"))
    assert bad.returncode == 1
    assert "BAD incidents" in bad.stdout.decode()
    assert b"base 20" in run("--version").stdout
    assert b"diagnose" in run("--help").stdout


def test_a_closed_pipe_is_quiet(run: Run, data_folder: Path) -> None:
    command = f"{sys.executable} -m app.main show grpo-zero-advantage | head -1"
    environment = {**os.environ, "CASEBOOK_DATA": str(data_folder), "PYTHONPATH": str(ROOT)}
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, env=environment)
    assert result.stdout == b"---\n"
    assert b"Error" not in result.stderr
