"""Printed dicts found in bulk: rows that look like one already read are taken from whole blocks at once."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_TEMPLATES = 8
_PLAIN = re.compile(r"\{(?:'[^'{}\\\n]{1,60}': (?:'[-+\w.]{1,40}'|[-+\w.]{1,40})(?:, )?)+\}")
_KEY = re.compile(r"'([^'{}\\\n]{1,60})': ('?)")


def is_plain_dict(raw: bytes) -> bool:
    """Whether a raw line is one printed dict and nothing else."""
    return raw.startswith(b"{'") and raw.rstrip().endswith(b"}") and raw.count(b"{") == 1


class Found(NamedTuple):
    """Rows of one kind in a block: their keys, where each begins, and their numbers, a row each."""

    keys: tuple[str, ...]
    starts: NDArray[np.int64]
    values: NDArray[np.float64]


class Templates:
    """The kinds of rows seen so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, str], ...], re.Pattern[bytes]] = {}

    def learn(self, text: str) -> None:
        """Remember the kind of a row, where it is a plain dict of numbers."""
        keys = tuple(_KEY.findall(text))
        if keys in self._known or len(self._known) >= MAX_TEMPLATES or not _PLAIN.fullmatch(text):
            return
        cells = (re.escape(f"'{key}': {quote}") + r"([-+.\deEnaif]{1,40})" + quote for key, quote in keys)
        self._known[keys] = re.compile(("\\{" + ", ".join(cells) + "\\}").encode())

    def take(self, block: bytes) -> tuple[bytes, list[Found]]:
        """The block without the rows found, and the rows."""
        found = []
        for keys, pattern in self._known.items():
            matches = [(m.start(), m.groups()) for m in pattern.finditer(block)]
            if not matches:
                continue
            try:
                values = np.array([groups for _, groups in matches]).astype(np.float64)
            except ValueError:
                continue
            found.append(Found(tuple(k for k, _ in keys), np.array([start for start, _ in matches]), values))
        for pattern in self._known.values() if found else ():
            block = pattern.sub(lambda m: b" " * (m.end() - m.start()), block)
        return block, found
