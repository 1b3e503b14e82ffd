"""Speed of reading logs: MB/s beside `grep -c` on the same file, and the time of a 60-line paste."""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from kb.evidence import Input, read

NOISE = (
    "INFO 2026-03-01 12:{m:02d}:{s:02d},{ms:03d} worker.py:{ms}] processed batch {i} in {x:.3f} s, queue {m}",
    "2026-03-01 12:{m:02d}:{s:02d},{ms:03d} - INFO - Loaded shard {i} from /data/shard-{i}.jsonl in {x:.2f} seconds",
    "INFO 03-01 12:{m:02d}:{s:02d} [loggers.py:111] Engine 000: Avg prompt throughput: {ms}.0 tokens/s, Avg generation "
    "throughput: {s}.0 tokens/s, Running: {m} reqs, Waiting: 0 reqs, GPU KV cache usage: {x:.1f}%",
    'INFO:     127.0.0.1:{ms} - "POST /v1/chat/completions HTTP/1.1" 200 OK',
    "DEBUG dataloader: worker {m} fetched sample {i} (tokens={ms}, key={x:.8f})",
    "[2026-03-01 12:{m:02d}:{s:02d},{ms:03d}] [INFO] [timer.py:260:stop] epoch=0/micro_step={i}/global_step={i}, "
    "RunningAvgSamplesPerSec={x:.3f}, CurrSamplesPerSec={x:.3f}, MemAllocated=12.31GB, MaxMemAllocated=40.12GB",
)


def noise_row(r: random.Random, i: int) -> str:
    """A line of a healthy server, loader or trainer."""
    return NOISE[i % len(NOISE)].format(i=i, m=i % 60, s=i % 59, ms=i % 1000, x=r.random())


def metric_row(r: random.Random, i: int) -> str:
    """A row as the Hugging Face Trainer prints it."""
    loss, grad, rate = 2 + r.random(), r.random(), 1e-5 * r.random()
    return f"{{'loss': {loss:.4f}, 'grad_norm': {grad:.7f}, 'learning_rate': {rate:.6e}, 'epoch': {i / 1e6:.2f}}}"


def trace(r: random.Random, i: int) -> str:
    """A traceback, or an update of a progress bar."""
    if i % 2:
        return "".join(f"\r{k}%|####      | {k}/100 [00:{k:02d}<01:40,  1.0s/it]" for k in range(0, 60, 6))
    frames = "".join(
        f'  File "/opt/app/module_{k}.py", line {r.randrange(999)}, in step\n    out = self.layer(x)\n'
        for k in range(6)
    )
    return f"Traceback (most recent call last):\n{frames}RuntimeError: stream {i} was closed by the caller"


def write_mixed(path: Path, megabytes: int, seed: int = 7) -> None:
    """About 90 % noise, 5 % metric rows, 5 % tracebacks and progress bars, by bytes."""
    r, made, budget = random.Random(seed), [0, 0, 0], (0.90, 0.05, 0.05)
    with path.open("w", encoding="utf-8") as file:
        parts, total, i = [], 0, 0
        while total < megabytes * 1_000_000:
            i += 1
            kind = min(range(3), key=lambda k: made[k] / budget[k])
            line = noise_row(r, i) if kind == 0 else metric_row(r, i) if kind == 1 else trace(r, i)
            made[kind] += len(line) + 1
            total += len(line) + 1
            parts.append(line)
            if len(parts) >= 20_000:
                file.write("\n".join(parts) + "\n")
                parts = []
        file.write("\n".join(parts) + "\n")


def write_metrics(path: Path, megabytes: int, end: str = "\n") -> None:
    """Nothing but metric rows; with another `end`, one endless line."""
    r, total = random.Random(3), 0
    with path.open("w", encoding="utf-8") as file:
        while total < megabytes * 1_000_000:
            text = "".join(metric_row(r, i) + end for i in range(5000))
            total += file.write(text)


def write_endless(path: Path, megabytes: int) -> None:
    """One line of words without an end."""
    r = random.Random(5)
    words = [f"{r.getrandbits(40):x}" for _ in range(100_000)]
    with path.open("w", encoding="utf-8") as file:
        total = 0
        while total < megabytes * 1_000_000:
            total += file.write(" ".join(words) + " ")


def measure(path: Path) -> tuple[float, float]:
    """MB/s of reading the file, and of `grep -c` on it."""
    size = path.stat().st_size / 1e6
    start = time.perf_counter()
    read([Input(path.name, path)])
    ours = size / (time.perf_counter() - start)
    start = time.perf_counter()
    subprocess.run(["grep", "-cE", "Error|loss", str(path)], capture_output=True, check=False)
    return ours, size / (time.perf_counter() - start)


def paste_ms(lines: int = 60) -> float:
    """Median milliseconds of reading a paste of `lines` lines: question, rows, traceback, versions."""
    r = random.Random(1)
    head = [
        "my loss is 0 and it hangs after a while, 8xA100, Qwen2.5-7B with deepspeed zero3",
        "torch==2.4.0",
        "transformers==4.45.1",
    ]
    rows = [metric_row(r, i) for i in range(lines // 2)]
    tail = [f'[rank0]:   File "/opt/app/m{i}.py", line {i}, in step' for i in range(lines - lines // 2 - 5)]
    text = "\n".join(
        [
            *head,
            *rows,
            "[rank0]: Traceback (most recent call last):",
            *tail,
            "[rank0]: RuntimeError: CUDA error: unknown",
        ]
    )
    times = []
    for _ in range(60):
        start = time.perf_counter()
        read([Input("text", text)])
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[len(times) // 2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 when every bar of DESIGN.md section 6 is met."""
    parser = argparse.ArgumentParser(prog="python -m evals logspeed", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100, help="size of each file (1000 for the full bar)")
    given = parser.parse_args(arguments)
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        for name, write, bar in (
            ("mixed", write_mixed, 50.0),
            ("all metrics", write_metrics, 15.0),
            ("endless line", write_endless, 15.0),
            ("metrics in one line", lambda p, m: write_metrics(p, m, " "), 15.0),
        ):
            path = Path(folder) / "log.txt"
            write(path, given.megabytes)
            ours, grep = measure(path)
            ok = ok and ours >= bar
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            sys.stdout.write(
                f"{name:20} {ours:7.1f} MB/s (bar {bar:.0f})   grep -c {grep:7.1f} MB/s   peak memory {peak:.0f} MB\n"
            )
    median = paste_ms()
    sys.stdout.write(f"60-line paste {median:.2f} ms (bar 5)\n")
    return 0 if ok and median <= 5 else 1
