"""A real vLLM on the CPU with a tiny random Qwen3, started once. `make vllm` builds the environment it runs in."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / os.environ.get("VLLM_VENV", ".venv-vllm") / "bin" / "python"
READY_S = 420  # two busy cores; a minute on idle ones
MODEL, KEY, CONTEXT = "qwen3-tiny", "test-key", 4096


@dataclass(frozen=True, slots=True)
class Vllm:
    """A running server."""

    root: str
    log: Path
    model: str = MODEL
    key: str = KEY
    context: int = CONTEXT

    @property
    def url(self) -> str:
        """Of the API."""
        return f"{self.root}/v1"

    def running(self) -> float:
        """How many requests it works on, by its own metrics."""
        text = httpx.get(f"{self.root}/metrics", timeout=10).text
        rows = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in rows)

    def until_idle(self, seconds: float = 20) -> bool:
        """Whether its work ends within the time."""
        return self.until_running(0, seconds)

    def until_running(self, count: int, seconds: float = 5) -> bool:
        """Whether it works on so many requests within the time: its metrics may lag behind the first token."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.running() == count:
                return True
            time.sleep(0.1)
        return False


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    """The server, in a process group of its own, which is ended whole: its engine outlives its API process."""
    if kept := os.environ.get("CASEBOOK_TEST_VLLM"):  # one started by hand with the key below, for working on the tests
        yield Vllm(kept, Path(os.devnull))
        return
    assert PYTHON.exists(), "no vLLM environment; run: make vllm"
    folder = tmp_path_factory.mktemp("vllm")
    made = subprocess.run(
        [PYTHON, Path(__file__).with_name("tiny.py"), folder / "model"], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr[-2000:]
    port = _free_port()
    server = Vllm(f"http://127.0.0.1:{port}", folder / "log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            _command(folder / "model", port), stdout=log, stderr=log, env=_environment(), start_new_session=True
        )
        try:
            _wait(server, process)
            yield server
        finally:
            _end(process)


def _command(model: Path, port: int) -> list[str]:
    return [
        str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", MODEL,
        "--host", "127.0.0.1", "--port", str(port), "--api-key", KEY, "--enforce-eager",
        "--distributed-executor-backend", "uni", "--kv-cache-memory-bytes", "67108864", "--max-num-seqs", "8",
        "--max-model-len", str(CONTEXT), "--reasoning-parser", "qwen3", "--enable-prefix-caching",
        "--default-chat-template-kwargs", '{"enable_thinking": false}',
        "--structured-outputs-config", '{"backend": "guidance", "disable_any_whitespace": true}',
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    ours = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    return {key: value for key, value in os.environ.items() if not key.startswith("CASEBOOK_")} | ours


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Vllm, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{server.root}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    pytest.fail(f"vLLM did not start:\n{server.log.read_text(errors='replace')[-3000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            continue
    process.wait(15)
