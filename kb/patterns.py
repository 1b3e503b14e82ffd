"""The one seam to RE2: patterns over bytes, matched in linear time whatever the text.

Text is searched as UTF-8 bytes in RE2's Latin-1 mode: one byte is one character, `\\w`, `\\b` and `\\s` are ASCII, and
no input is invalid. Offsets are byte offsets.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import re2

Span = tuple[int, int]
_MAX_MEM = 64 << 20  # RE2's cache of states; its default of 8 MB is flushed over and over by large unions


class Match(NamedTuple):
    """The spans of a match: `spans[0]` is the whole, the rest its groups; (-1, -1) took no part."""

    spans: list[Span]


class Pattern:
    """A compiled pattern in RE2 syntax. Raises re2.error for a pattern RE2 refuses."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = _MAX_MEM
        options.log_errors = False
        self._regexp: Any = re2.compile(pattern.encode(), options)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of every group, in order; the empty string for one without."""
        names = [""] * self._regexp.groups
        for name, index in self._regexp.groupindex.items():
            names[index - 1] = name.decode() if isinstance(name, bytes) else name
        return tuple(names)

    def search(self, data: bytes, start: int = 0) -> Span | None:
        """The first match at or after `start`."""
        match = self._regexp.search(data, start)
        return match.span() if match else None

    def spans(self, data: bytes, start: int) -> list[Span] | None:
        """The first match at or after `start` as its spans: the whole, then the groups."""
        match = self._regexp.search(data, start)
        return [match.span(group) for group in range(self._regexp.groups + 1)] if match else None

    def full(self, data: bytes) -> bool:
        """Whether the whole of `data` matches."""
        return self._regexp.fullmatch(data) is not None

    def matches(self, data: bytes) -> Iterator[list[Span]]:
        """Every match from left to right as its spans: the whole, then the groups."""
        for match in self._regexp.finditer(data):
            yield [match.span(group) for group in range(self._regexp.groups + 1)]


class TextPattern:
    """A compiled pattern in characters, not bytes; case is ignored. Raises re2.error for a pattern RE2 refuses."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        self._regexp: Any = re2.compile(pattern, options)

    def find(self, text: str) -> Span | None:
        """The first match, in characters."""
        match = self._regexp.search(text)
        return match.span() if match else None


class PatternSet:
    """Many patterns, in characters not bytes, tried on a text at once. Raises re2.error for a pattern RE2 refuses."""

    def __init__(self, patterns: Sequence[str], ignore_case: bool = True) -> None:
        options = re2.Options()
        options.case_sensitive = not ignore_case
        options.max_mem = _MAX_MEM
        options.log_errors = False
        self._set: Any = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        if patterns:
            self._set.Compile()
        self._size = len(patterns)

    def match(self, text: str) -> list[int]:
        """Indexes of the patterns found in `text`, lowest first."""
        return sorted(self._set.Match(text) or ()) if self._size else []  # Match gives None for nothing found


def refusal(pattern: str) -> str | None:
    """Why RE2 does not take a pattern, or None."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        return why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
    return None


def problem(pattern: str) -> str | None:
    """What is wrong with a pattern that is to find something, or None."""
    if why := refusal(pattern):
        return why
    return "matches the empty string" if re2.compile(pattern).search("") else None


def escape(text: str) -> str:
    """A pattern that matches the text itself."""
    return str(re2.escape(text))
