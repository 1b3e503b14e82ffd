"""Command lines, flags and environment variables → blocks.

A command may set variables in front, run in a container with its own flags, and launch a script with flags of its own.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kb.configs import keys
from kb.configs.lines import nested
from kb.configs.model import Block, Pair
from kb.configs.values import scalar

_STOPS = "\u3002\u3001\uff0c\uff1b\uff01\uff1f\uff08\uff09"  # Chinese punctuation ends a word of a command
_TOKEN = re.compile(rf"""(?:[^\s"'\\{_STOPS}]|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|["'])+|[{_STOPS}]""", re.S)
_ENV = re.compile(r"(?:\$env:)?([A-Z][A-Z0-9_]*)=(.*)", re.S)
_FLAG = re.compile(r"(--?[A-Za-z][\w.-]*)(?:=(.*))?", re.S)
_HYDRA = re.compile(r"\+{0,2}([a-z][\w]*(?:\.\w+)+)=(.*)", re.S)
_SEPARATOR = {"&&", "||", "|", ";", "&", "then", "do"}
_SETTERS = {"export", "set", "ENV", "env", "declare", "-x", "sudo", "nohup", "time", "$", "-", ">", "#", "RUN", "CMD"}
_REDIRECT = re.compile(r"\d?>|<|2>&1")
_JOINED = re.compile(r"(?<=[^\s\"'])[,;:\uff0c\uff1b\uff1a\u3001](?=--[A-Za-z])")  # flags told in a row of words
_TOLD_ON = re.compile(r"[,;](?=[\u4e00-\u9fff])")  # the sentence goes on behind a flag's value
_UNQUOTE = re.compile(r"""\\([^A-Za-z0-9_.])|"((?:[^"\\]|\\.)*)"|'([^']*)'""", re.S)
_MODEL = re.compile(r"[\w.~$/{}-]+")


class Token(NamedTuple):
    """A word of a command, unquoted, and the index of its line; `quoted` where the whole was in quotes."""

    text: str
    line: int
    quoted: bool = False


def tokens(text: str, first_line: int) -> list[Token]:
    """The words of a command that may go over several lines with backslashes."""
    joined = re.sub(r"\\[ \t]*\n", "  \n", re.sub(r"[`^][ \t]*\n", " \n", _JOINED.sub(" ", _TOLD_ON.sub(" ", text))))
    found, at, line = [], 0, first_line
    for match in _TOKEN.finditer(joined):
        line += joined.count("\n", at, match.start())
        at = match.start()
        raw = match[0]
        word = _UNQUOTE.sub(lambda m: m[1] or m[2] or m[3] or "", raw) if any(c in raw for c in "\"'\\") else raw
        found.append(Token(word, line, raw[0] in "\"'" and raw[-1] == raw[0] and len(raw) > 1))
    return found


def read_command(text: str, first_line: int) -> Iterator[Block]:
    """The settings of one command line or several joined ones."""
    command: list[Token] = []
    for token in tokens(text, first_line):
        ends = token.text in _SEPARATOR or token.text.endswith(";")
        if ends and token.text not in _SEPARATOR:
            command.append(token._replace(text=token.text.rstrip(";")))
        if ends:
            yield from _one(command)
            command = []
        else:
            command.append(token)
    yield from _one(command)


def _one(words: Sequence[Token]) -> Iterator[Block]:
    start, env = 0, []
    setter = False
    while start < len(words):
        found = _ENV.fullmatch(words[start].text)
        if found:
            env.append(Pair(found[1], scalar(found[2]), words[start].line))
        elif words[start].text in _SETTERS:
            setter = setter or words[start].text == "ENV"
        elif setter and start + 1 < len(words) and words[start].text.isupper() and not env:
            env.append(Pair(words[start].text, scalar(words[start + 1].text), words[start].line))
            start += 1
        else:
            break
        start += 1
    if env:
        yield Block("flags", tuple(env), "env")
    if start < len(words):
        yield from _program(words[start:])


def _program(words: Sequence[Token]) -> Iterator[Block]:
    """The flags of a program: the first command of the table that the words show."""
    text = " ".join(word.text for word in words)
    for command in keys.commands():
        found = command.pattern.search(text)
        if found is None:
            continue
        begin = len(text[: found.end()].split())
        rest = words[begin:]
        if command.then == "image":
            yield from _container(rest)
        elif command.then == "script":
            yield from _launcher(rest, command.kind)
        else:
            script = _script_kind(text[: found.end()]) if command.kind is None else command.kind
            yield from _flags(rest, script, command.positional)
        return
    yield from _flags(words, None, None)


def _script_kind(path: str) -> str | None:
    return next((kind for pattern, kind in keys.patterns("scripts") if pattern.search(path)), None)


def _launcher(words: Sequence[Token], kind: str | None) -> Iterator[Block]:
    """Flags up to the script are the launcher's, those behind it the script's."""
    for at, word in enumerate(words):
        module = word.text == "-m"
        if module or word.text.endswith((".py", ".sh")) or "swift" in word.text:
            yield from _flags(words[:at], kind, None)
            name = words[at + 1].text if module and at + 1 < len(words) else word.text
            inner = next((c.kind for c in keys.commands() if c.pattern.search(f"python -m {name}")), None)
            yield from _flags(words[at + 1 + module :], inner or _script_kind(name), None)
            return
    yield from _flags(words, kind, None)


def _container(words: Sequence[Token]) -> Iterator[Block]:
    """`docker run`: its flags, then the image, then the command inside."""
    at, pairs, env = 0, [], []
    while at < len(words) and (flag := _FLAG.fullmatch(words[at].text)):
        name, line = flag[1].strip("-"), words[at].line
        value: Any = flag[2]
        if value is None and name not in keys.table()["without_value"] and at + 1 < len(words):
            at += 1
            value = words[at].text
        at += 1
        if name in ("e", "env") and value:
            variable, _, given = value.partition("=")
            env.append(Pair(variable, scalar(given), line))
        elif flag[1].startswith("--") or keys.canonical("docker", name) in keys.kinds()["docker"].keys:
            given = (
                value if value and value[0] in "\"'" else scalar(value or "true")
            )  # the shell took its quotes already
            pairs.append(Pair(flag[1], given, line))
    yield Block("flags", tuple(pairs), "docker")
    yield Block("flags", tuple(env), "env")
    if at < len(words):
        image, rest = words[at].text, words[at + 1 :]
        kind = next((kind for pattern, kind in keys.patterns("images") if pattern.search(image)), None)
        inner = " ".join(word.text for word in rest)
        if any(command.kind and command.pattern.search(inner) for command in keys.commands()):
            yield from _program(rest)
        else:
            yield from _flags(rest, kind, None)


def _flags(words: Sequence[Token], kind: str | None, positional: str | None) -> Iterator[Block]:
    pairs: list[Pair] = []
    at = 0
    while at < len(words):
        word = words[at]
        if _REDIRECT.match(word.text) and not word.quoted:
            break
        flag = None if word.quoted and " " in word.text else _FLAG.fullmatch(word.text)
        if flag and (flag[1].startswith("--") or _short(kind, flag[1])):
            at = _flag(words, at, flag, kind, pairs)
            continue
        if hydra := _HYDRA.fullmatch(word.text):
            pairs.append(Pair(hydra[1], scalar(hydra[2]), word.line))
        elif positional and not pairs and not flag and _MODEL.fullmatch(word.text):
            pairs.append(Pair(positional, word.text, word.line))
            positional = None
        at += 1
    dotted = all("." in pair.key and keys.knows("verl", pair.key) for pair in pairs)
    yield Block("flags", tuple(pairs), "verl" if pairs and dotted and kind is None else kind)


def _short(kind: str | None, flag: str) -> bool:
    name = flag.strip("-")
    return kind is not None and (keys.knows(kind, name) or name in keys.kinds()[kind].aliases)


def _flag(words: Sequence[Token], at: int, flag: re.Match[str], kind: str | None, pairs: list[Pair]) -> int:
    """One flag with its values; the index of the word behind."""
    name, line = flag[1], words[at].line
    given = [flag[2]] if flag[2] is not None else []
    at += 1
    several = name.strip("-") in keys.table()["several"]
    while flag[2] is None and at < len(words) and (not given or several) and _is_value(words[at]):
        given.append(words[at].text)
        at += 1
    if not given:
        pairs.append(Pair(name, True, line))
        return at
    value = scalar(given[0]) if len(given) == 1 else tuple(scalar(text) for text in given)
    pairs.append(Pair(name, value, line))
    pairs.extend(nested(name, given[0], line))
    return at


def _is_value(word: Token) -> bool:
    if word.quoted:
        return True
    flag = _FLAG.fullmatch(word.text)
    return not flag and word.text not in _STOPS and not _REDIRECT.match(word.text) and not _HYDRA.fullmatch(word.text)
