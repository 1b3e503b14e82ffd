"""JSON, JSON with comments, Python dicts, keyword arguments: whole, broken off or begun inside → pairs.

One pass over tokens with an explicit stack: no recursion, linear time, nothing raised for any text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kb.configs.values import scalar

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v\xa0]+)|(?P<newline>\n)|(?P<comment>//[^\n]*|\#[^\n]*|/\*.{0,2000}?\*/)
    |(?P<string>[rbfu]?"(?:[^"\\\n]|\\.)*"|[rbfu]?'(?:[^'\\\n]|\\.)*')
    |(?P<open>[{\[(])|(?P<close>[}\])])|(?P<comma>[,\uff0c])|(?P<colon>:(?!//)|\uff1a|=)
    |(?P<word>(?:(?!//)[^\s{}\[\](),:="'#\uff0c\uff1a]|:(?=//))+)|(?P<other>.)""",
    re.X | re.S,
)
_CLOSING = {"{": "}", "[": "]", "(": ")"}
MAX_DEPTH = 40
MAX_ITEMS = 200  # of one list


class Found(NamedTuple):
    """A value with its path, where its key begins, and the call or word before the bracket that holds it."""

    path: tuple[str, ...]
    value: Any
    at: int
    call: str


@dataclass
class _Frame:
    bracket: str
    path: tuple[str, ...]
    call: str
    key: str | None = None
    key_at: int = 0
    filled: bool = False  # the separator was read: tokens belong to the value
    tokens: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    count: int = 0
    dropped: bool = False  # a nested structure was the value
    newline: bool = True


class Scanner:
    """Reads one structure from `start`: from its bracket to the matching one, or lines of pairs without a bracket."""

    def __init__(self, text: str, start: int = 0, call: str = "", fragment: bool = False) -> None:
        self.text, self.at = text, start
        self.found: list[Found] = []
        self.stack: list[_Frame] = [_Frame("", (), call)] if fragment else []
        self.fragment, self.call = fragment, call
        self.stop = False
        self._handlers: dict[str, Callable[[str], None]] = {
            "newline": self._newline, "string": self._word, "word": self._word, "other": self._word,
            "open": self._open, "close": self._close, "comma": self._comma, "colon": self._colon,
        }  # fmt: skip

    def run(self) -> int:
        """Read on; the offset behind what was read."""
        for token in _TOKEN.finditer(self.text, self.at):
            kind = token.lastgroup or ""
            handler = self._handlers.get(kind)
            if handler is not None:
                self.at = token.start()
                handler(token[0])
            if self.stop:
                return self.at
            self.at = token.end()
            if not self.stack:
                return self.at
        while self.stack:
            self._flush(self.stack.pop())
        return self.at

    def _word(self, text: str) -> None:
        top = self.stack[-1]
        if top.bracket == "[" or top.filled:
            top.tokens.append(text)
        elif top.key is not None and not top.newline and top.bracket != "(":
            self._break_off()  # two words where a key is due: prose, the structure was cut off above
        else:
            top.key, top.key_at = text, self.at
        top.newline = False

    def _break_off(self) -> None:
        self.at = self.text.rfind("\n", 0, self.at) + 1
        self.stop = True
        self.stack[-1].key = None

    def _colon(self, text: str) -> None:
        top = self.stack[-1]
        if top.bracket != "[" and top.key is not None and not top.filled:
            top.filled = True
        elif top.tokens:
            top.tokens.append(text)

    def _comma(self, text: str) -> None:
        self._flush(self.stack[-1])

    def _newline(self, text: str) -> None:
        top = self.stack[-1]
        if top.bracket != "[" and top.filled and (top.tokens or top.dropped):
            self._flush(top)
        top.newline = True

    def _open(self, bracket: str) -> None:
        if not self.stack:
            self.stack.append(_Frame(bracket, (), self.call))
            return
        top = self.stack[-1]
        call = top.tokens[-1] if top.filled and top.tokens else "" if top.filled else top.key or ""
        path = top.path
        if len(self.stack) < MAX_DEPTH:
            if top.bracket == "[":
                path = (*path, str(top.count))
            elif top.filled and top.key is not None:
                path = (*path, _plain(top.key))
        if bracket == "(" and top.filled and top.tokens:
            top.tokens.append("(…)")
        else:
            top.dropped = True
        own = call if bracket == "(" and call else top.call
        self.stack.append(_Frame(bracket, path, own))

    def _close(self, bracket: str) -> None:
        if not self.stack:
            self.stop = True
            return
        top = self.stack[-1]
        if self.fragment and len(self.stack) == 1:
            self._flush(top)
            return
        self._flush(top)
        self.stack.pop()
        if top.bracket == "[" and self.stack:
            self._emit_list(top, self.stack[-1])

    def _emit_list(self, closed: _Frame, parent: _Frame) -> None:
        scalars = closed.count == len(closed.items)
        if parent.bracket == "[":
            if scalars:
                parent.items.append(tuple(closed.items))
        elif parent.filled and parent.key is not None and scalars and len(self.stack) < MAX_DEPTH:
            path = (*parent.path, _plain(parent.key))
            self.found.append(Found(path, tuple(closed.items), parent.key_at, parent.call))

    def _flush(self, frame: _Frame) -> None:
        """End of one pair or list item."""
        if frame.bracket == "[":
            if frame.tokens or frame.dropped:
                frame.count += 1
            if frame.tokens and len(frame.items) < MAX_ITEMS:
                frame.items.append(_value(frame.tokens))
        elif frame.filled and frame.key is not None and frame.tokens and len(self.stack) <= MAX_DEPTH:
            path = (*frame.path, _plain(frame.key))
            self.found.append(Found(path, _value(frame.tokens), frame.key_at, frame.call))
        frame.key, frame.filled, frame.dropped = None, False, False
        frame.tokens = []


def _plain(key: str) -> str:
    return str(scalar(key)) if key[-1:] in "\"'" else key


def _value(tokens: list[str]) -> Any:
    return scalar(tokens[0]) if len(tokens) == 1 else scalar(" ".join(tokens[:60]).replace(" (…)", "(…)"))
