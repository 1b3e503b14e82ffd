"""Large inputs → the lines worth reading: every byte is looked at by one RE2 pattern, memory stays flat.

The pattern is the union of what the readers look for, made from the same data files, so that a line they would read
is never passed over. The beginning and the end of an input are read in full: people write there.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from kb.evidence.clean import MAX_LINE
from kb.evidence.decode import Notes, mixed, sniff
from kb.evidence.metrics import names
from kb.patterns import Pattern
from kb.vocabulary import table

BLOCK = 1 << 20
LARGE = 384 << 10  # bytes from which an input is scanned
HEAD, TAIL = 64 << 10, 16 << 10  # bytes read in full at either end
MAX_REPEATS, MAX_KNOWN = 60, 20_000  # lines alike that are read; how many are remembered for that
_DIGITS = re.compile(rb"\d+")

_GAP = re.compile(r"(?<!\\)\.\{\d*,\d*\}\??")
_COUNTED = re.compile(r"(\[[^\]]*\]|\\[Swd])\{\d+,\d*\}\??")
_ANCHOR = re.compile(r"(?<![\\\[])\^|(?<!\\)\$")
_GENERAL = (
    r"Traceback \(most",
    r"\b[A-Z]\w*(?:Error|Exception|Interrupt|Timeout|NotFound|Died|Closed|Refused)\b(?:\(\w+\))?(?::| *$)",
    r"\bERROR\b|\bCRITICAL\b|\bFATAL\b|\bE\d{4} \d\d:\d\d:|During handling of the above|was the direct cause of",
    r"OVERFLOW!|already at minimum|reducing to|Grad overflow",
    r"[\"'](?:step|epoch|eval_runtime)[\"']: ?['\"]?[\d.]+",
)
_LINE_END = re.compile(rb"[\r\n]")


@cache
def trigger() -> Pattern:
    """What a line must hold to be read."""
    signals = [p for entry in table("log_signals").values() for p in entry["re"]]
    failures = [rule["re"] for rule in table("error_lines")["lines"]]
    spelled = "|".join(sorted(map(re.escape, names().principal_spellings), key=len, reverse=True))
    number = r"['\"]?[ \t]{0,12}[:=]?[ \t]{0,12}\[{0,2}['\"]?(?:[a-z]+[.\w]*\()?[-+]?(?:\d|nan\b|inf|\.\d)"
    insensitive = [_loose(p) for p in signals] + [rf"(?:{spelled}){number}", r"(?:step|iter\w*)[^\w\n].{0,20}\bloss\b"]
    sensitive = [_loose(p) for p in failures] + list(_GENERAL)
    return Pattern("(?m)(?i:" + "|".join(insensitive) + ")|" + "|".join(sensitive))


def _loose(pattern: str) -> str:
    """A wider pattern that needs fewer states: any gap for a bounded one, anywhere for anchored, within one line."""
    wider = _ANCHOR.sub("", _COUNTED.sub(r"\1+", _GAP.sub(".*", pattern)))
    return wider.replace("[^", "[^\n").replace(r"\s", r"[ \t]").replace(r"\D", r"[^\d\n]")


def size_of(text: str | bytes | Path) -> int:
    """Bytes of an input (characters of a str, which is the same order)."""
    return text.stat().st_size if isinstance(text, Path) else len(text)


def scan(text: str | bytes | Path, notes: Notes, take: Callable[[bytes, int], bytes]) -> Iterator[tuple[int, bytes]]:
    """Line number and raw UTF-8 text of the lines worth reading, in order, pieces of progress bars apart.

    `take` is given every block and the number of its first line, and returns it without what it has read.
    """
    total, at, number = size_of(text), 0, 1
    known: dict[int, int] = {}
    for block in _cut(_utf8(_blocks(text), notes), notes):
        for part, whole in _ends(block, at, total):
            left = take(part, number) if at else part
            yield from _whole(left, number) if whole else _triggered(left, number, known)
            number += part.count(b"\n")
        at += len(block)


def _ends(block: bytes, at: int, total: int) -> Iterator[tuple[bytes, bool]]:
    """The parts of a block, and whether each belongs to an end of the input."""
    if at < HEAD:
        yield block, True
        return
    keep = len(block) - max(0, at + len(block) - (total - TAIL))
    border = len(block)
    if keep < len(block):
        border = max(block.rfind(b"\n", 0, max(keep, 0)), block.rfind(b"\r", 0, max(keep, 0))) + 1
    yield block[:border], False
    yield block[border:], True


def _blocks(text: str | bytes | Path) -> Iterator[bytes]:
    """The input in blocks; the first is small, for it is read in full."""
    if isinstance(text, Path):
        with text.open("rb") as file:
            yield file.read(HEAD)
            while block := file.read(BLOCK):
                yield block
        return
    starts = [0, *range(HEAD, len(text), BLOCK)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        yield part.encode("utf-8", "replace") if isinstance(part, str) else part


def _utf8(blocks: Iterable[bytes], notes: Notes) -> Iterator[bytes]:
    """The same text as UTF-8, without NULs."""
    decoder: codecs.IncrementalDecoder | None = None
    for index, block in enumerate(blocks):
        if index == 0:
            notes.encoding = sniff(block)
            if notes.encoding not in ("utf-8", "utf-8-sig"):
                decoder = codecs.getincrementaldecoder(notes.encoding)("replace")
            block = block.removeprefix(codecs.BOM_UTF8)
        if decoder is not None:
            text = decoder.decode(block)
            notes.replaced += text.count("\ufffd")
            block = text.encode("utf-8", "replace")
        nuls = block.count(0)
        if nuls:
            notes.nuls += nuls
            block = block.replace(b"\x00", b"")
        yield block


def _cut(blocks: Iterable[bytes], notes: Notes) -> Iterator[bytes]:
    """Blocks that end where a line ends, no line longer than MAX_LINE: longer ones are broken by carriage returns."""
    rest = b""
    for block in blocks:
        block = _broken(rest + block, notes)
        end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        yield _valid(block[:end], notes)
        rest = block[end:]
    yield _valid(rest, notes)


def _broken(block: bytes, notes: Notes) -> bytes:
    """Break lines that go on for more than MAX_LINE bytes where an object or a word ends."""
    out, start = [], 0
    for at in range(0, len(block) - MAX_LINE, MAX_LINE):
        if block.find(b"\n", at, at + MAX_LINE) < 0 and block.find(b"\r", at, at + MAX_LINE) < 0:
            end = max(block.rfind(b"}", at, at + MAX_LINE), block.rfind(b" ", at, at + MAX_LINE)) + 1 or at + MAX_LINE
            out.append(block[start:end])
            start = end
    if not out:
        return block
    notes.parts.add(f"lines longer than {MAX_LINE} bytes were read in parts")
    return b"\r".join([*out, block[start:]])


def _valid(block: bytes, notes: Notes) -> bytes:
    if block.isascii():
        return block
    try:
        block.decode("utf-8")
        return block
    except UnicodeDecodeError:
        return mixed(block, notes).encode()


def _whole(block: bytes, number: int) -> Iterator[tuple[int, bytes]]:
    for offset, line in enumerate(block.split(b"\n")):
        for piece in line.split(b"\r"):
            for start in range(0, len(piece), MAX_LINE):
                yield number + offset, piece[start : start + MAX_LINE]


def _triggered(block: bytes, number: int, known: dict[int, int]) -> Iterator[tuple[int, bytes]]:
    """The lines of a block that hold a trigger, and the exception line that ends a traceback."""
    pattern, last, seen_to = trigger(), 0, 0
    lines = block.replace(b"\r", b"\n")  # so that no pattern looks beyond the piece of a progress bar
    while (match := pattern.search(lines, seen_to)) is not None:
        start = match[0]
        begin = max(block.rfind(b"\n", seen_to, start), block.rfind(b"\r", seen_to, start)) + 1 or seen_to
        found = _LINE_END.search(block, start)
        seen_to = found.start() if found else len(block)
        number += block.count(b"\n", last, begin)
        last = begin
        line = block[begin:seen_to]
        if not _repeated(line, known):
            yield number, line
        if b"Traceback (most" in line:
            end = _past_frames(block, seen_to, line[: line.index(b"Traceback (most")])
            closing = _LINE_END.search(block, end)
            stop = closing.start() if closing else len(block)
            number += block.count(b"\n", last, end)
            last, seen_to = end, stop
            if not _repeated(block[end:stop], known):
                yield number, block[end:stop]


def _past_frames(block: bytes, at: int, prefix: bytes) -> int:
    """Where the first line after the frames of a traceback begins; lines of the frames are indented."""
    indented = prefix + b" "
    at += 1
    while block.startswith(indented, at):
        end = block.find(b"\n", at)
        if end < 0:
            return len(block)
        at = end + 1
    return min(at, len(block))


def _repeated(line: bytes, known: dict[int, int]) -> bool:
    """Whether the same line, but for its digits, was read MAX_REPEATS times; rows of numbers are never left out."""
    if b"loss" in line:
        return False
    key = hash(_DIGITS.sub(b"", line))
    count = known.get(key, 0)
    if count or len(known) < MAX_KNOWN:
        known[key] = count + 1
    return count >= MAX_REPEATS
