"""Raw pages → Page: the article without the site around it. Pure: text in, data out."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kb import yamlio
from kb.errors import InputError

_RULES = Path(__file__).with_name("rules.yaml")
MAX_BYTES = 5_000_000
MAX_HEADING = 40  # characters of a line that may be a heading


@cache
def rules() -> Mapping[str, Any]:
    """The layout rules of rules.yaml."""
    return yamlio.load(_RULES.read_text(encoding="utf-8"), _RULES)[0]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of the raw page, 1-based, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the article under one heading; `name` is ours, or "" for text before any heading."""

    name: str
    heading: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Page:
    """An article: the digest is of its content alone, since sites repost a page under other dates."""

    name: str
    title: str
    author: str | None
    date: str | None
    sections: tuple[Section, ...]
    digest: str

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((s for s in self.sections if s.name == name), None)


def read_page(raw: bytes, name: str) -> Page:
    """The article in a saved text page. Raises InputError for what is empty, huge or not text."""
    if len(raw) > MAX_BYTES:
        raise InputError(f"{name}: {len(raw)} bytes; a page has at most {MAX_BYTES}")
    if b"\0" in raw:
        raise InputError(f"{name}: binary, not a text page")
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start})") from error
    lines = _article(lines)
    if not any(line.strip() for line in lines):
        raise InputError(f"{name}: no article in it")
    byline = next((m for line in lines[:4] if (m := re.match(rules()["byline"], line.strip()))), None)
    start = 1 + (1 if byline else 0)
    sections = _sections(lines, start)
    content = "\n".join(s.text for s in sections)
    return Page(
        name=name,
        title=lines[0].strip(),
        author=byline["author"] if byline else None,
        date=byline["date"] if byline else None,
        sections=sections,
        digest=hashlib.sha256(content.encode()).hexdigest()[:16],
    )


def _article(lines: list[str]) -> list[str]:
    ends = tuple(rule["text"] for rule in rules()["ends"])
    cut = next((i for i, line in enumerate(lines) if line.strip().startswith(ends)), len(lines))
    return lines[:cut]


def _sections(lines: list[str], start: int) -> tuple[Section, ...]:
    """The lines from index `start` on, cut at headings."""
    found: list[Section] = []
    name, heading, first = "", "", start

    def close(end: int) -> None:
        text = "\n".join(lines[first:end]).strip("\n")
        if text.strip():
            found.append(Section(name, heading, text, Span(first + 1, end)))

    for index in range(start, len(lines)):
        section = heading_name(lines[index])
        if section:
            close(index)
            name, heading, first = section, lines[index].strip(), index + 1
    close(len(lines))
    return tuple(found)


def heading_name(line: str) -> str | None:
    """The section that a heading line opens, or None where the line is no heading."""
    words = re.sub(r"^[#\s]+|[\s:\uff1a]+$", "", line)
    if len(words) > MAX_HEADING:
        return None
    for name, headings in rules()["headings"].items():
        if words.lower() in (h.lower() for h in headings):
            return str(name)
    return None
