"""Lines that a terminal broke at its width, put together again."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from kb.evidence.clean import MAX_LINE, plain
from kb.evidence.language import han

NARROWEST, WIDEST = 72, 250  # columns of a terminal
LEAST = 3  # full lines before a width is believed
MAX_PARTS = MAX_LINE // WIDEST
_FRESH = re.compile(
    r"\s*$|\[|\(\w+ ?\w* pid=|\d{4}[-/]\d\d|\d\d:\d\d:\d\d|[IWEF]\d{4} |(?:INFO|WARNING|ERROR)\b|Traceback|\s+File \""
)
_DIGIT = re.compile(r"\d")
ALIKE = 5  # characters by which two lines begin alike, digits apart: rows of a log, not one broken line
_TABLE_END = re.compile(r"[|+│┃╮╯─]$|[-=*#_]{2}$")


def unwrapped(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Numbers and texts of lines; what a terminal broke comes as one line with the number of its first part.

    A width is believed where several lines have it and no line of a program is longer.
    """
    rows = list(lines)
    width = _width([text for _, text in rows])
    at = 0
    while at < len(rows):
        number, text = rows[at]
        parts = at + 1
        last = min(at + MAX_PARTS, len(rows)) if width else 0
        while parts < last and _goes_on(rows[parts - 1][1], rows[parts][1], width):
            parts += 1
        if parts > at + 1:
            text = "".join(part for _, part in rows[at:parts])
        yield number, text
        at = parts


def _width(texts: list[str]) -> int:
    """The width at which lines were broken; 0: none were."""
    lengths = Counter(len(text) for text in texts if len(text) >= NARROWEST)
    full = [text for text in texts if len(text) >= NARROWEST and not (not text.isascii() and han(text))]
    if not full or sum(lengths.values()) > 5000:
        return 0
    width = max(map(len, full))
    told = [text for text in full if len(text) == width]
    cells = sum(_TABLE_END.search(text) is not None or " " not in text for text in told)
    return width if width <= WIDEST and len(told) - cells >= LEAST and cells * 2 < len(told) else 0


def _alike(one: str, other: str) -> bool:
    """Whether two lines begin alike, as rows of one program do."""
    start = _DIGIT.sub("0", one[:ALIKE])
    return bool(start.strip()) and start == _DIGIT.sub("0", other[:ALIKE])


def _goes_on(text: str, following: str, width: int) -> bool:
    """Whether a line fills the width and the next one begins like nothing of its own."""
    if len(text) != width or _TABLE_END.search(text) or _alike(text, following):
        return False
    return _FRESH.match(plain(following)) is None
