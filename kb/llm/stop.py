"""A handle by which another thread ends a model's work while its reader waits for the next word."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Stopped(Exception):
    """The reader went away; nobody waits for the rest."""


class Stop:
    """Set once, by any thread; what is being worked on under it ends at once, and what begins later does not begin."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], object]] = []
        self._is_set = False

    def set(self) -> None:
        """End it."""
        with self._lock:
            self._is_set = True
            ends = list(self._ends)
        for end in ends:
            end()

    @property
    def is_set(self) -> bool:
        """Whether it is ended."""
        return self._is_set

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """Within this, `set` calls `end`. Raises Stopped where it was set before."""
        with self._lock:
            if self._is_set:
                raise Stopped
            self._ends.append(end)
        try:
            yield
        finally:
            with self._lock, suppress(ValueError):
                self._ends.remove(end)
