"""Blocking work of the web interface in threads: so many at once, so many waiting, the rest is refused."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from kb.errors import UnavailableError
from kb.llm import Stop

T = TypeVar("T")
WORKERS, WAITING = 64, 64  # a turn that a served model words keeps its thread while it waits for the model


class Busy(UnavailableError):
    """More is asked at once than is taken on; to be asked again in a moment."""


class _End:
    pass


class Pool:
    """Runs functions and generators in threads for asyncio."""

    def __init__(self, workers: int = WORKERS, waiting: int = WAITING) -> None:
        self._executor = ThreadPoolExecutor(workers, "casebook")
        self._places = threading.Semaphore(workers + waiting)
        self._all = workers + waiting
        self._lock, self._in_flight = threading.Lock(), 0

    @property
    def in_flight(self) -> int:
        """How many are being worked on or wait for a thread."""
        return self._in_flight

    async def run(self, work: Callable[[], T]) -> T:
        """The result of a function. Raises Busy, and whatever it raises."""
        return await asyncio.wrap_future(self._submit(work))

    async def stream(self, start: Callable[[Stop], Generator[T, None, None]]) -> AsyncGenerator[T, None]:
        """What a generator yields. Where the reader stops before its end, its Stop is set, and it is closed."""
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[T | _End]()
        left = Stop()

        def work() -> None:
            with closing(start(left)) as generator:
                for item in generator:
                    if left.is_set:
                        return
                    loop.call_soon_threadsafe(queue.put_nowait, item)

        future = self._submit(work)
        future.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(queue.put_nowait, _End()))
        try:
            while not isinstance(item := await queue.get(), _End):
                yield item
            await asyncio.wrap_future(future)
        finally:
            left.set()
            future.cancel()

    def _submit(self, work: Callable[[], T]) -> "Future[T]":
        if not self._places.acquire(blocking=False):
            raise Busy(f"{self._all} requests are being worked on; try again in a moment")
        with self._lock:
            self._in_flight += 1
        try:
            future = self._executor.submit(work)
        except RuntimeError as error:
            self._release(None)
            raise Busy("casebook is shutting down") from error
        future.add_done_callback(self._release)
        return future

    def _release(self, _: object) -> None:
        with self._lock:
            self._in_flight -= 1
        self._places.release()

    def close(self) -> None:
        """Take no more work; what waits is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
