"""Workers that read sources, each source bounded in time and memory; order of the sources is kept."""

import os
import pickle
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ingest.worker import Answer
from kb.errors import InputError

Content = Path | bytes | InputError  # a file, bytes, or why there are none

SECONDS = 60.0  # for one source
RECYCLE = 400  # sources, after which a worker is replaced: parsers keep memory


@dataclass(slots=True)
class _Worker:
    process: "subprocess.Popen[bytes]"
    task: tuple[int, str] | None = None
    started: float = 0.0
    done: int = 0


@dataclass(slots=True)
class Pool:
    """`count` worker processes. Use as a context manager: they end with it."""

    count: int = 1
    seconds: float = SECONDS
    workers: list[_Worker] = field(default_factory=list)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            _end(worker)

    def answers(self, sources: Iterable[tuple[str, Content]]) -> Iterator[tuple[str, Answer]]:
        """The answer for each source, in order. At most four a worker wait to be handed on."""
        ready: dict[int, tuple[str, Answer]] = {}
        stream = enumerate(sources)
        given, taken, more = 0, 0, True
        while more or taken < given:
            while more and given - taken < 4 * self.count and (worker := self._idle()):
                item = next(stream, None)
                if item is None:
                    more = False
                    break
                self._give(worker, item[0], *item[1])
                given += 1
            ready.update(self._collect())
            while taken in ready:
                yield ready.pop(taken)
                taken += 1

    def _idle(self) -> _Worker | None:
        for worker in list(self.workers):
            if worker.task is None and worker.done >= RECYCLE:
                _end(worker)
                self.workers.remove(worker)
        free = next((w for w in self.workers if w.task is None), None)
        if free is None and len(self.workers) < self.count:
            free = _Worker(_start())
            self.workers.append(free)
        return free

    def _give(self, worker: _Worker, number: int, name: str, content: Content) -> None:
        assert worker.process.stdin is not None
        worker.task, worker.started = (number, name), time.monotonic()
        with suppress(BrokenPipeError):  # seen as its end when the answer is collected
            pickle.dump((name, content), worker.process.stdin)
            worker.process.stdin.flush()

    def _collect(self) -> Iterator[tuple[int, tuple[str, Answer]]]:
        """Answers that are there, within a tenth of a second; workers that ended or overran are replaced."""
        with selectors.DefaultSelector() as selector:
            for worker in (w for w in self.workers if w.task):
                assert worker.process.stdout is not None
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            events = selector.select(0.1) if selector.get_map() else []
        for key, _ in events:
            yield self._take(key.data)
        for worker in [w for w in self.workers if w.task and time.monotonic() - w.started > self.seconds]:
            assert worker.task is not None
            number, name = worker.task
            self._drop(worker)
            yield number, (name, f"{name}: not read within {self.seconds:.0f} s")

    def _take(self, worker: _Worker) -> tuple[int, tuple[str, Answer]]:
        assert worker.task is not None and worker.process.stdout is not None
        number, name = worker.task
        try:
            answer: Answer = pickle.load(worker.process.stdout)
            worker.task, worker.done = None, worker.done + 1
        except (EOFError, pickle.UnpicklingError):
            self._drop(worker)
            answer = f"{name}: reading it ended the reader (out of memory, or a fault of a parser)"
        return number, (name, answer)

    def _drop(self, worker: _Worker) -> None:
        _end(worker)
        self.workers.remove(worker)


def _start() -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p) or "."}
    return subprocess.Popen(
        [sys.executable, "-m", "ingest.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.wait()
    for stream in (worker.process.stdin, worker.process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
