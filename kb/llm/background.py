"""One background thread with an event loop: what runs there is read as an iterator, and closing that cancels it."""

import asyncio
import atexit
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future
from functools import lru_cache
from typing import Any, Generic, TypeVar

from kb.llm.stop import Stop, Stopped

T = TypeVar("T")
Emit = Callable[[T], None]
STOP_S = 2.0


@lru_cache(1)
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="casebook-model", daemon=True)
    thread.start()

    def stop() -> None:
        """A daemon thread that is still at work when the interpreter goes down can take the process with it."""
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_S)

    atexit.register(stop)
    return loop


class _End(Generic[T]):
    pass


def iterate(run: Callable[[Emit[T]], Awaitable[None]], stop: Stop | None = None) -> Generator[T, None, None]:
    """What `run` emits, as it emits it; its error is raised here. Closing the iterator cancels its task.

    Cancelling the task, not closing a generator, is what ends the HTTP connection and with it the server's work. A
    generator cannot be closed while its reader waits in it; `stop` can be set then. Raises Stopped.
    """
    items: queue.SimpleQueue[T | _End[T]] = queue.SimpleQueue()

    async def pump() -> None:
        try:
            await run(items.put)
        finally:
            items.put(_End())

    with (stop or Stop()).ending(lambda: items.put(_End())):
        future = asyncio.run_coroutine_threadsafe(pump(), _loop())
        try:
            while not isinstance(item := items.get(), _End):
                yield item
            if stop and stop.is_set:
                raise Stopped
            future.result()
        finally:
            future.cancel()


def start(work: Callable[[], Coroutine[Any, Any, object]]) -> "Future[object]":
    """Begin something on the background loop."""
    return asyncio.run_coroutine_threadsafe(work(), _loop())


def call(work: Callable[[], Awaitable[T]]) -> T:
    """The result of one coroutine, run on the background loop."""

    async def run() -> T:
        return await work()

    future: Future[Any] = asyncio.run_coroutine_threadsafe(run(), _loop())
    try:
        result: T = future.result()
    except CancelledError:
        raise TimeoutError from None
    return result
