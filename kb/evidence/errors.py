"""Lines → exceptions with their roles, and the one error that started the failure.

A log ends with what followed from a failure: other ranks time out, launchers report children, processes are
told to stop. Every failure line gets a tier (kb/vocabulary/error_lines.yaml); the first of the best tier is
where it started.
"""

import re
from dataclasses import dataclass, field
from functools import cache

from kb.evidence.model import ExceptionSeen, InitiatingError, Line, Role
from kb.patterns import PatternSet
from kb.vocabulary import table

MAX_EVENTS, MAX_MESSAGE = 300, 600
# "log": an error line of no known sort
TIERS = ("machine", "primary", "consequence", "log", "summary", "teardown", "ignore")

_NAME = r"(?:[A-Za-z_]\w{0,80}\.){0,12}"
_ENDINGS = (
    "Error", "Exception", "Interrupt", "Exit", "OutOfMemory", "Timeout", "TimedOut", "NotFound", "Failure", "Died",
    "Refused", "Closed", "Disconnected", "Expired", "NotImplemented", "StopIteration", "Empty", "Unavailable",
    "Crashed",
)  # fmt: skip
_CLASS = rf"[A-Z]\w{{0,80}}?(?:{'|'.join(_ENDINGS)})|Exception"
_EXCEPTION = re.compile(rf"(?P<type>{_NAME}(?:{_CLASS})(?:\(\w+\))?)(?: \[[^\]]{{1,80}}\])?(?:: ?(?P<message>.*)|\s*)$")
_INLINE = re.compile(rf"(?<![\w.])(?P<type>{_NAME}[A-Z]\w{{0,80}}?(?:Error|Exception)(?:\(\w+\))?): (?P<message>\S.*)")
_ANY_NAME = re.compile(r"(?P<type>(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*|[A-Z]\w*[a-z]\w*)(?:: (?P<message>.*))?$")
_FRAME = re.compile(r'\s{1,16}File "[^"]{1,400}", line \d+')
_NOT_RAISED = re.compile(r"\b(?:except|raise|from|import|class|isinstance|catch)\b[^:]{0,80}$")
CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_ROOT_RANK = re.compile(r"^\s*rank\s+: (\d+)")


@dataclass(slots=True)
class Event:
    """One failure line with what its tier says about it."""

    type: str
    message: str
    line: Line
    tier: str
    kind: str
    chained: bool = False
    after_metrics: int = 0  # metric rows read before it


@dataclass(slots=True)
class _Stack:
    """An open traceback of one rank."""

    open: bool = False
    chained: bool = False
    ignored: bool = False
    indent: int = 0  # of the line that opened it: pip prints tracebacks indented


@cache
def _line_rules() -> tuple[PatternSet, tuple[tuple[str, str, str], ...]]:
    rules = table("error_lines")["lines"]
    return PatternSet([r["re"] for r in rules], False), tuple((r["type"], r["tier"], r["kind"]) for r in rules)


@cache
def _exception_rules() -> tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None], ...]:
    def compiled(rule: dict[str, str], key: str) -> re.Pattern[str] | None:
        return re.compile(rule[key]) if key in rule else None

    return tuple((r["tier"], compiled(r, "type"), compiled(r, "message")) for r in table("error_lines")["exceptions"])


def exception_tier(type_: str, message: str) -> str:
    """The tier of a Python exception by its type and message."""
    for tier, on_type, on_message in _exception_rules():
        if (on_type is None or on_type.search(type_)) and (on_message is None or on_message.search(message[:2000])):
            return tier
    return "primary"


@dataclass
class ErrorReader:
    """Feed it the lines of one input in order; `events` holds the failure lines found."""

    events: list[Event] = field(default_factory=list)
    dropped: int = 0
    metric_rows: int = 0
    root_rank: int | None = None
    _stacks: dict[int | None, _Stack] = field(default_factory=dict)
    _awaiting_root: bool = False
    _seen: set[tuple[str, str, int | None]] = field(default_factory=set)

    def in_traceback(self, rank: int | None) -> bool:
        """Whether the next line of a rank belongs to an open traceback."""
        stack = self._stacks.get(rank)
        return stack is not None and stack.open

    def feed(self, line: Line) -> bool:
        """Whether the line reports a failure (a traceback's frames are not counted)."""
        text = line.text
        stack = self._stacks.get(line.rank)
        if stack is not None or "Traceback (" in text or ' File "' in text or text.startswith(CHAINED):
            handled = self._in_stack(line, stack)
            if handled is not None:
                return handled
        return self._exception(line) or self._known(line) or self._note_root(line)

    def _in_stack(self, line: Line, stack: _Stack | None) -> bool | None:
        """Follow a traceback; None: the line is not part of one."""
        text = line.text
        if stack is None:
            stack = self._stacks[line.rank] = _Stack()
        if text.startswith(CHAINED):
            stack.chained = True
            return False
        if "Traceback (most recent" in text or _FRAME.match(text):
            if not stack.open:
                frame = 0 if "Traceback (" in text else 2
                stack.indent = max(len(text) - len(text.lstrip()) - frame, 0)
            stack.open = True
            return False
        if not stack.open:
            return None
        body = text.lstrip()
        if not body or len(text) - len(body) > stack.indent or body[0] in "│╭╰|+^~":
            return False
        return self._end_of_stack(line, stack)

    def _end_of_stack(self, line: Line, stack: _Stack) -> bool | None:
        text = line.text.lstrip()
        found = _EXCEPTION.match(text) or _ANY_NAME.match(text)
        if found is None:
            return None  # another process wrote between the frames
        chained, ignored = stack.chained, stack.ignored
        self._stacks[line.rank] = _Stack()
        self._add(found["type"], found["message"] or "", line, chained=chained, ignored=ignored)
        return True

    def _exception(self, line: Line) -> bool:
        if not any(hint in line.text for hint in _ENDINGS):
            return False
        found = _EXCEPTION.match(line.text)
        if found is None:
            inline = "Error" in line.text or "Exception" in line.text
            found = _INLINE.search(line.text) if inline else None
            if found is None or _NOT_RAISED.search(line.text[: found.start()][-100:]):
                return False
        stack = self._stacks.get(line.rank)
        chained = stack.chained if stack else False
        if stack:
            stack.chained = False
        return self._add(found["type"], found["message"] or "", line, chained=chained)

    def _add(self, type_: str, message: str, line: Line, chained: bool = False, ignored: bool = False) -> bool:
        tier = "teardown" if ignored else exception_tier(type_, message)
        if tier == "ignore":
            return False
        self._push(Event(type_, message, line, tier, "exception", chained, self.metric_rows))
        return True

    def _known(self, line: Line) -> bool:
        rules, names = _line_rules()
        for index in rules.match(line.text.lstrip()):
            type_, tier, kind = names[index]
            if type_ == "IgnoredException":
                self._stacks[line.rank] = _Stack(ignored=True)
            self._awaiting_root = self._awaiting_root or "Root Cause (first" in line.text
            self._push(Event(type_, line.text.strip(), line, tier, kind, False, self.metric_rows))
            return True
        if line.level in ("error", "fatal"):
            self._push(Event("log", line.text.strip(), line, "log", "log", False, self.metric_rows))
            return True
        return False

    def _note_root(self, line: Line) -> bool:
        if self._awaiting_root:
            found = _ROOT_RANK.match(line.text)
            if found:
                self.root_rank, self._awaiting_root = int(found[1]), False
        return False

    def _push(self, event: Event) -> None:
        key = (event.type, event.message[:80], event.line.rank)
        if len(self.events) >= MAX_EVENTS or (key in self._seen and len(self.events) > 40):
            self.dropped += 1
            return
        self._seen.add(key)
        self.events.append(event)


def initiating(events: list[Event], root_rank: int | None) -> Event | None:
    """The event that started the failure: of the best tier, after the last sign of normal training, first."""
    candidates = [e for e in events if e.tier in TIERS[:5] and not e.chained]
    candidates = candidates or [e for e in events if e.tier in TIERS[:5]]
    if not candidates:
        return None
    last = max(e.after_metrics for e in candidates)
    best = min(TIERS.index(e.tier) for e in candidates if e.after_metrics == last)
    earlier = [e for e in candidates if e.after_metrics >= last - 1]  # a row may still be printed by another rank
    first = [e for e in earlier if TIERS.index(e.tier) == best]
    named = [e for e in first if e.line.rank == root_rank] if root_rank is not None else []
    return (named or first)[0]


def role(event: Event, start: Event | None) -> Role:
    """initiating for the start, teardown for what every stop brings, cascade for the rest."""
    if event is start:
        return "initiating"
    return "teardown" if event.tier == "teardown" else "cascade"


def as_exceptions(events: list[Event], start: Event | None) -> tuple[ExceptionSeen, ...]:
    """The events as evidence; error lines of no known sort stay out."""
    return tuple(
        ExceptionSeen(
            type=e.type, message=e.message[:MAX_MESSAGE], input=e.line.input, line=e.line.number,
            rank=e.line.rank, role=role(e, start),
        )
        for e in events
        if e.tier != "log" or e is start
    )  # fmt: skip


def as_initiating(start: Event | None) -> InitiatingError | None:
    """The start as evidence."""
    if start is None:
        return None
    text = start.line.text.strip()[:MAX_MESSAGE]
    return InitiatingError(input=start.line.input, line=start.line.number, text=text, kind=start.kind)
