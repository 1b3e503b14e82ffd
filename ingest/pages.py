"""The text of a page → Page: title, byline and the sections of the article, without the site around it. Pure."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ingest.blocks import Piece, blocks, lines, table, trimmed, without_blank_lines
from ingest.headings import heading_name
from ingest.labels import labelled
from ingest.types import Block, Page, Section, SectionName, SourceFormat
from kb.errors import InputError

TOP = 40  # lines at the top among which title and byline are looked for
EARLY, LONG = 0.5, 30  # what ends an article does not end it before half of the text in lines this long
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a format says of a page beside its text; the title only where the format has a place for it."""

    title: str | None = None
    author: str | None = None
    date: str | None = None
    url: str | None = None


@cache
def _one_of(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{rule['re']})" for rule in table("layouts")[name]), re.IGNORECASE)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(table("layouts")[name], re.IGNORECASE if name != "byline" else 0)


def is_site(line: str) -> bool:
    """Whether a line belongs to the site wherever it stands: a button, a count, a label."""
    words = line.strip().strip("|*_[]()")
    return bool(_one_of("drops").fullmatch(words)) if len(words) <= 120 else False


def ends_article(line: str) -> bool:
    """Whether a line opens what sites put below an article."""
    words = line.strip().lstrip("#*_> ").rstrip("*_ ")
    return len(words) <= 160 and _one_of("ends").match(words) is not None


def clean_title(title: str) -> str:
    """A title without what the site appended to it."""
    title = _SPACE.sub(" ", title).strip()
    shorter = _pattern("title_tags").sub("", title)
    return _pattern("title_tails").sub("", shorter).strip() or title


def read_page(text: str, source: str, form: SourceFormat, known: Metadata | None = None) -> Page:
    """The article in a text. Raises InputError where there is none."""
    known = known or Metadata()
    rows = list(lines(text))
    fenced = _in_code(text)
    rows = rows[: _end(rows, fenced)]
    head = _head(rows, known, text)
    if head is None:
        raise InputError(f"{source}: no article in it")
    title, title_at, body, author, date = head
    kept = [r for r in rows[body:] if r.start in fenced or not (is_site(r.text) or ends_article(r.text))]
    sections = _sections(text, kept, marked=form in ("html", "markdown"))
    if not any(s.text.strip() for s in sections):
        raise InputError(f"{source}: no article in it: only a title")
    content = "\n".join(_SPACE.sub(" ", f"{s.heading} {s.text}") for s in sections)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Page(source, form, text, title, title_at, sections, digest, known.url, author, date)


def _in_code(text: str) -> set[int]:
    """Offsets of the lines inside code: never judged as navigation."""
    return {line.start for b in blocks(text) if b.kind == "code" for line in lines(text, b.start, b.end)}


def _end(rows: Sequence[Piece], fenced: set[int]) -> int:
    """The index of the first line below the article: most of the long lines stand above it."""
    early = _share_at(rows, EARLY)
    wall = re.compile(table("layouts")["ends"][0]["re"])
    for i, row in enumerate(rows):
        if row.start in fenced or not row.text.strip():
            continue
        if wall.match(row.text.strip()) or (i >= max(early, 3) and ends_article(row.text)):
            return i
    return len(rows)


def _share_at(rows: Sequence[Piece], share: float) -> int:
    """The index of the line at which that share of the text in long lines has been read."""
    sizes = [len(row.text) if len(row.text) >= LONG else 0 for row in rows]
    read, whole = 0, sum(sizes)
    for i, size in enumerate(sizes):
        read += size
        if read >= share * whole:
            return i
    return 0


_Head = tuple[str, tuple[int, int], int, str | None, str | None]


def _head(rows: Sequence[Piece], known: Metadata, text: str) -> _Head | None:
    """Title, its place, the index of the first line of the article, author and date."""
    author, date = known.author, known.date
    byline = None
    for i, row in enumerate(rows[:TOP]):
        found = _pattern("byline").match(row.text.strip()) or _pattern("byline_words").match(row.text.strip())
        if found and row.text.strip():
            byline, author, date = i, author or found["author"], date or found["date"]
            break
    at = _title_row(rows, known.title, byline)
    if at is None:
        return None
    row = trimmed(text, rows[at].start, rows[at].end)
    mark = len(row.text) - len(re.sub(r"^#{1,6}\s+|^(?:title|标题)[:：]\s*", "", row.text, flags=re.IGNORECASE))
    title = clean_title(row.text[mark:])
    start = row.start + mark + max(row.text[mark:].find(title), 0)
    body = byline + 1 if byline is not None and byline <= at + 6 and byline > at else at + 1
    return title, (start, start + len(title)), body, author, date


def _title_row(rows: Sequence[Piece], title: str | None, byline: int | None) -> int | None:
    """The line of the title: what the format names, else the one above the byline, a marked one, or the first."""
    head = [(i, row.text.strip()) for i, row in enumerate(rows[:TOP]) if row.text.strip()]
    if title:
        same = [i for i, line in head if _same(line, title)]
        if same:
            return same[-1] if byline is None else max([i for i in same if i < byline] or same)
    usable = [i for i, line in head if not is_site(line) and not _pattern("byline").match(line)]
    if byline is not None and (above := [i for i in usable if i < byline]):
        return above[-1]
    marked = [i for i, line in head if line.startswith("# ")]
    return next(iter(marked or usable), None)


def _same(line: str, title: str) -> bool:
    words, other = (_SPACE.sub(" ", re.sub(r"^#{1,6}\s+", "", t)).strip().lower() for t in (line, title))
    return words == other or clean_title(words) == clean_title(other)


def _sections(text: str, rows: Sequence[Piece], marked: bool) -> tuple[Section, ...]:
    """The lines cut at headings. A heading of a lower level, or of the same part, stays inside its section."""
    if not rows:
        return ()
    found: list[Section] = []
    kept = {row.start for row in rows}
    name: SectionName = ""
    heading, level, start, end = "", 99, rows[0].start, rows[0].start

    def close(stop: int) -> None:
        found.extend(_parts(text, kept, name, heading, start, stop))

    for block in blocks(text, rows[0].start, rows[-1].end):
        if block.kind in ("code", "quote"):
            continue
        for row, depth in _heading_rows(text, block, kept):
            if label := labelled(row):
                close(row.start)
                found.append(label)
                name, heading, level, start = (
                    ("", "", 99, row.end + 1) if "|" in row.text else (label.name, label.heading, depth, row.end + 1)
                )
                continue
            new = heading_name(row.text, marked=depth < 99)
            inside = new == name or (new is None and (depth > level or depth == 99))
            if (new is None and depth == 99) or (inside and heading):
                continue
            if new is not None and depth > level and depth < 99 and name in ("fix", "prevention", "aside", "analysis"):
                continue  # the details of a fix have their own "Cause", "Check" …
            close(row.start)
            name, heading, level, start = new or "", row.text.strip(), depth, row.end + 1
    end = rows[-1].end
    close(end)
    return tuple(found)


def _heading_rows(text: str, block: Block, kept: set[int]) -> list[tuple[Piece, int]]:
    """Lines that may be headings, with their level: marked ones, and in plain text every short line (level 99)."""
    if block.kind == "heading":
        line = Piece(block.start, block.end, block.text)
        return [(line, block.level)] if line.start in kept else []
    return [(line, 99) for line in lines(text, block.start, block.end) if line.start in kept]


def _parts(text: str, kept: set[int], name: SectionName, heading: str, start: int, end: int) -> list[Section]:
    """The kept runs of lines of one section; what was dropped between them splits it."""
    runs: list[list[Piece]] = [[]]
    for line in lines(text, start, end):
        if line.start in kept or not line.text.strip():
            runs[-1].append(line)
        elif runs[-1]:
            runs.append([])
    out = []
    for run in runs:
        if run:
            piece = without_blank_lines(text, run[0].start, run[-1].end)
            if piece.text.strip():
                out.append(Section(name, heading, piece.start, piece.end, piece.text))
    return out
