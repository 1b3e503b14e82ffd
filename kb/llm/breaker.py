"""A circuit breaker: after some failures in a row the server is left alone for a while (Nygard, Release It!, 2007)."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kb.errors import ModelError, ModelUnavailable

FAILURES, REST_S = 3, 30.0
NOT_THE_SERVERS_FAULT = frozenset({"too_long", "cut_off"})


class Breaker:
    """Closed: calls pass. Open: calls fail at once. Half-open, after the rest: one call is let through to try."""

    def __init__(
        self, failures: int = FAILURES, rest: float = REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowed, self._rest, self._clock = failures, rest, clock
        self._lock = threading.Lock()
        self._failures, self._until, self._trying = 0, 0.0, False

    @property
    def resting(self) -> float:
        """Seconds for which no call is let through; 0 where one is."""
        with self._lock:
            return self._left()

    def admit(self) -> None:
        """Raises ModelUnavailable while the server is left alone."""
        with self._lock:
            self._check()

    @contextmanager
    def call(self) -> Iterator[None]:
        """One call. Raises ModelUnavailable at once while the server is left alone.

        A ModelError counts as a failure, a normal end as a success, anything else (the user left) as neither.
        """
        trial = self._begin()
        try:
            yield
        except ModelError as error:
            if error.reason not in NOT_THE_SERVERS_FAULT:
                self._failed()
            raise
        else:
            self._succeeded()
        finally:
            if trial:
                self._trying = False

    def _left(self) -> float:
        if self._failures < self._allowed:
            return 0.0
        left = self._until - self._clock()
        return left if left > 0 else (self._rest if self._trying else 0.0)

    def _check(self) -> None:
        if self._left() > 0:
            raise ModelUnavailable("resting", f"the model server failed {self._failures} times; left alone for now")

    def _begin(self) -> bool:
        with self._lock:
            self._check()
            trial = self._failures >= self._allowed
            self._trying = self._trying or trial
            return trial

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._until = self._clock() + self._rest

    def _succeeded(self) -> None:
        with self._lock:
            self._failures = 0
