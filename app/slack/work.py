"""The queue in memory: jobs of one conversation one after the other, those of several at once."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from app.slack.client import SlackError
from app.slack.events import moment
from app.slack.model import Job

logger = logging.getLogger("casebook")


class Again(Exception):
    """The job is to be tried again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(seconds)


class Work:
    """Hands jobs to `handle` on threads of its own."""

    def __init__(self, handle: Callable[[Job], None], workers: int) -> None:
        """`handle` may raise Again; anything else it raises ends that job only."""
        self._handle = handle
        self._waiting: list[tuple[float, Job]] = []
        self._busy: set[str] = set()
        self._changed = threading.Condition()
        self._ended = False
        self._threads = [threading.Thread(target=self._run, daemon=True, name=f"slack-{n}") for n in range(workers)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def add(self, job: Job, delay: float = 0.0) -> None:
        """Have it done, not before `delay` seconds."""
        with self._changed:
            self._waiting.append((time.monotonic() + delay, job))
            self._changed.notify()

    def stop(self, timeout: float) -> None:
        """Take up nothing more and wait for what is under way."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._handle(job)
            except Again as again:
                self.add(job, again.seconds)
            except Exception:
                logger.exception("a job of the Slack bot ended early")
            with self._changed:
                self._busy.discard(job.place)
                self._changed.notify_all()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._ended:
                now = time.monotonic()
                due = [(w, j) for w, j in self._waiting if w <= now and j.place not in self._busy]
                if due:
                    place = due[0][1].place
                    chosen = min((d for d in due if d[1].place == place), key=lambda d: moment(d[1].ts))
                    self._waiting.remove(chosen)
                    self._busy.add(place)
                    return chosen[1]
                self._changed.wait(self._nearest(now))
        return None

    def _nearest(self, now: float) -> float | None:
        later = [w - now for w, _ in self._waiting if w > now]
        return max(min(later), 0.01) if later else None


class Errands:
    """Small calls that nobody waits for, one after the other; beyond the bound they are dropped."""

    def __init__(self, bound: int = 2000) -> None:
        self._queue: queue.Queue[Callable[[], object] | None] = queue.Queue(bound)
        self._thread = threading.Thread(target=self._run, daemon=True, name="slack-errands")
        self._thread.start()

    def add(self, errand: Callable[[], object]) -> None:
        """Have it done soon."""
        try:
            self._queue.put_nowait(errand)
        except queue.Full:
            logger.warning("too many small calls to Slack; one was left out")

    def stop(self) -> None:
        """End after the errand under way."""
        self.add(lambda: None)
        self._queue.put(None)
        self._thread.join(2.0)

    def _run(self) -> None:
        while (errand := self._queue.get()) is not None:
            try:
                errand()
            except SlackError as error:
                logger.info("a small call to Slack failed: %s", error)
            except Exception:
                logger.exception("a small call to Slack failed")
