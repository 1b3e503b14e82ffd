"""Redaction: what must not be stored, sent or shown to a model is replaced by numbered placeholders.

Why not a library's rules: detect-secrets (1.5) and gitleaks look for secrets in source code in order to report them,
and know nothing of addresses, machine and user names. On our labelled lines detect-secrets without its entropy
plugins finds one key in five; with them it marks nearly every error line (figures in evals/LOG.md), because names such
as `pad_token` or `missing keys` and every tensor name look like secrets to it; it takes about a quarter of a
millisecond a line. gitleaks is a Go program. Their lists of prefixes were read as facts and agree with our rules.

How: one union of cheap hints finds suspicious lines at the speed of RE2; only those, joined, go through the rules.
What is found once is then replaced wherever else it stands.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from kb.patterns import Pattern
from kb.redact_rules import RULES


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text with placeholders such as `<key-1>`, the number of replacements, and that number by kind."""

    text: str
    count: int
    kinds: Mapping[str, int]


def redact(text: str) -> Redacted:
    """Redact one text. Never raises; the number of lines stays; time is linear in the length."""
    return Redactor().redact(text)


class Redactor:
    """Redacts the texts of one case: the same secret has the same placeholder in all of them."""

    def __init__(self) -> None:
        self._placeholders: dict[bytes, bytes] = {}
        self._found: dict[bytes, str] = {}
        self._numbers: dict[str, int] = {}

    def redact(self, text: str) -> Redacted:
        """Redact one text, remembering what was found."""
        kinds: dict[str, int] = {}
        data = text.encode("utf-8", "surrogatepass")
        data = self._private_keys(data, kinds)
        data = self._suspicious(data, kinds)
        data = self._repeated(data, kinds)
        if not kinds:
            return Redacted(text, 0, {})
        return Redacted(data.decode("utf-8", "surrogatepass"), sum(kinds.values()), kinds)

    def _placeholder(self, value: bytes, kind: str, kinds: dict[str, int]) -> bytes:
        kinds[kind] = kinds.get(kind, 0) + 1
        if value not in self._placeholders:
            self._numbers[kind] = self._numbers.get(kind, 0) + 1
            self._found[value] = kind
            self._placeholders[value] = b"<%s-%d>" % (kind.encode(), self._numbers[kind])
        return self._placeholders[value]

    def _suspicious(self, data: bytes, kinds: dict[str, int]) -> bytes:
        spans = list(_hinted_lines(data))
        if not spans:
            return data
        joined = b"\n".join(data[start:end] for start, end in spans)
        for rule in _compiled().rules:
            joined = self._apply(rule, joined, kinds)
        if not kinds:
            return data
        return _put_back(data, spans, joined.split(b"\n"))

    def _apply(self, rule: "_Rule", data: bytes, kinds: dict[str, int]) -> bytes:
        pieces: list[bytes] = []
        done = position = 0
        while (spans := rule.pattern.spans(data, position)) is not None:
            for kind, (start, end) in sorted(zip(rule.kinds, spans[1:], strict=True), key=lambda group: group[1]):
                value = data[start:end]
                if start < done or _kept(value, rule):
                    continue
                pieces += data[done:start], self._placeholder(value, kind, kinds)
                done = end
            last = max(
                (end for _, end in spans[1:]), default=-1
            )  # what follows the last group may begin the next match
            position = last if last > position else max(spans[0][1], position + 1)
        return b"".join([*pieces, data[done:]]) if pieces else data

    def _private_keys(self, data: bytes, kinds: dict[str, int]) -> bytes:
        if b"PRIVATE KEY" not in data:
            return data
        data = _PEM_INLINE.sub(lambda m: m[1] + self._placeholder(m[2], "private-key", kinds) + m[3], data)
        lines = data.split(b"\n")
        for body in _pem_bodies(lines):
            mark = self._placeholder(b"\n".join(lines[at] for at in body), "private-key", kinds)
            for at in body:
                lines[at] = _PRINTABLE.sub(mark, lines[at])
        return b"\n".join(lines)

    def _repeated(self, data: bytes, kinds: dict[str, int]) -> bytes:
        """What was recognised once is a secret wherever it stands; a user name only as a folder."""
        wanted = [(value, kind) for value, kind in self._found.items() if _distinctive(value, kind)]
        for value, kind in wanted[:_MAX_REPEATED]:
            if value not in data:
                continue
            edge = rb"(?<=/)%s(?![\w.-])" if kind == "user" else rb"(?<![\w<-])%s(?![\w-])"
            data, times = re.subn(edge % re.escape(value), self._placeholders[value], data)
            if times:
                kinds[kind] = kinds.get(kind, 0) + times
        return data


_PLACEHOLDER = re.compile(rb"<[a-z]+(?:-[a-z]+)?-\d+>")
_MAX_REPEATED = 100  # values looked for again, so that time stays linear
_LEAST_LENGTH = {"user": 3, "key": 12, "token": 12, "password": 8, "host": 5}
_NO_FOLDER_OF_A_USER = re.compile(
    rb"(?i)qwen.*|llm|torch.*|train.*|test.*|ai|gpt|llama.*|dev|lib|bin|src|python.*|cuda.*"
)


def _distinctive(value: bytes, kind: str) -> bool:
    if len(value) < _LEAST_LENGTH.get(kind, 1 << 30):
        return False
    if kind == "user":
        return not _NO_FOLDER_OF_A_USER.fullmatch(value)
    return any(48 <= byte < 58 for byte in value)


# --- the rules, compiled when first needed ---------------------------------


class _Rule(NamedTuple):
    pattern: Pattern
    kinds: tuple[str, ...]
    keep: Pattern | None


@dataclass(frozen=True)
class _Compiled:
    rules: tuple[_Rule, ...] = field(default=())
    hint: Pattern = field(default_factory=lambda: Pattern("|".join(f"(?:{rule.hint})" for rule in RULES)))


@lru_cache(1)
def _compiled() -> _Compiled:
    rules = []
    for rule in RULES:
        pattern = Pattern(rule.pattern)
        kinds = tuple(name.rstrip("0123456789") for name in pattern.names)
        rules.append(_Rule(pattern, kinds, Pattern(f"(?i:{rule.keep})") if rule.keep else None))
    return _Compiled(tuple(rules))


def _kept(value: bytes, rule: _Rule) -> bool:
    """Placeholders, what the rule keeps, and anything that holds a line separator stay."""
    if not value or value.startswith(b"<") or (rule.keep and rule.keep.full(value)):
        return True
    if b"<" in value and _PLACEHOLDER.search(value):
        return True
    return len(f"-{value.decode('utf-8', 'replace')}-".splitlines()) > 1


def _hinted_lines(data: bytes) -> Iterator[tuple[int, int]]:
    """The spans of lines with a hint."""
    search, position = _compiled().hint.search, 0
    while (found := search(data, position)) is not None:
        start = data.rfind(b"\n", position, found[0]) + 1 or position
        end = data.find(b"\n", found[0])
        yield start, end if end >= 0 else len(data)
        if end < 0:
            return
        position = end + 1


def _put_back(data: bytes, spans: list[tuple[int, int]], lines: list[bytes]) -> bytes:
    pieces: list[bytes] = []
    done = 0
    for (start, end), line in zip(spans, lines, strict=True):
        pieces += data[done:start], line
        done = end
    return b"".join([*pieces, data[done:]])


# --- private keys, the one secret of several lines -------------------------

_PEM_INLINE = re.compile(
    rb"(-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----)([ -~]*?[A-Za-z0-9+/=]{16}[ -~]*?)(-----END|[\"']|\r|\n|$)"
)
_PEM_BEGIN = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[^!-~]*$")
_PEM_END = re.compile(rb"-----END [A-Z ]*PRIVATE KEY")
_PEM_BODY = re.compile(
    rb"[\s>|+\"'0-9:-]*(?:[A-Za-z0-9+/]{1,90}={0,2}|(?:Proc-Type|DEK-Info|Version|Comment):[ -~]*)?[\s\"',+\\]*$"
)
_PRINTABLE = re.compile(rb"[!-~](?:[ -~]*[!-~])?")
_PEM_LINES = 200  # a 16384-bit RSA key has about 200 lines of 64 characters


def _pem_bodies(lines: list[bytes]) -> Iterator[list[int]]:
    """The numbers of the lines between BEGIN and END, or as far as they look like a key where one mark is cut off."""
    open_at = -1
    for at, line in enumerate(lines):
        if _PEM_END.search(line):
            start = open_at if open_at >= 0 else _first_body_line(lines, at)
            yield from _some(range(start + 1 if open_at >= 0 else start, at), lines)
            open_at = -1
        elif open_at >= 0 and (at - open_at > _PEM_LINES or _PEM_BEGIN.search(line)):
            yield from _cut_off(open_at, lines)
            open_at = -1
        if _PEM_BEGIN.search(line):
            open_at = at
    if open_at >= 0:
        yield from _cut_off(open_at, lines)


def _first_body_line(lines: list[bytes], end: int) -> int:
    first = end
    while first > max(0, end - _PEM_LINES) and len(lines[first - 1].strip()) > 20 and _PEM_BODY.match(lines[first - 1]):
        first -= 1
    return first


def _cut_off(begin: int, lines: list[bytes]) -> Iterator[list[int]]:
    last = begin + 1
    while last < len(lines) and _PEM_BODY.match(lines[last]):
        last += 1
    yield from _some(range(begin + 1, last), lines)


def _some(numbers: range, lines: list[bytes]) -> Iterator[list[int]]:
    body = [at for at in numbers if lines[at].strip() and not lines[at].strip().startswith(b"<private-key-")]
    if body:
        yield body
