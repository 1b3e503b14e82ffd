"""Settings one to a line: YAML (nested, lists, comments), `key = value`, Modelfile parameters → pairs."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kb.configs.model import Pair
from kb.configs.structures import Scanner
from kb.configs.values import scalar

Row = tuple[int, str]  # index of the line, its text
_KEY = re.compile(r"""(?P<key>"[^"]{1,80}"|'[^']{1,80}'|[A-Za-z_][\w./-]{0,79})\s*:(?:\s+(?P<value>\S.*))?$""")
_ASSIGN = re.compile(r"\s*(?P<owner>(?:[A-Za-z_]\w*\.)*)(?P<key>[A-Za-z_]\w*)\s*=\s*(?P<value>[^=\s].*?)\s*[,;]?\s*$")
_COMMENT = re.compile(r"\s+#.*$")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'[^']*')(.*)$""")
_MODELFILE = re.compile(
    r"\s*(?:>>>\s*)?(?:(?:PARAMETER|/set\s+parameter)\s+(?P<key>\w+)|(?P<order>FROM|ADAPTER)(?=\s+[^\s#]+\s*$))"
    r"\s+(?P<value>\S.*)$"
)
_VARIABLE = re.compile(r"[\"']?([A-Z][A-Z0-9_]*)=(.*?)[\"']?")
_ENTRY, _NAME = re.compile(r"(.*\benv\.\d+)\.name"), re.compile(r"[A-Z][A-Z0-9_]*")
_ANCHOR = re.compile(r"(?:&\w+|!!?\w*)\s*")
MAX_DEPTH = 20


class KeyLine(NamedTuple):
    """A line `key: value` or `key = value`; the value as written, empty where nested lines follow."""

    key: str
    value: str


def yaml_line(text: str) -> KeyLine | None:
    """A YAML line with a key, list dashes dropped."""
    body = text.lstrip()
    while body.startswith("- "):
        body = body[2:].lstrip()
    found = _KEY.match(body.rstrip())
    return KeyLine(found["key"].strip("\"'"), _bare(found["value"] or "")) if found else None


def assignment(text: str) -> KeyLine | None:
    """A line `key = value`, also of an attribute and with a comma behind."""
    found = _ASSIGN.match(_bare(text))
    return KeyLine(found["key"], found["value"]) if found else None


def modelfile(text: str) -> KeyLine | None:
    """A parameter of an Ollama Modelfile or session."""
    found = _MODELFILE.match(text)
    return KeyLine(found["key"] or found["order"].lower(), found["value"].strip()) if found else None


def variables(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """The environment that lists set: `environment: [NAME=value]` of compose, `env: [{name, value}]` of Kubernetes."""
    values = {pair.key: pair.value for pair in pairs}
    for pair in pairs:
        listed = pair.value if isinstance(pair.value, tuple) and pair.key.endswith(("environment", "env")) else ()
        for item in listed:
            if found := _VARIABLE.fullmatch(str(item)):
                yield Pair(found[1], scalar(found[2]), pair.line)
        if found := _ENTRY.fullmatch(pair.key):
            value = values.get(f"{found[1]}.value")
            if value is not None and _NAME.fullmatch(str(pair.value)):
                yield Pair(str(pair.value), value, pair.line)


def _bare(value: str) -> str:
    """The value without the comment behind it."""
    value = value.strip() if value[:1] not in " \t" else value.rstrip()
    if found := _QUOTED.match(value):
        return found[1] if not found[2].strip() or found[2].strip().startswith("#") else value
    return _COMMENT.sub("", value) if "#" in value else value


class YamlReader:
    """Reads lines as block YAML by their indentation; anything that does not fit is passed over."""

    def __init__(self) -> None:
        self.stack: list[tuple[float, str]] = []
        self.lists: dict[str, tuple[int, list[Any]]] = {}
        self.counts: dict[str, int] = {}
        self.pairs: list[Pair] = []
        self.block: int | None = None  # indentation of the key of a block of text

    def read(self, rows: Sequence[Row]) -> tuple[Pair, ...]:
        """All pairs of the rows."""
        for index, text in rows:
            body = text.lstrip().rstrip()
            if body and not body.startswith("#"):
                self._line(index, len(text) - len(text.lstrip()), body)
        lists = (Pair(key, tuple(items), line) for key, (line, items) in self.lists.items())
        return tuple(sorted([*self.pairs, *lists], key=lambda pair: pair.line))

    def _line(self, index: int, indent: int, body: str) -> None:
        if self.block is not None and indent > self.block:
            return
        self.block = None
        while body == "-" or body.startswith("- "):
            body, indent = self._item(index, indent, body)
        found = _KEY.match(body) if body else None
        if found is None:
            return
        self._pop(indent)
        key = found["key"].strip("\"'")
        self._value(index, indent, key, _ANCHOR.sub("", _bare(found["value"] or ""), count=1))

    def _item(self, index: int, indent: int, body: str) -> tuple[str, int]:
        """A list item: kept if a scalar, else its number joins the path and the rest is read on."""
        self._pop(indent + 0.5)
        path = self._path()
        number = self.counts[path] = self.counts.get(path, -1) + 1
        rest = body[2:].lstrip()
        if _KEY.match(rest) or rest.startswith("- "):
            if len(self.stack) < MAX_DEPTH:
                self.stack.append((indent + 0.5, str(number)))
            return rest, indent + len(body) - len(rest)
        if rest and path:
            self.lists.setdefault(path, (index, []))[1].append(scalar(_bare(rest), yaml=True))
        return "", indent

    def _value(self, index: int, indent: int, key: str, value: str) -> None:
        path = ".".join(filter(None, (self._path(), key)))
        if not value:
            if len(self.stack) < MAX_DEPTH:
                self.stack.append((indent, key))
        elif value[0] in "|>":
            self.block = indent
        elif value[0] in "{[":
            self.pairs += _flow(path, value, index)
        elif value[0] != "*":
            self.pairs.append(Pair(path, scalar(value, yaml=True), index))

    def _pop(self, indent: float) -> None:
        while self.stack and self.stack[-1][0] >= indent:
            self.stack.pop()

    def _path(self) -> str:
        return ".".join(key for _, key in self.stack)


def _flow(path: str, value: str, index: int) -> Iterator[Pair]:
    """A value written as JSON inside YAML or on a command line."""
    scanner = Scanner(f"value: {value}", fragment=True)
    scanner.run()
    for found in scanner.found:
        yield Pair(".".join((path, *found.path[1:])), found.value, index)


def nested(path: str, value: str, index: int) -> tuple[Pair, ...]:
    """The settings inside a value that is a JSON object or list."""
    return tuple(_flow(path, value, index)) if value[:1] in "{[" else ()
