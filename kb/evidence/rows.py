"""Printed dicts found in bulk: rows that look like one already read are taken from whole blocks at once."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_TEMPLATES, MAX_LENGTH = 8, 800
_SHAPE = re.compile(r"[-+]?(?:\d[\d.]*(?:[eE][-+]?\d+)?|\b(?:nan|NaN|inf)\b)")
_VALUE = re.compile(r"[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|nan|inf)", re.IGNORECASE)
_TAKEN, _PASSED = r"([-+]?(?:\d[\d.]*(?:[eE][-+]?\d+)?|nan|NaN|inf))", r"[-+.\deEnaNif]{1,40}"
_PLAIN = re.compile(r"\{(?:'[^'{}\\\n]{1,60}': (?:'[-+\w.]{1,40}'|[-+\w.]{1,40})(?:, )?)+\}")
_SPACES = re.compile(" +")
_GLYPHS = re.compile(r"%\|([^|]*)(\|)")
_KEY = re.compile(r"'([^'{}\\\n]{1,60})': ('?)")


def is_plain_dict(raw: bytes) -> bool:
    """Whether a raw line is one printed dict and nothing else."""
    return raw.startswith(b"{'") and raw.rstrip().endswith(b"}") and raw.count(b"{") == 1


def _literal(text: str) -> str:
    """The text as a pattern in which any run of spaces, and the bar of a progress bar, may have another length."""
    bar = _GLYPHS.search(text)
    if bar:
        return _literal(text[: bar.start(1)]) + r"[^|\r\n]{0,400}" + _literal(text[bar.start(2) :])
    return " *".join(re.escape(piece) for piece in _SPACES.split(text))


class Found(NamedTuple):
    """Rows of one kind in a block: their keys, where each begins, and their numbers, a row each."""

    keys: tuple[str, ...]
    starts: NDArray[np.int64]
    values: NDArray[np.float64]
    bar: bool = False  # updates of a progress bar: the same step may come again


class Templates:
    """The kinds of rows seen so far."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[tuple[str, ...], re.Pattern[bytes], bool]] = {}

    def learn(self, text: str) -> None:
        """Remember the kind of a row, where it is a plain dict of numbers."""
        keys = tuple(_KEY.findall(text))
        if keys in self._known or len(self._known) >= MAX_TEMPLATES or not _PLAIN.fullmatch(text):
            return
        cells = (re.escape(f"'{key}': {quote}") + r"([-+.\deEnaif]{1,40})" + quote for key, quote in keys)
        pattern = re.compile(("\\{" + ", ".join(cells) + "\\}").encode())
        self._known[keys] = tuple(key for key, _ in keys), pattern, False

    def learn_line(self, text: str, cells: Sequence[tuple[str, int, int]], bar: bool = False) -> None:
        """Remember a printed line that names its numbers: the key, start and end of each number to take."""
        cells = sorted(cells, key=lambda cell: cell[1])
        shape = _SPACES.sub(" ", _SHAPE.sub("0", text))
        if shape in self._known or len(self._known) >= MAX_TEMPLATES or len(text) > MAX_LENGTH:
            return
        wanted = {(start, end) for _, start, end in cells}
        if not (bar or text[:1].isalpha()) or any(not _VALUE.fullmatch(text[a:b]) for a, b in wanted):
            return
        parts, at = [], 0
        for number in _SHAPE.finditer(text):
            parts.append(_literal(text[at : number.start()]))
            parts.append(_TAKEN if number.span() in wanted else _PASSED)
            at = number.end()
        if sum(part == _TAKEN for part in parts) == len(cells):
            pattern = re.compile(("".join(parts) + _literal(text[at:])).encode())
            self._known[shape] = tuple(key for key, _, _ in cells), pattern, bar

    def take(self, block: bytes) -> tuple[bytes, list[Found]]:
        """The block without the rows found, and the rows."""
        found: list[Found] = []
        cuts: dict[int, int] = {}  # start → end
        for keys, pattern, bar in self._known.values():
            matches = [match for match in pattern.finditer(block) if match.start() not in cuts]
            if not matches:
                continue
            try:
                values = np.array([match.groups() for match in matches]).astype(np.float64)
            except ValueError:
                continue
            spans = [match.span() for match in matches]
            found.append(Found(keys, np.array([start for start, _ in spans]), values, bar))
            cuts.update(spans)
        return _without(block, list(cuts.items())), found


def _without(block: bytes, cuts: list[tuple[int, int]]) -> bytes:
    """The block with a space in place of each span."""
    parts, at = [], 0
    for start, end in sorted(cuts):
        if start >= at:
            parts.append(block[at:start])
            at = end
    return b" ".join([*parts, block[at:]])
