"""`casebook watch`: passes a job's output through, and speaks up on stderr at a known failure.

What is looked at costs little: a row of metrics is read as a shape only when its numbers look odd, or every few rows,
and never for more than a share of the time gone by.
"""

import re
import statistics
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from app.diagnosis import Cause, Diagnosis
from app.wording import Table, worded
from kb import vocabulary
from kb.errors import CasebookError
from kb.evidence import Input, read
from kb.evidence.model import SignalSeen
from kb.types import Lang

TAIL_ROWS, TAIL_LINES, MAX_LINE = 120, 300, 4000
FIRST, EVERY = 6, 8  # the first rows are all looked at; rows between two looks at rows that seem ordinary
SHARE, ALLOWANCE = 0.005, 0.5  # of the time gone by, and seconds to start with, that looking may take
MAX_WARNINGS = 3
_ROW = re.compile(rb"(?i)(?:loss|grad_?norm|reward|entropy|logps|\bkl)\b[^\n]{0,12}?[:=|]\s*['\"]?[-+]?(?:\d|nan|inf)")
_VALUE = re.compile(
    rb"(?i)(?<![\w/])(?:train[_/])?(loss|eval_loss|grad[_ ]?norm|reward_std|reward)['\"]?\s*[:=|]\s*['\"]?"
    rb"([-+]?(?:nan|inf|\d+\.?\d*(?:e[-+]?\d+)?))"
)
_FATAL = re.compile(
    rb"Traceback \(most recent call last\)|^\w*(?:Error|Exception)\b: |CUDA error|core dumped|Segmentation"
)
# Signs that a healthy run shows as well, or that need more than a log to be called wrong.
_BENIGN = frozenset(
    "fp16-scaler-warmup grad-nonzero-loss-zero loss-drops-at-epoch loss-near-zero-overfit memory-growing "
    "throughput-drop loss-spike lr-zero".split()
)
_TWICE = frozenset({"grad-norm-nan", "grad-norm-inf", "grad-norm-spike"})  # one overflow is the loss scaler at work
# Signs of steps that came to nothing, which noisy runs of reinforcement learning show now and then and get over.
_PASSING = frozenset(
    "loss-zero-onset loss-zero-from-start grad-norm-zero reward-std-zero reward-zero reward-collapse".split()
)
_PATIENCE = 4  # rows of such a sign, and twice the longest time before, once the run got over one
_LR_ZERO = re.compile(r"(?:learning_rate|\blr)['\"]?\s*[:=]\s*['\"]?0(?:\.0*)?(?:[eE][-+]?\d+)?(?![\d.])")
_TEXTS: Table = {
    "seen": {"en": "casebook: {signals} (line {line}).", "zh": "casebook: {signals}(第 {line} 行)。"},
    "cause": {
        "en": " Most likely: {title} ({percent} %), {url}; casebook show {incident}",
        "zh": " 最可能:{title}({percent} %),{url};casebook show {incident}",
    },
    "unknown": {
        "en": " No known cause stands out; casebook diagnose with the log and the configs says more.",
        "zh": " 没有明显的已知原因;用 casebook diagnose 加上日志和配置可看得更多。",
    },
    "crash": {"en": "casebook: the job failed.", "zh": "casebook: 任务失败。"},
    "fix": {"en": " Fix: {fix}", "zh": " 修复:{fix}"},
}
_tell = partial(worded, _TEXTS)


class Warned(NamedTuple):
    """What was said, and what a webhook gets."""

    text: str
    data: dict[str, Any]


class Watcher:
    """Is given the bytes of a log as they come, and gives warnings to `say`. One thread at a time."""

    def __init__(
        self, diagnose: Callable[[str], Diagnosis], say: Callable[[Warned], None], language: Lang = "en",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._diagnose, self._say, self._language, self._clock = diagnose, say, language, clock
        self._rows: deque[tuple[int, str]] = deque(maxlen=TAIL_ROWS)
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._rest = b""
        self._count = self._rows_seen = self._looked_at = 0
        self._values: dict[bytes, deque[float]] = {}
        self._zeros = self._passed = 0  # rows without a gradient up to now, and the most of which the run got over
        self._signals: set[str] = set()
        self._incidents: set[str] = set()
        self._warnings = 0
        self._fatal = self._told = False
        self._begun, self._spent = clock(), 0.0

    def feed(self, data: bytes) -> None:
        """More of the log; a line counts once its end has come."""
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-MAX_LINE:]
        for raw in whole:
            self._line(raw)

    def pause(self) -> None:
        """Nothing came for a while: the time to speak of a crash in a log whose writer is not ours."""
        if self._fatal:
            self.crashed()

    def end(self) -> None:
        """The log has ended."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        if self._rows_seen > self._looked_at:
            self._look()
        self.pause()

    def crashed(self) -> None:
        """A diagnosis of the recent lines, once for each crash."""
        self._fatal, self._told = False, True
        try:
            diagnosis = self._diagnose("\n".join(self._lines))
        except CasebookError as error:
            self._say(Warned(f"casebook: no diagnosis: {error}", {}))
            return
        self._say(_warned(_tell("crash", self._language), diagnosis, self._language, fix=True))

    def failed(self) -> None:
        """The job ended with a status other than 0."""
        if not self._told:
            self.crashed()

    def _line(self, raw: bytes) -> None:
        self._count += 1
        raw = raw.rstrip(b"\r").rsplit(b"\r", 1)[-1][:MAX_LINE]
        self._lines.append(raw.decode("utf-8", "replace"))
        if _FATAL.search(raw):
            self._fatal, self._told = True, False
        if _ROW.search(raw):
            self._rows.append((self._count, self._lines[-1]))
            self._rows_seen += 1
            due = self._rows_seen <= FIRST or self._rows_seen - self._looked_at >= EVERY
            if (self._odd(raw) or due) and self._affordable():
                self._look()

    def _odd(self, raw: bytes) -> bool:
        """Whether a number of the row is zero, not finite, the same as before, or far from its like."""
        odd = False
        found = _VALUE.findall(raw)
        self._count_zeros({name.lower()[:4]: text for name, text in found})
        for name, text in found:
            value = float(text)
            past = self._values.setdefault(name.lower(), deque(maxlen=20))
            usual = abs(statistics.median(past)) if past else abs(value)
            far = len(past) > 2 and not usual / 8 <= abs(value) <= usual * 4
            odd = odd or not abs(value) < 1e4 or abs(value) < 1e-6 or far or (bool(past) and value == past[-1])
            if value == value and abs(value) != float("inf"):
                past.append(value)
        return odd

    def _count_zeros(self, values: dict[bytes, bytes]) -> None:
        """Follow rows whose gradient, or whose loss where no gradient is logged, is 0."""
        value = values.get(b"grad", values.get(b"loss"))
        if value is not None and float(value) == 0:
            self._zeros += 1
        elif value is not None:
            self._passed, self._zeros = max(self._passed, self._zeros), 0

    def _affordable(self) -> bool:
        return self._spent <= ALLOWANCE + SHARE * (self._clock() - self._begun)

    def _look(self) -> None:
        """Read the tail of rows as shapes, and speak of signs not seen before."""
        self._looked_at = self._rows_seen
        begin = time.thread_time()
        seen = read([Input("log", "\n".join(text for _, text in self._rows))]).evidence.signals
        self._spent += time.thread_time() - begin
        new = [s for s in seen if s.seen_in == "metric" or s.name.startswith(("loss", "grad", "reward", "eval"))]
        alarming = [s for s in new if s.name not in self._signals and self._alarming(s, seen)]
        if alarming and self._warnings < MAX_WARNINGS:
            self._signals.update(s.name for s in seen)
            self._warn(alarming)

    def _alarming(self, signal: SignalSeen, seen: tuple[SignalSeen, ...]) -> bool:
        names = {s.name for s in seen}
        if signal.name in _BENIGN or signal.seen_in == "words":
            return False
        if signal.name in _PASSING and self._passed and self._zeros < max(_PATIENCE, 2 * self._passed):
            return False
        if signal.name in _TWICE:
            rows = [self._rows[line - 1][1] for line in signal.lines if line <= len(self._rows)]
            warming = "fp16-scaler-warmup" in names or any(_LR_ZERO.search(text) for text in rows)
            return len(signal.lines) > 1 and not warming
        return not ("grad-nonzero-loss-zero" in names and signal.name.startswith("loss-zero"))

    def _warn(self, signals: list[SignalSeen]) -> None:
        try:
            diagnosis = self._diagnose("\n".join(self._lines))
        except CasebookError as error:
            self._say(Warned(f"casebook: no diagnosis: {error}", {}))
            return
        first = _cause(diagnosis)
        harmless = first is not None and first.cause_kind == "expected" and diagnosis.verdict == "diagnosed"
        if first is not None and first.incident in self._incidents:
            return
        if harmless and not any("nan" in signal.name for signal in signals):
            return
        if first is not None:
            self._incidents.add(first.incident)
        self._warnings += 1
        index = min(signals[0].lines, default=len(self._rows)) - 1
        line = self._rows[max(0, min(index, len(self._rows) - 1))][0]
        words = ("; " if self._language == "en" else ";").join(_meaning(s.name, self._language) for s in signals[:2])
        said = _tell("seen", self._language, signals=words, line=line)
        self._say(_warned(said, diagnosis, self._language, signals=[s.name for s in signals]))


def _cause(diagnosis: Diagnosis) -> Cause | None:
    """The first cause, one that calls for action before one that is expected."""
    return next((c for c in diagnosis.causes if c.cause_kind != "expected"), next(iter(diagnosis.causes), None))


def _meaning(signal: str, language: Lang) -> str:
    return str(vocabulary.signals()[signal][language])


def _warned(said: str, diagnosis: Diagnosis, language: Lang, fix: bool = False, **data: Any) -> Warned:
    """The line with its cause and source, and the same as data."""
    data |= {"said": said, "verdict": diagnosis.verdict}
    cause = _cause(diagnosis)
    if cause is None:
        return Warned(said + _tell("unknown", language), data)
    fields = {
        "title": cause.title,
        "percent": round(100 * cause.confidence),
        "url": cause.url,
        "incident": cause.incident,
    }
    said += _tell("cause", language, **fields)
    if fix:
        first = next((line for line in cause.fix.splitlines() if line.strip() and not line.startswith("```")), "")
        said += _tell("fix", language, fix=first.strip()[:200])
    return Warned(said, data | fields)
