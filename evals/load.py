"""`python -m evals load`: many users at once on a web server of one's own; times, errors, memory.

Each user has a token, asks one of the development cases every few seconds, starting at a moment of its own.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evals.cases import FOLDER, load_cases

BAR_SECONDS = 1.0  # 95th percentile
MAX_GROWTH = 0.10  # of memory from the first third to the end


@dataclass
class Tally:
    """What the users saw."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)  # MB, sampled


def ask(address: str, token: str, text: str) -> None:
    """One question; the answer must be a diagnosis. Raises OSError or ValueError."""
    request = urllib.request.Request(
        f"{address}/v1/diagnose",
        json.dumps({"text": text}).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        json.load(answer)["verdict"]


def run(address: str, pid: int, texts: Sequence[str], users: int, every: float, lasts: float) -> Tally:
    """All users at once for `lasts` seconds, each asking `every` seconds."""
    tally, end = Tally(), time.monotonic() + lasts

    def user(number: int) -> None:
        chosen = random.Random(number)
        time.sleep(every * number / users)
        while (start := time.monotonic()) < end:
            try:
                ask(address, _token(number), chosen.choice(texts))
                tally.seconds.append(time.monotonic() - start)
            except (OSError, ValueError, KeyError) as error:
                tally.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(max(0.0, every - (time.monotonic() - start)))

    threads = [threading.Thread(target=user, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        tally.memory.append(_megabytes(pid))
        time.sleep(1)
    return tally


@contextmanager
def server(users: int) -> Iterator[tuple[str, int]]:
    """`casebook web` with a database of its own: its address and process id."""
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "CASEBOOK_DATABASE": f"sqlite:///{folder}/cases.db",
            "CASEBOOK_TOKENS": ",".join(f"user{number}:{_token(number)}" for number in range(users)),
        }
        command = [sys.executable, "-m", "app.main", "web", "--port", "0"]
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                line = next((line for line in process.stderr if line.startswith("Casebook: ")), "")
                if not line:
                    raise SystemExit(f"casebook web ended with {process.wait()}")
                yield line.split()[1], process.pid
            finally:
                process.terminate()


def _token(number: int) -> str:
    return f"load-test-token-{number:04d}"


def _megabytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    text = status.read_text() if status.exists() else ""
    return next((int(line.split()[1]) >> 10 for line in text.splitlines() if line.startswith("VmRSS")), 0)


def main(argv: Sequence[str]) -> int:
    """Run it and print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m evals load")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two questions of one user")
    parser.add_argument("--seconds", type=float, default=120.0)
    given = parser.parse_args(argv)
    texts = [case.query for case in load_cases(FOLDER / "dev") if case.query]
    with server(given.users) as (address, pid):
        ask(address, _token(0), texts[0])
        tally = run(address, pid, texts, given.users, given.every, given.seconds)
    return report(tally)


def report(tally: Tally) -> int:
    """Print the figures; 1 where a bar is missed."""
    if not tally.seconds:
        print(f"no answer; {tally.errors[:3]}")
        return 1
    median, p95, worst = np.percentile(tally.seconds, (50, 95, 100))
    third = len(tally.memory) // 3
    early, late = np.median(tally.memory[third : 2 * third] or [0]), np.median(tally.memory[-third:] or [0])
    print(f"answers {len(tally.seconds)}, errors {len(tally.errors)} {tally.errors[:3] or ''}")
    print(f"seconds: median {median:.3f}, p95 {p95:.3f}, longest {worst:.3f}")
    print(f"memory: {tally.memory[0]} MB at the start, {early:.0f} in the middle, {late:.0f} at the end")
    return int(bool(tally.errors) or p95 > BAR_SECONDS or late > early * (1 + MAX_GROWTH))
