"""Prose → sentences with what each does: says what fixed it, advises, confirms, denies, asks, names the cause."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.blocks import blocks, cue, lines, sentences, trimmed
from ingest.headings import heading_name
from ingest.types import SectionName

_CLAUSE = re.compile(r"[,，;；]|\bbut\b|\bhowever\b|不过|但是?", re.IGNORECASE)
_SOLVED = re.compile(r"解决了|可以了|好了|\b(?:solved|fixed|resolved)\b|works now|that works", re.IGNORECASE)
NOTHING = -9.0  # the log-odds of what was not weighed
MAX_SENTENCE = 1500  # characters: what is longer is a log or a data dump


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence or a block of code in order; `does` holds the names of the cues that it carries."""

    start: int
    end: int
    text: str
    code: bool
    section: SectionName | None  # of the heading it stands under, None without one
    does: frozenset[str]
    opens: bool = False  # ends with a colon: what follows belongs to it
    item: bool = False
    seen: float = NOTHING  # log-odds, in its place, that it tells what was seen, the cause, a remedy
    why: float = NOTHING
    how: float = NOTHING

    def __contains__(self, name: str) -> bool:
        return name in self.does


_CUES = tuple(
    "fixed advice changed foreseen confirms denies asks caused because unsure fails acted tries command".split()
)


@lru_cache(4096)
def _known(text: str) -> frozenset[str]:
    return frozenset(name for name in _CUES if cue(name).search(text))


def said(text: str, start: int, end: int) -> list[Said]:
    """The sentences and code blocks of a slice; quotes, headings and what forms put in are left out."""
    return list(_said(text, start, end))


def _said(text: str, start: int, end: int) -> Iterator[Said]:
    section: SectionName | None = None
    for block in blocks(text, start, end):
        if block.kind == "heading":
            section = heading_name(block.text, marked=True) or ""
        elif block.kind == "code":
            yield Said(block.start, block.end, block.text, True, section, frozenset())
        elif block.kind != "quote":
            for piece in sentences(text, block.start, block.end):
                if is_boilerplate(piece.text):
                    continue
                yield Said(
                    piece.start, piece.end, piece.text, False, section, does(piece.text),
                    piece.text.rstrip().endswith((":", "：")), block.kind == "list",
                )  # fmt: skip


def does(sentence: str) -> frozenset[str]:
    """The cues of a sentence; one that asks or denies neither advises nor confirms."""
    if len(sentence) > MAX_SENTENCE:
        return frozenset()
    found = set(_known(sentence))
    if "asks" in found and not _settled(sentence):
        found -= {"fixed", "confirms", "advice", "caused", "because"}
    elif "asks" in found:
        found.discard("asks")
    if "denies" in found and _first_solved(sentence):
        found.discard("denies")  # "solved, but another thing still fails"
    if "denies" in found:
        found -= {"fixed", "confirms"}
    if found & {"changed", "foreseen"}:  # not yet seen to work by the one who writes it
        found = (found - {"confirms", "fixed"}) | {"advice"}
    return frozenset(found)


def _first_solved(sentence: str) -> bool:
    """Whether the clause before a comma or a but says that it is solved, and denies nothing."""
    clauses = [c for c in _CLAUSE.split(sentence) if len(c.strip()) > 1]
    first = [c for c in clauses[:2] if _SOLVED.search(c) and not cue("denies").search(c)]
    return len(clauses) > 1 and bool(first)


def _settled(sentence: str) -> bool:
    """Whether a sentence that looks like a question still states a success or an advice ("same here, X fixed it")."""
    return not sentence.rstrip().endswith(("?", "？", "吗", "呢")) and bool(cue("fixed").search(sentence))


def is_boilerplate(sentence: str) -> bool:
    """Whether a form or a greeting says it."""
    return cue("boilerplate").match(sentence.strip()) is not None


def runs(text: str, chosen: Sequence[Said], every: Sequence[Said]) -> list[tuple[int, int]]:
    """Slices that cover the chosen parts, neighbours joined so that what stands between them is only blanks."""
    order = {s.start: i for i, s in enumerate(every)}
    out: list[tuple[int, int]] = []
    last = -2
    for part in sorted(chosen, key=lambda s: s.start):
        at = order[part.start]
        blank = bool(out) and not text[out[-1][1] : part.start].strip(" \t\n*_`-+>•·0123456789.)")
        if out and at == last + 1 and blank:
            out[-1] = (out[-1][0], part.end)
        else:
            out.append((_with_mark(text, part), part.end))
        last = at
    return out


def _with_mark(text: str, part: Said) -> int:
    """The start of a list item with its mark; of anything else its own."""
    return part.start


def error_lines(text: str, start: int, end: int, around: int, most: int) -> tuple[int, int]:
    """The lines of a long block of code that hold its last failure, and those before it."""
    rows = list(lines(text, start, end))
    if len(rows) <= most:
        return start, end
    wrong = [i for i, row in enumerate(rows) if re.search(r"\b\w*(?:Error|Exception)\b|error:|Killed|fault", row.text)]
    at = wrong[-1] if wrong else len(rows) - 1
    first = max(0, at - around)
    last = min(len(rows) - 1, at + 3)
    piece = trimmed(text, rows[first].start, rows[last].end)
    return rows[first].start, piece.end
