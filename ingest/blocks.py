"""Text → blocks and sentences, each with its offsets. Nothing is reflowed: a block is a slice of the text."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ingest.types import Block
from kb import yamlio

_FENCE = re.compile(r"[ \t>]{0,12}(`{3,}|~{3,})")
_HEADING = re.compile(r"[ \t]{0,3}(#{1,6})[ \t]+(?=\S)")
_BOLD_LINE = re.compile(r"[ \t]{0,3}(?:\*\*|__)[^*_\n]{2,80}(?:\*\*|__)[ \t]*[:：]?[ \t]*$")
_ITEM = re.compile(r"[ \t]{0,12}(?:[-*+•·●]|\d{1,2}[.)、]|[(（]\d{1,2}[)）])[ \t]+\S")
_QUOTE = re.compile(r"[ \t]{0,3}>")
_END = re.compile(
    r"(?<=[。！？；])|(?<=[!?])(?=\s|$)|(?<=[^\s.]\.)(?=\s+[\"'`(\[*]*[A-Z0-9\u4e00-\u9fff@#])"
    r"|(?<=[a-z0-9`)]{3}\.)(?<!etc\.)(?<!incl\.)(?<!approx\.)(?<!resp\.)(?=\s+[a-z])"
    r"|(?<=[:：])(?=\s*$)|(?<=[\u4e00-\u9fff]\.)(?=[\u4e00-\u9fff])"
)
_OPEN_ENDED = re.compile(r"[^\s.!?:;。！？：；]\s*$")
_NEW = re.compile(r"[A-Z][a-z]+ [a-z]")  # begins like a sentence
BOLD_LEVEL, WRAPPED = 6, 55  # the level of a line in bold; a line at least this long may go on in the next


class Piece(NamedTuple):
    """A slice of the text."""

    start: int
    end: int
    text: str


@cache
def table(name: str) -> Any:
    """The rules of `ingest/<name>.yaml`."""
    path = Path(__file__).with_name(f"{name}.yaml")
    return yamlio.load(path.read_text(encoding="utf-8"), path)[0]


@cache
def cue(name: str) -> re.Pattern[str]:
    """One pattern of all rules under a name in cues.yaml."""
    return re.compile("|".join(f"(?:{rule['re']})" for rule in table("cues")[name]), re.IGNORECASE)


def lines(text: str, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """The lines of a slice, without their line feeds."""
    stop = len(text) if end is None else end
    while start < stop:
        cut = text.find("\n", start, stop)
        cut = stop if cut < 0 else cut
        yield Piece(start, cut, text[start:cut])
        start = cut + 1


def blocks(text: str, start: int = 0, end: int | None = None) -> list[Block]:
    """Headings, code with its fences, quotes, lists and paragraphs of a slice, in order."""
    found: list[Block] = []
    fence, kind, level, first, last = "", "", 0, 0, 0

    def close() -> None:
        nonlocal kind
        if kind:
            found.append(Block(kind, first, last, text[first:last], level))  # type: ignore[arg-type]
        kind = ""

    for line in lines(text, start, end):
        mark = _FENCE.match(line.text)
        if fence:
            last = line.end
            if mark and mark[1].startswith(fence) and not line.text.strip(" \t>" + fence[0]):
                fence = ""
                close()
            continue
        if mark:
            close()
            fence, kind, level, first, last = mark[1], "code", 0, line.start, line.end
            continue
        new, new_level = _kind(line.text)
        if new != kind or new in ("heading", ""):
            close()
            kind, level, first = new, new_level, line.start
        last = line.end
    close()
    return found


def _kind(line: str) -> tuple[str, int]:
    if not line.strip():
        return "", 0
    if heading := _HEADING.match(line):
        return "heading", len(heading[1])
    if _BOLD_LINE.match(line):
        return "heading", BOLD_LEVEL
    if _QUOTE.match(line):
        return "quote", 0
    return ("list" if _ITEM.match(line) else "prose"), 0


def columns(line: str) -> int:
    """The width of a line where Chinese characters take two columns."""
    return len(line) + sum(character >= "\u2e80" for character in line)


def sentences(text: str, start: int, end: int) -> list[Piece]:
    """The sentences of a slice of prose; a long line that ends openly goes on in the next."""
    found: list[Piece] = []
    run: list[Piece] = []
    for line in lines(text, start, end):
        goes_on = bool(run) and columns(run[-1].text) >= WRAPPED and _OPEN_ENDED.search(run[-1].text) is not None
        goes_on = goes_on and bool(line.text.strip()) and not (_ITEM.match(line.text) or _NEW.match(line.text))
        if run and not goes_on:
            found += _split(text, run[0].start, run[-1].end)
            run = []
        if line.text.strip():
            run.append(line)
    return found + (_split(text, run[0].start, run[-1].end) if run else [])


def _split(text: str, start: int, end: int) -> list[Piece]:
    cuts = [m.start() for m in _END.finditer(text, start, end) if start < m.start() < end]
    out = []
    for first, last in zip([start, *cuts], [*cuts, end], strict=True):
        piece = trimmed(text, first, last)
        if piece.text:
            out.append(piece)
    return out


def trimmed(text: str, start: int, end: int) -> Piece:
    """The slice without blanks at both ends."""
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    end = max(start, end - (len(part) - len(part.rstrip())))
    return Piece(start, end, text[start:end])


def without_blank_lines(text: str, start: int, end: int) -> Piece:
    """The slice without blank lines at both ends; indentation of the first line stays."""
    part = text[start:end]
    head = len(part) - len(part.lstrip("\n"))
    body = part[head:].rstrip()
    lead = re.match(r"(?:[ \t]*\n)*", body)
    start += head + (lead.end() if lead else 0)
    end = max(start, start + len(body) - (lead.end() if lead else 0))
    return Piece(start, end, text[start:end])
