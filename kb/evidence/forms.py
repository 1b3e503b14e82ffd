"""What of a report is about the problem: without the form it was filed in, environment listings and courtesies.

Trackers make people fill in forms; the form's words outnumber the report's and speak for other incidents. What is set
aside is left out of prose and search only: versions, signals, signatures and errors are read from every line.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache

from kb.evidence import chatter
from kb.evidence.language import function_words, half_width, han
from kb.evidence.model import Line, Reading
from kb.evidence.prose import addresses, is_prose
from kb.vocabulary import table

REPORT = "report"
MIN_LEFT = 4  # characters: where less would remain, nothing is set aside
MIN_BLOCK = 2  # labelled lines of a person's own listing that stand together
LONG_HAN, LONG_WORDS = 12, 4  # Chinese characters or small words with which a sentence ends an environment's section
LONG_RUN, NEAR = 10, 3  # lines of healthy output or code set aside, and those kept before a failure

_FENCE = re.compile(r"\s*(?:```|~~~)")
_TITLE = re.compile(
    r"\s*(?:#{1,6}\s*(?P<hash>\S.*?)[\s#]*|\*\*(?P<bold>[^*]{2,90})\*\*:?|【(?P<box>[^】]{2,30})】:?)\s*$"
)
_LABEL = re.compile(r"\s*(?:[一二三四五六]、|\d[.、)])?\s*(?P<label>[^\s:][^:。,.]{1,38}?)\s*:\s*$")
_TWO_LANGUAGES = re.compile(r"\s[|/]\s|(?<=[\u4e00-\u9fff])[|/]|[|/](?=[\u4e00-\u9fff])")
_NOT_WORD = re.compile(r"[^\w\s()./+-]+")
_LETTERS = re.compile(r"[^\W\d_]")


@cache
def _pattern(*path: str) -> re.Pattern[str]:
    found = table("forms")
    for key in path:
        found = found[key]
    flags = re.NOFLAG if path == ("lines",) else re.IGNORECASE
    return re.compile("|".join(f"(?:{p})" for p in found) if isinstance(found, list) else found, flags)


def matter(lines: Sequence[Line], failures: Collection[int]) -> list[tuple[int, Line]]:
    """The lines about the problem with their positions in `lines`, sentences of courtesy cut out of them.

    `failures`: positions of errors, warnings, tracebacks and their messages, which stay as they are. All lines, where
    nothing else would remain.
    """
    listed = (n for n, line in enumerate(lines) if _pattern("lines").match(half_width(line.text)))
    aside = {*_sections(lines), *_listings(lines), *listed} - {*failures}
    aside |= {*_fences(lines, aside, failures)}
    aside |= {*_runs(lines, aside, failures)}
    rest = [(position, line) for position, line in enumerate(lines) if position not in aside]
    meant = chatter.meant([line if position not in failures else None for position, line in rest])
    kept = [(position, said) for (position, line), text in zip(rest, meant, strict=True) if (said := _cut(line, text))]
    if sum(len(line.text.strip()) for _, line in kept) < MIN_LEFT:
        return list(enumerate(lines))
    filled = [n for n, (_, line) in enumerate(kept) if line.text.strip()]
    return kept[filled[0] : filled[-1] + 1]


def unusual_hardware(reading: Reading) -> list[str]:
    """Accelerators that only a listing names, where they may be the reason: too old or too new for something."""
    told = " ".join(line.text for line in reading.matter).lower()
    usual = table("forms")["usual_hardware"]
    return [h for h in reading.evidence.mentions.hardware if h not in usual and h.split()[-1].lower() not in told]


def _sections(lines: Sequence[Line]) -> Iterator[int]:
    """The titles of forms, and the lines of those sections that are not the report.

    A form's section goes on to the next title, one under a mere label to the next blank line or label.
    """
    kind, titled = "", False
    for position, line in enumerate(lines):
        text = half_width(line.text)
        if title := _TITLE.match(text):
            kind, titled = _kind(title["hash"] or title["bold"] or title["box"]), True
        elif (label := _LABEL.match(text)) and not (titled and kind) and _kind(label["label"]):
            kind, titled = _kind(label["label"]), False
        elif (not titled and not text.strip()) or (kind == "environment" and _goes_on(text)):
            kind = ""
        if kind:
            yield position
        if kind == REPORT:
            kind = ""


def _plain(title: str) -> str:
    return " ".join(_NOT_WORD.sub(" ", title.lower()).split())


def _kind(title: str) -> str:
    """The kind of a form's section, REPORT for the report itself, "" for what no form has."""
    parts = [_plain(part) for part in (title, *_TWO_LANGUAGES.split(title))]
    for kind in (REPORT, *table("forms")["sections"]):
        pattern = _pattern(REPORT) if kind == REPORT else _pattern("sections", kind)
        if any(pattern.fullmatch(part) for part in parts if part):
            return str(kind)
    return ""


def _goes_on(text: str) -> bool:
    """Whether a line in an environment's section is a sentence about the problem."""
    if _pattern("labels").match(text) or _pattern("lines").match(text):
        return False
    return addresses(text) and (han(text) >= LONG_HAN or function_words(text) >= LONG_WORDS)


def _listings(lines: Sequence[Line]) -> Iterator[int]:
    """A person's own listing of the machine: labelled lines that stand together."""
    block: list[int] = []
    for position, line in enumerate((*lines, Line("", 0, ""))):
        if _pattern("labels").match(half_width(line.text)):
            block.append(position)
            continue
        if len(block) >= MIN_BLOCK:
            yield from block
        block = []


def _fences(lines: Sequence[Line], aside: Collection[int], failures: Collection[int]) -> Iterator[int]:
    """The fences around nothing, and around what a person wrote: forms ask for logs and get sentences."""
    opened: int | None = None
    for position, line in enumerate(lines):
        if not _FENCE.match(line.text):
            continue
        if opened is None:
            opened = position
            continue
        inside = [n for n in range(opened + 1, position) if lines[n].text.strip() and n not in aside]
        if not any(n in failures for n in inside) and all(is_prose(lines[n], few_lines=True) for n in inside):
            yield from (opened, position)
        opened = None


def _runs(lines: Sequence[Line], aside: Collection[int], failures: Collection[int]) -> Iterator[int]:
    """Long runs of what programs print when all is well, and of code, but for the lines next to a failure."""
    run: list[int] = []
    for position, line in enumerate(lines):
        if position in aside or not line.text.strip():
            continue
        if position not in failures and not is_prose(line, few_lines=False):
            run.append(position)
            continue
        if len(run) > LONG_RUN:
            yield from run[:-NEAR] if position in failures else run
        run = []
    if len(run) > LONG_RUN:
        yield from run


def _cut(line: Line, text: str | None) -> Line | None:
    """The line with this text; None where no word is left."""
    if text is None:
        return line
    return replace(line, text=text) if _LETTERS.search(text) else None
