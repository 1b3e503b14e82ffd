"""Inputs → Reading: one pass over the lines, every reader sees each line once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from kb.evidence import errors, forms, prose, scan, series, shapes, words
from kb.evidence.clean import to_line
from kb.evidence.decode import Notes, raw_lines, to_text
from kb.evidence.language import language_of
from kb.evidence.log_signals import WARM_UP_OVERFLOWS, hidden_by, log_signals, overflow
from kb.evidence.mentions import mentions
from kb.evidence.metrics import MetricReader
from kb.evidence.model import Evidence, Line, MetricSeries, Reading, SignalSeen, Skipped
from kb.evidence.rows import is_plain_dict
from kb.evidence.shared import without_shared_prefix
from kb.evidence.unwrap import unwrapped
from kb.evidence.versions import read_versions
from kb.redact import Redactor
from kb.types import Lang

MAX_NOTABLE, MAX_SIGNAL_LINES, MAX_LINES = 400, 12, 3000
MAX_TEXT_LINES = 400  # lines of one input kept for signatures and search beside the notable ones


class Input(NamedTuple):
    """One text of a case: what the user typed, pasted, or the file that holds it."""

    name: str
    text: str | bytes | Path


@dataclass
class _Case:
    """What the readers of one input have gathered."""

    name: str
    notes: Notes = field(default_factory=Notes)
    metrics: MetricReader = field(default_factory=MetricReader)
    failures: errors.ErrorReader = field(default_factory=errors.ErrorReader)
    signals: dict[str, list[Line]] = field(default_factory=dict)
    notable: list[Line] = field(default_factory=list)
    spoken: list[Line] = field(default_factory=list)  # all that people wrote: language and signals are read from it
    prose: list[Line] = field(default_factory=list)  # of it what is about the problem
    lines: list[Line] = field(default_factory=list)
    matter: list[Line] = field(default_factory=list)
    rows: set[Line] = field(default_factory=set)
    overflows: list[Line] = field(default_factory=list)
    overflow_final: bool = False
    message_goes_on: bool = False
    count: int = 0

    def feed(self, line: Line) -> bool:
        """Whether the line is a program's output beyond doubt: metrics or a failure."""
        self.count += 1
        if self.metrics.feed(line):
            self.failures.metric_rows = self.metrics.rows
            self.rows.add(line)
            return True
        inside = self.failures.in_traceback(line.rank)
        failure = self.failures.feed(line)
        found = log_signals(line.text.lstrip())
        for signal in found:
            seen = self.signals.setdefault(signal, [])
            if len(seen) < MAX_LINES:
                seen.append(line)
        over, final = overflow(line.text)
        if over and len(self.overflows) < MAX_LINES:
            self.overflows.append(line)
        self.overflow_final = self.overflow_final or final
        if (failure or found or line.level in ("warning", "error", "fatal")) and len(self.notable) < MAX_NOTABLE:
            self.notable.append(line)
        return self._by_machine(line, failure, inside or self.failures.in_traceback(line.rank))

    def _by_machine(self, line: Line, failure: bool, traceback: bool) -> bool:
        """Whether no person wrote the line; what follows an exception up to a blank line is its message."""
        event = self.failures.events[-1] if failure and self.failures.events else None
        at_start = event is not None and event.kind == "exception" and line.text.lstrip().startswith(event.type)
        at_start = at_start or "Warning: " in line.text
        indented = line.text[:1] in ("\t", " ")
        follows = self.message_goes_on and bool(line.text.strip()) and (indented or not prose.addresses(line.text))
        self.message_goes_on = at_start or traceback or follows
        return traceback or at_start or follows or (failure and not prose.speaks(line.text))


def read(inputs: Sequence[Input], interface_language: Lang | None = None) -> Reading:
    """Read the texts of one case. Never raises for any content; what was not read is in `checks_skipped`.

    `interface_language` stands in where there is no prose.
    """
    cases = [_read_one(given) for given in inputs]
    return _Assembly(cases, interface_language).reading()


def _read_one(given: Input) -> _Case:
    case = _Case(given.name)
    if scan.size_of(given.text) > scan.LARGE:
        return _read_large(given, case)
    data = given.text.read_bytes() if isinstance(given.text, Path) else given.text
    text = to_text(data, case.notes) if isinstance(data, bytes) else data.encode("utf-8", "replace").decode()
    machine = []
    for number, raw in unwrapped(without_shared_prefix(raw_lines(text, case.notes))):
        line = to_line(given.name, number, raw)
        if case.feed(line):
            machine.append(len(case.lines))
        case.lines.append(line)
    _split(case, machine)
    return case


def _split(case: _Case, machine: Collection[int]) -> None:
    """Set the prose of an input, and what of it is about the problem; `machine`: positions of a program's output."""
    case.spoken = prose.prose_lines(case.lines, _without_sentences(case, case.lines, machine))
    notable = {*case.notable}
    told = {i for i, line in enumerate(case.lines) if line in notable}
    output = {*machine} - {i for i, line in enumerate(case.lines) if line in case.rows}
    kept = forms.matter(case.lines, told | output)
    case.matter = [line for _, line in kept]
    known = [new for new, (old, _) in enumerate(kept) if old in {*machine}]
    case.prose = prose.prose_lines(case.matter, _without_sentences(case, case.matter, known))


def _without_sentences(case: _Case, lines: Sequence[Line], machine: Collection[int]) -> Collection[int]:
    """The positions of output, in a short text without those of a sentence that quotes an exit code."""
    if sum(bool(line.text.strip()) for line in lines) > 2:
        return machine
    return [i for i in machine if case.message_goes_on or not prose.is_sentence(lines[i].text)]


def _read_large(given: Input, case: _Case) -> _Case:
    """Only lines with a trigger, and both ends in full."""
    machine = []
    for number, raw in scan.scan(given.text, case.notes, case.metrics.take):
        if is_plain_dict(raw) and case.metrics.feed_dict(raw.decode("utf-8", "replace").rstrip(), number):
            case.failures.metric_rows = case.metrics.rows
            continue
        line = to_line(given.name, number, raw.decode("utf-8", "replace"))
        known = case.feed(line)
        if len(case.lines) < MAX_LINES:
            if known:
                machine.append(len(case.lines))
            case.lines.append(line)
    case.matter, case.spoken = case.lines, prose.prose_lines(case.lines, machine)
    case.prose = case.spoken
    return case


class _Assembly:
    """The readings of all inputs put together."""

    def __init__(self, cases: list[_Case], interface_language: Lang | None) -> None:
        self.cases, self.interface = cases, interface_language
        self.skipped: list[Skipped] = []
        self.run: list[str] = []

    def reading(self) -> Reading:
        """Evidence, language, prose and notable lines, redacted."""
        prose = "\n".join(line.text for case in self.cases for line in case.prose)
        spoken = "\n".join(line.text for case in self.cases for line in case.spoken)
        redactor = Redactor()
        evidence = self._evidence()
        clean_prose = redactor.redact(prose)
        notable = {line for case in self.cases for line in case.notable}
        matter = [line for case in self.cases for line in case.matter[:MAX_TEXT_LINES]]
        numbers = {(line.input, line.number) for line in matter}
        first = [
            line
            for c in self.cases
            for i, line in enumerate(c.lines)
            if i < MAX_TEXT_LINES or (line.input, line.number) in numbers
        ]
        lines = list(dict.fromkeys([*first, *(line for case in self.cases for line in case.notable)]))
        hidden = redactor.redact("\n".join(line.text for line in lines))
        clean = {
            line: Line(line.input, line.number, text, line.rank, line.level)
            for line, text in zip(lines, hidden.text.split("\n") if lines else (), strict=True)
        }
        evidence = _redacted(evidence, redactor).model_copy(update={"redactions": hidden.count})
        return Reading(
            evidence=evidence,
            language=language_of(spoken) or self.interface,
            prose=clean_prose.text,
            notable=tuple(after for before, after in clean.items() if before in notable),
            lines=tuple(clean.values()),
            matter=tuple(_hidden(line, clean, redactor) for line in matter),
        )

    def _evidence(self) -> Evidence:
        events = [event for case in self.cases for event in case.failures.events]
        root = next((c.failures.root_rank for c in self.cases if c.failures.root_rank is not None), None)
        start = errors.initiating(events, root)
        metrics, found = self._metrics()
        all_signals = found + self._log_signals() + self._spoken()
        others = [line for case in self.cases for line in case.lines]
        all_signals = [s for s in all_signals if not _only_follows(s, events, start)]
        self._what_was_read(events)
        return Evidence(
            initiating_error=errors.as_initiating(start),
            signals=_merged(all_signals),
            exceptions=errors.as_exceptions(events, start),
            metrics=metrics,
            versions=read_versions(others),
            mentions=mentions(*self._parts()),
            checks_run=tuple(self.run),
            checks_skipped=tuple(self.skipped),
        )

    def _parts(self) -> Iterator[list[Line]]:
        """Prose, matter and all lines of every input."""
        yield [line for case in self.cases for line in case.prose]
        yield [line for case in self.cases for line in case.matter]
        yield [line for case in self.cases for line in case.lines]

    def _metrics(self) -> tuple[dict[str, MetricSeries], list[SignalSeen]]:
        shown: dict[str, MetricSeries] = {}
        found: list[SignalSeen] = []
        for case in self.cases:
            columns = case.metrics.series()
            found += shapes.signals(case.name, columns)
            for name, column in columns.items():
                if name not in shown or len(column) > len(shown[name].values):
                    shown[name] = series.published(column)
            if case.metrics.eval_without_loss and len(case.metrics.eval_without_loss) == len(case.metrics.eval_rows):
                found.append(_signal("eval-loss-missing", case.name, case.metrics.eval_without_loss, "metric"))
            if case.metrics.rows == 1:
                why = f"only one row of numbers in {case.name}: too little"
                self.skipped.append(Skipped(check="metric shapes", why=why))
        return shown, found

    def _log_signals(self) -> list[SignalSeen]:
        out = []
        for case in self.cases:
            spoken_lines = {line.number for line in case.spoken}
            for signal, lines in case.signals.items():
                kept = [line.number for line in lines if line.number not in spoken_lines or not _denied(signal, line)]
                if kept and case.signals.keys().isdisjoint(hidden_by(signal)):
                    out.append(_signal(signal, case.name, kept))
            out += _overflow(case)
        return out

    def _spoken(self) -> list[SignalSeen]:
        out = []
        for case in self.cases:
            said: dict[str, list[int]] = {}
            for item in words.spoken(case.spoken):
                said.setdefault(item.signal, []).append(item.line.number)
            out += [_signal(name, case.name, lines, "words") for name, lines in said.items()]
        return out

    def _what_was_read(self, events: Sequence[errors.Event]) -> None:
        lines, rows = sum(c.count for c in self.cases), sum(c.metrics.rows for c in self.cases)
        self.run.append(f"failure lines: {len(events)} in {lines} lines")
        if rows:
            self.run.append(f"metric rows: {rows}")
        else:
            self.skipped.append(Skipped(check="metric shapes", why="no rows of logged numbers"))
        self.run += ["log phrases", "versions", "mentions"]
        if any(c.spoken for c in self.cases):
            self.run.append("words")
        else:
            self.skipped.append(Skipped(check="words", why="no prose"))
        for case in self.cases:
            self.skipped += case.notes.skipped(case.name)


def _signal(
    name: str, source: str, lines: Iterable[int], seen_in: Literal["metric", "log", "words"] = "log"
) -> SignalSeen:
    kept = tuple(dict.fromkeys(lines))[:MAX_SIGNAL_LINES]
    return SignalSeen(name=name, input=source, lines=kept, seen_in=seen_in)


def _only_follows(signal: SignalSeen, events: Sequence[errors.Event], start: errors.Event | None) -> bool:
    """Whether host-oom rests only on processes killed after a failure that had another start."""
    if signal.name != "host-oom" or start is None or start.tier not in ("machine", "primary"):
        return False
    killed = {e.line.number for e in events if e.type == "Killed" and e is not start and e.line.input == signal.input}
    return bool(signal.lines) and set(signal.lines) <= killed


def _denied(signal: str, line: Line) -> bool:
    """Whether a person quotes a program's phrase only to say that it is not there."""
    pieces: Iterator[str] = (piece for piece in words.sentences(line.text) if signal in log_signals(piece))
    return all(words.denied(piece) for piece in pieces)


def _overflow(case: _Case) -> list[SignalSeen]:
    if not case.overflows and not case.overflow_final:
        return []
    lines = [line.number for line in case.overflows]
    keeps_on = case.overflow_final or len(lines) > WARM_UP_OVERFLOWS
    if keeps_on:
        return [_signal("loss-scale-overflow", case.name, lines)]
    return [_signal("fp16-scaler-warmup", case.name, lines)] if case.metrics.rows else []


def _merged(found: Sequence[SignalSeen]) -> tuple[SignalSeen, ...]:
    """One entry per signal and input: the first, which holds the numbers."""
    seen: dict[tuple[str, str], SignalSeen] = {}
    for signal in found:
        seen.setdefault((signal.name, signal.input), signal)
    return tuple(seen.values())


def _hidden(line: Line, clean: Mapping[Line, Line], redactor: Redactor) -> Line:
    """A line about the problem, redacted: as it was, or what is left of it."""
    return clean.get(line) or replace(line, text=redactor.redact(line.text).text)


def _redacted(evidence: Evidence, redactor: Redactor) -> Evidence:
    """The evidence with every text of the log redacted."""
    start = evidence.initiating_error
    messages = [e.message.replace("\n", " ") for e in evidence.exceptions]
    texts = [start.text.replace("\n", " ") if start else "", *messages]
    clean = redactor.redact("\n".join(texts)).text.split("\n")
    return evidence.model_copy(
        update={
            "initiating_error": start.model_copy(update={"text": clean[0]}) if start else None,
            "exceptions": tuple(
                e.model_copy(update={"message": text}) for e, text in zip(evidence.exceptions, clean[1:], strict=True)
            ),
        }
    )
