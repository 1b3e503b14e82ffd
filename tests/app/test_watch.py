"""watch: silent failures within two steps, quiet on healthy runs, and what a Unix user expects of a filter."""

import http.server
import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from app import follow
from app.casebook import Casebook
from app.diagnosis import Diagnosis, Request
from app.watch import Warned, Watcher
from kb.errors import InputError, UnavailableError

RUNS = sorted((Path(__file__).parents[2] / "evals" / "watch").glob("heldout*/*.log"))
HEALTHY = sorted((Path(__file__).parents[2] / "evals" / "pastes" / "healthy").glob("*.yaml"))
Diagnose = Callable[[str], Diagnosis]


@pytest.fixture
def diagnose(casebook: Casebook) -> Diagnose:
    return lambda text: casebook.diagnose(Request(text=text, language="en", use_model=False))


def row(step: int, loss: float, grad: object, **more: object) -> str:
    return str(
        {"loss": loss, "grad_norm": grad, "learning_rate": 1e-5 * (1 - step / 1000), **more, "epoch": step / 100}
    )


def healthy(rows: int) -> list[str]:
    draw = random.Random(1)
    return [
        row(i, round(2 * 0.985**i + draw.uniform(-0.05, 0.05), 4), round(1.2 + draw.uniform(-0.3, 0.3), 4))
        for i in range(rows)
    ]


NAN = float("nan")
SILENT: dict[str, tuple[list[str], list[str]]] = {  # rows before the failure, rows of the failure
    "no trainable label": ([], [row(i, 0.0, 0.0) for i in range(9)]),
    "zero advantage": ([], [row(i, 0.0, 0.0, reward=0.0, reward_std=0.0, frac_reward_zero_std=1.0) for i in range(9)]),
    "sudden zero, gradient nan": (healthy(30), [row(30 + i, 0.0, NAN) for i in range(9)]),
    "sudden zero, gradient 'nan' in quotes": (healthy(30), [row(30 + i, 0.0, "nan") for i in range(9)]),
    "sudden zero": (healthy(30), [row(30 + i, 0.0, 0.0) for i in range(9)]),
    "sudden nan": (healthy(30), [row(30 + i, NAN, NAN) for i in range(9)]),
    "huge first loss": ([], [row(0, 344093.2, 55.0), *(row(i, 0.0, NAN) for i in range(1, 9))]),
    "constant gradient": ([], [row(i, 0.0, 1.4142135623730951) for i in range(9)]),
    "constant gradient later": (healthy(20), [row(20 + i, 0.0, 1.0) for i in range(9)]),
    "gradient 0, loss falls": ([], [row(i, round(2 * 0.98**i, 4), 0.0) for i in range(9)]),
    "spike, then zero": (
        [*healthy(12), row(12, 2.5, 3800.5), row(13, 6.1, 5211.0)],
        [row(14 + i, 0.0, 0.0) for i in range(9)],
    ),
    "reward std 0 later": (
        [row(i, 0.01, 0.5 + i % 3 / 10, reward=0.2 + i % 4 / 10, reward_std=0.3 + i % 2 / 10) for i in range(20)],
        [row(20 + i, 0.0, 0.0, reward=1.0, reward_std=0.0) for i in range(9)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SILENT)
def test_a_silent_failure_is_told_within_two_steps(name: str, diagnose: Diagnose) -> None:
    before, failing = SILENT[name]
    said: list[Warned] = []
    watcher = Watcher(diagnose, said.append)
    for text in [*before, *failing[:2]]:
        watcher.feed(f"{text}\n".encode())
    assert said
    assert said[0].text.startswith("casebook: ")
    assert "\n" not in said[0].text
    told = len(said)
    for text in failing[2:]:
        watcher.feed(f"{text}\n".encode())
    assert len(said) - told <= 2  # it does not nag


def test_the_warning_names_a_cause_with_its_source(diagnose: Diagnose) -> None:
    said: list[Warned] = []
    watcher = Watcher(diagnose, said.append)
    watcher.feed("\n".join([*SILENT["no trainable label"][1], ""]).encode())
    assert "https://" in said[0].text
    assert "(line 1)" in said[0].text
    assert said[0].data["incident"] in said[0].text


@pytest.mark.parametrize("path", HEALTHY, ids=[path.stem for path in HEALTHY])
def test_a_healthy_run_is_left_alone(path: Path, diagnose: Diagnose) -> None:
    said: list[Warned] = []
    watcher = Watcher(diagnose, said.append)
    for line in yaml.safe_load(path.read_text("utf-8"))["text"].split("\n"):
        watcher.feed(f"{line}\n".encode())
    watcher.end()
    assert said == []


def quiet(text: str) -> Diagnosis:
    raise UnavailableError("nothing should be asked here")


@pytest.mark.parametrize("path", RUNS, ids=[path.stem for path in RUNS])
def test_a_healthy_run_of_another_hand_is_left_alone(path: Path) -> None:
    said: list[Warned] = []
    hours = itertools.count(0, 3600)  # time enough to look at every row
    watcher = Watcher(quiet, said.append, clock=lambda: next(hours))
    watcher.feed(path.read_bytes())
    watcher.end()
    assert said == []


def test_a_run_that_got_over_a_zero_is_given_four_rows() -> None:
    noisy = [row(i, 0.01, 0.0 if i in (9, 20) else 0.5 + i % 3 / 10, reward=0.2 + i / 50) for i in range(30)]
    said: list[Warned] = []
    watcher = Watcher(quiet, said.append)
    for i, text in enumerate([*noisy, *(row(30 + i, 0.0, 0.0, reward=0.8) for i in range(6))]):
        watcher.feed(f"{text}\n".encode())
        assert (said != []) == (i >= 33)


def test_ten_lines_a_second_cost_one_percent() -> None:
    now = [0.0]
    watcher = Watcher(quiet, lambda warned: None, clock=lambda: now[0])
    begin = time.thread_time()
    for number, text in enumerate(healthy(1000)):
        now[0] = number / 10
        watcher.feed(f"{text}\n".encode())
    assert (time.thread_time() - begin) / 100 < 0.02  # 0.008 on an idle machine


def test_a_burst_of_lines_passes_quickly() -> None:
    out = io.BytesIO()
    watcher = Watcher(quiet, lambda warned: None)
    data = b"".join(b"line %d of a burst\n" % i for i in range(100_000))
    source = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert source.stdin is not None and source.stdout is not None
    feeder = threading.Thread(target=lambda: (source.stdin.write(data), source.stdin.close()))
    feeder.start()
    begin = time.perf_counter()
    assert follow.follow_stream(source.stdout, out, watcher) == 0  # type: ignore[arg-type]
    feeder.join()
    source.wait()
    assert out.getvalue() == data
    assert time.perf_counter() - begin < 10


def test_file_grows_is_cut_and_is_rotated(tmp_path: Path) -> None:
    path, out = tmp_path / "train.log", io.BytesIO()
    path.write_bytes(b"one\ntw")
    steps = [
        lambda: path.open("ab").write(b"o\n"),
        lambda: path.write_bytes(b"3\n"),  # cut
        lambda: (path.rename(tmp_path / "train.log.1"), path.write_bytes(b"four\n")),
        lambda: None,
    ]

    def stop(seconds: float) -> bool:
        if steps:
            steps.pop(0)()
        return not steps

    assert follow.follow_file(path, out, Watcher(quiet, lambda warned: None), stop) == 0
    assert out.getvalue() == b"one\ntwo\n3\nfour\n"


def test_a_crash_in_a_followed_file_is_told_when_it_goes_quiet(tmp_path: Path, diagnose: Diagnose) -> None:
    path, said = tmp_path / "train.log", []
    lines = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>']
    path.write_text("\n".join([*lines, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", ""]))
    left = [1] * 12

    def stop(seconds: float) -> bool:
        left.pop()
        return not left

    follow.follow_file(path, io.BytesIO(), Watcher(diagnose, said.append), stop)
    assert len(said) == 1
    assert said[0].text.startswith("casebook: the job failed.")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.log"):
        follow.follow_file(tmp_path / "none.log", io.BytesIO(), Watcher(quiet, print), lambda s: True)


def run(code: str, say: Callable[[Warned], None], diagnose: Diagnose) -> tuple[int, bytes, bytes]:
    out, err = io.BytesIO(), io.BytesIO()
    return (
        follow.run_command([sys.executable, "-c", code], out, err, Watcher(diagnose, say)),
        out.getvalue(),
        err.getvalue(),
    )


def test_streams_stay_apart_and_the_status_is_the_childs(diagnose: Diagnose) -> None:
    said: list[Warned] = []
    code = "import sys; print('out'); sys.stderr.write('err'); sys.exit(7)"
    assert run(code, said.append, diagnose) == (7, b"out\n", b"err")
    assert len(said) == 1  # it failed: once
    assert run("print('fine')", said.append, quiet) == (0, b"fine\n", b"")
    assert len(said) == 1


def test_a_traceback_and_the_status_are_one_crash(diagnose: Diagnose) -> None:
    said: list[Warned] = []
    status, _, err = run("raise RuntimeError('CUDA error: device-side assert triggered')", said.append, diagnose)
    assert status == 1
    assert b"device-side assert" in err
    assert len(said) == 1


def test_death_by_signal_is_128_and_the_signal() -> None:
    said: list[Warned] = []
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", said.append, quiet)[0] == 137


def test_a_command_that_is_not_there() -> None:
    err = io.BytesIO()
    assert follow.run_command(["no-such-command-here"], io.BytesIO(), err, Watcher(quiet, print)) == 127
    assert err.getvalue().count(b"\n") == 1


def test_a_grandchild_that_keeps_the_pipe_open_is_not_waited_for() -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)']); print(1)"
    begin = time.perf_counter()
    assert run(code, lambda warned: None, quiet)[0] == 0
    assert time.perf_counter() - begin < 15


def watch(*arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "app.main", "watch", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload,no-any-return]


def _mind_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_reaches_the_child_and_its_status_comes_back() -> None:
    code = "import signal,sys,time\nsignal.signal(2, lambda *a: sys.exit(5))\nprint('up', flush=True)\ntime.sleep(30)"
    # A shell's background jobs, such as this test may run in, ignore SIGINT from birth; a terminal's do not.
    process = watch("--", sys.executable, "-c", code, start_new_session=True, preexec_fn=_mind_interrupts)
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole foreground group
    process.communicate(timeout=20)
    assert process.returncode == 5


def test_command_line_passes_options_of_the_command_on() -> None:
    process = watch("--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--lang", "zh", "--", "-x")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out.strip(), err) == (0, b"['--lang', 'zh', '--', '-x']", b"")


def test_standard_input() -> None:
    process = watch("-", stdin=subprocess.PIPE)
    assert process.communicate(b"no newline at the end", timeout=30) == (b"no newline at the end", b"")
    assert process.returncode == 0


class _Hook(http.server.BaseHTTPRequestHandler):
    got: list[dict[str, object]] = []  # noqa: RUF012 — one server a test

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_webhook_gets_the_warning_as_json() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    complaints: list[str] = []
    notifier = follow.Notifier(f"http://127.0.0.1:{server.server_port}/x", complaints.append)
    notifier.post(Warned("casebook: 损失为 0", {"incident": "a"}))
    notifier.wait()
    server.shutdown()
    server.server_close()
    assert _Hook.got == [{"text": "casebook: 损失为 0", "incident": "a"}]
    assert complaints == []


def test_a_webhook_that_is_down_is_reported_once() -> None:
    complaints: list[str] = []
    notifier = follow.Notifier("http://127.0.0.1:9/", complaints.append)
    for _ in range(3):
        notifier.post(Warned("x", {"incident": "a"}))
        notifier.wait()
    assert len(complaints) == 1
    with pytest.raises(InputError):
        follow.Notifier("ftp://example.com", complaints.append)
