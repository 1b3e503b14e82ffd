"""Any bytes → raw lines, with what had to be replaced or cut.

Lines end at a line feed and keep their number; carriage returns (progress bars) split a line into pieces that share it.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kb.evidence.clean import MAX_LINE
from kb.evidence.model import Skipped

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_GB_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_NON_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass
class Notes:
    """What reading one input could not keep."""

    encoding: str = "utf-8"
    replaced: int = 0  # characters
    nuls: int = 0
    cut: int = 0  # lines longer than MAX_LINE
    parts: set[str] = field(default_factory=set)

    def skipped(self, name: str) -> list[Skipped]:
        """One entry for each kind of loss, naming the input."""
        out = []
        if self.encoding not in ("utf-8", "utf-8-sig"):
            out.append(Skipped(check=f"encoding of {name}", why=f"read as {self.encoding}"))
        if self.replaced:
            out.append(Skipped(check=f"encoding of {name}", why=f"{self.replaced} undecodable bytes replaced"))
        if self.nuls:
            out.append(Skipped(check=f"bytes of {name}", why=f"{self.nuls} NUL bytes removed"))
        if self.cut:
            why = f"{self.cut} lines read in parts of {MAX_LINE} characters"
            out.append(Skipped(check=f"long lines of {name}", why=why))
        out.extend(Skipped(check=f"content of {name}", why=why) for why in sorted(self.parts))
        return out


def sniff(head: bytes) -> str:
    """The encoding of a text that begins with `head`: utf-8, utf-16 …, gb18030."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    sample = head[:4096]
    if len(sample) >= 4:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        half = len(sample) // 2
        if odd > 0.4 * half and even < 0.05 * half:
            return "utf-16-le"
        if even > 0.4 * half and odd < 0.05 * half:
            return "utf-16-be"
    return "utf-8"


def to_text(data: bytes, notes: Notes) -> str:
    """Decode bytes whose encoding may be broken or mixed; never raises."""
    notes.encoding = sniff(data)
    if notes.encoding not in ("utf-8", "utf-8-sig"):
        text = data.decode(notes.encoding, "replace")
        notes.replaced += text.count("\ufffd")
        return text
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return mixed(data, notes)


def mixed(data: bytes, notes: Notes) -> str:
    """Decode line by line: UTF-8, else GBK where all foreign bytes are GB 2312 pairs, else with replacement."""
    return "\n".join(_one(line, notes) for line in data.split(b"\n"))


def _one(line: bytes, notes: Notes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if not _NON_ASCII.search(_GB_PAIR.sub(b"", line)):
        notes.encoding = "gb18030"
        return line.decode("gb18030", "replace")
    text = line.decode("utf-8", "replace")
    notes.replaced += text.count("\ufffd")
    return text


def raw_lines(text: str, notes: Notes, first: int = 1) -> Iterator[tuple[int, str]]:
    """Number and text of every line, pieces of one progress bar line apart; NULs removed, long ones cut."""
    if "\x00" in text:
        notes.nuls += text.count("\x00")
        text = text.replace("\x00", "")
    for number, line in enumerate(text.split("\n"), first):
        for piece in pieces(line):
            if len(piece) <= MAX_LINE:
                yield number, piece
                continue
            notes.cut += 1
            for part in parted(piece):
                yield number, part


def parted(text: str) -> Iterator[str]:
    """A very long line in parts of at most MAX_LINE characters, cut where an object or a word ends."""
    start = 0
    while len(text) - start > MAX_LINE:
        end = max(text.rfind("}", start, start + MAX_LINE), text.rfind(" ", start, start + MAX_LINE)) + 1
        end = end if end > start else start + MAX_LINE
        yield text[start:end]
        start = end
    yield text[start:]


def pieces(line: str) -> list[str]:
    """The parts of a line that a terminal would have shown one after the other, empty ones left out."""
    if "\r" not in line:
        return [line]
    kept = [piece for piece in line.split("\r") if piece.strip()]
    return kept or [""]
