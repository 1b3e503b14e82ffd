"""What the evidence reader and the config reader see in a part of a text, each fact with the lines it stands on."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ingest.blocks import Piece, lines, trimmed
from ingest.types import Field, Span
from kb.configs import read_configs
from kb.evidence import Input, read
from kb.evidence.mentions import named
from kb.evidence.model import Evidence

MAX_SETTINGS, MAX_ERRORS, MAX_SIGNATURE = 40, 5, 200
MAX_CHARS = 200_000  # of one part: a thread's first post with a whole log in it is cut there
_PREFIX = re.compile(r"^.{0,200}?(?=(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|OutOfMemory\w*)\b)")
_VOLATILE = re.compile(
    r"0x[0-9a-f]{4,}|\b\d+(?:\.\d+)? ?(?:[KMGT]i?B|bytes|MiB|GiB)\b|/[\w.-]+/[\w./-]+|\bpid[= ]?\d+|\b\d{4,}\b", re.I
)


@dataclass(slots=True)
class Facts:
    """Facts by kind, and the evidence of the first part, which describes the failure."""

    found: dict[str, dict[str, Field]] = field(default_factory=dict)
    symptom: Evidence = field(default_factory=Evidence)
    secrets: int = 0

    def add(self, kind: str, value: str, span: Span) -> None:
        """Keep the first place of a value."""
        self.found.setdefault(kind, {}).setdefault(value, Field(value, (span,)))

    def fields(self) -> dict[str, tuple[Field, ...]]:
        """All facts as a draft keeps them."""
        return {kind: tuple(values.values()) for kind, values in self.found.items()}


def read_facts(text: str, digest: str, parts: Sequence[tuple[int, int]]) -> Facts:
    """The facts in parts of a text; the first part (the symptom, with the title) also gives signals and errors."""
    facts = Facts()
    first, *rest = parts
    for slices, is_first in (([first], True), (_apart(rest), False)):
        rows = [row for start, end in slices for row in lines(text, start, min(end, start + MAX_CHARS))]
        if rows:
            _read_part(facts, "\n".join(row.text for row in rows), rows, digest, is_first)
    return facts


def _apart(slices: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Slices without those that lie inside another."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(slices, key=lambda s: (s[0], -s[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _read_part(facts: Facts, part: str, rows: Sequence[Piece], digest: str, first: bool) -> None:
    evidence = read([Input("part", part)]).evidence
    facts.secrets += evidence.redactions

    def span(number: int) -> Span:
        row = rows[min(max(number, 1), len(rows)) - 1]
        return Span(digest, row.start, row.end)

    for component, seen in evidence.versions.items():
        facts.add("versions", f"{component} {seen.version}", span(seen.line))
    for kind, names in (("components", evidence.mentions.components), ("models", evidence.mentions.models),
                        ("hardware", evidence.mentions.hardware)):  # fmt: skip
        for name, row in _places(kind, names, rows):
            facts.add(kind, name, Span(digest, row.start, row.end))
    if "=" in part or ":" in part or "--" in part:
        for setting in read_configs([Input("part", part)])[:MAX_SETTINGS]:
            facts.add("settings", f"{setting.kind}: {setting.key} = {setting.value}", span(setting.line))
    if first:
        facts.symptom = evidence
        _failure(facts, evidence, rows, digest)


def _failure(facts: Facts, evidence: Evidence, rows: Sequence[Piece], digest: str) -> None:
    for signal in evidence.signals:
        for number in signal.lines[:1]:
            row = rows[min(number, len(rows)) - 1]
            facts.add("signals", signal.name, Span(digest, row.start, row.end))
    start = evidence.initiating_error
    numbers = ([start.line] if start else []) + [e.line for e in evidence.exceptions if e.role != "teardown"]
    for number in list(dict.fromkeys(numbers))[:MAX_ERRORS]:
        row = rows[min(number, len(rows)) - 1]
        if row.text.strip():
            piece = trimmed(row.text, 0, len(row.text))
            span = Span(digest, row.start + piece.start, row.start + piece.end)
            facts.add("errors", piece.text, span)
    if start:
        _signature(facts, rows[min(start.line, len(rows)) - 1], digest)


def _signature(facts: Facts, row: Piece, digest: str) -> None:
    """A literal that a log of the same failure would show: the error line without prefixes, addresses and sizes."""
    found = _PREFIX.match(row.text)
    at = found.end() if found else 0
    rest = row.text[at:]
    volatile = _VOLATILE.search(rest)
    stop = volatile.start() if volatile and volatile.start() >= 20 else len(rest) if not volatile else 0
    piece = trimmed(rest, 0, min(stop, MAX_SIGNATURE))
    if len(piece.text) >= 12:
        facts.add("signatures", piece.text, Span(digest, row.start + at + piece.start, row.start + at + piece.end))


def _places(kind: str, names: Iterable[str], rows: Sequence[Piece]) -> Iterable[tuple[str, Piece]]:
    """The first line that names each of the names."""
    left = set(names)
    for row in rows:
        if not left:
            return
        for name in named(kind, row.text):
            if name in left:
                yield name, row
                left.discard(name)
