"""Text → blocks: structures, runs of `key: value` lines, commands and prose, line after line."""

import re
import shlex
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from kb.configs import keys
from kb.configs.commands import read_command
from kb.configs.lines import KeyLine, Row, YamlReader, assignment, modelfile, nested, variables, yaml_line
from kb.configs.model import Block, Pair
from kb.configs.prose import NO_VALUE, proposed, read_sentence, spoken
from kb.configs.structures import Scanner
from kb.configs.values import of_the_program, scalar

MAX_LINE = 4000
_OPENER = re.compile(
    r"([A-Za-z_]\w*)\(|(?<![\w$%{])([{])(?=\s*(?:[\"'][\w./ -]+[\"']\s*:|$|//|#|}))|^\s*[\"'][\w./-]+[\"']\s*:"
)
_CONFIG_DUMP = re.compile(r"(?:with config|engine args|non-default args|server_args)\s*[:=]\s*(?:\w+\()?(?=[\w{]+)")
_OPENS = re.compile(r"[{(:\[]\s*$|^\s*[\w\"'-][\w\"' -]{0,60}:|^\s*[{#]|=\s*\S+$")
_BEFORE_FLAG = " \t`\"'[,:;\uff0c\uff1a\uff1b\u3001\uff08"
_FLAG = re.compile(rf"(?:^|[{re.escape(_BEFORE_FLAG)}])--[A-Za-z][\w-]+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_SHORT_FLAG = re.compile(r"\s-[a-z]{1,5}\s+[\w./]")
_SHELL = re.compile(
    r"\s*(?:[$>#]\s+)?(?:-\s+|-e\s+)?"
    r"(?:(?:(?:export|ENV|set|declare -x|env|sudo)\s+)*(?:\$env:)?[A-Z][A-Z0-9_]*=\S|ENV\s+[A-Z][A-Z0-9_]*\s+\S)"
)
_OVERRIDE = re.compile(r"\s*\+{0,2}(?:actor_rollout_ref|algorithm|trainer|data|critic|reward_model)\.[\w.]+=\S")
_COMMENTED = re.compile(r"\s*(?:#|//)\s*[\"']?[a-z][\w.-]*[\"']?\s*[:=]\s*[^\s=]+,?$")  # a setting taken out
_VERSION = re.compile(r"(?!\d+(?:\.\d+){3}$)v?\d+\.\d+(?:\.\d+|\.?(?:post|dev|rc)\d*)\S*")
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_NUMBERS = re.compile(r"[:=]\s?[\"']?-?\d")
_METRIC = re.compile(r"(?:loss|norm|reward|entropy|kl|lr)[\"')]{0,2}\s?[:=]\s?[\"']?-?[\dn]")
_METRIC_ROW = re.compile(r"^\s*\S{0,40}\s?\{[\"'](?:eval_|train_)?(?:loss|runtime|grad_norm)\b")
LOOK_BACK = 80  # lines: a structure that holds a known key begins no further above it
_COMPOSE = frozenset(("ipc", "shm_size", "runtime", "ports", "volumes"))  # beside the image of a service
_PROSE_COMMAND = re.compile(r"`([^`\n]+)`")


class Cutter:
    """Cuts a text into blocks, line after line."""

    def __init__(self, name: str, text: str, hits: list[int]) -> None:
        self.text, self.hits = text, hits
        self.looks = frozenset(hits)
        whole = text.split("\n")
        self.lines = [line[:MAX_LINE] for line in whole]
        self.starts = [0, *accumulate(len(line) + 1 for line in whole)]
        self.budget = 4 * len(text) + 10_000  # characters of structures that turn out to hold nothing
        self.file_kind = next(
            (kind for pattern, kind in keys.patterns("files") if pattern.search(Path(name).name)), None
        )
        self._of_ollama = self.file_kind == "ollama" or "\nPARAMETER " in text
        self.at = 0

    def blocks(self) -> Iterator[Block]:
        """All blocks of the text."""
        while self.at < len(self.lines):
            following = bisect_left(self.hits, self.at)
            if following == len(self.hits):
                return
            self.at = max(self.at, self.hits[following] - LOOK_BACK)
            yield from self._next(self.lines[self.at])

    def _next(self, line: str) -> Iterator[Block]:
        hit = self.at in self.looks or line.rstrip().endswith("\\")  # a command that goes on
        if (
            not (hit or _OPENS.search(line))
            or line.lstrip().startswith("```")
            or _COMMENTED.match(line)
            or _is_row(line)
        ):
            self.at += 1
            return
        for reader in (self._command, self._structure, self._run, self._parameter):
            found = reader(line)
            if found is not None:
                yield from found
                return
        yield from read_sentence(line, self.at)
        self.at += 1

    # --- objects and calls -------------------------------------------------

    def _structure(self, line: str) -> list[Block] | None:
        dump = _CONFIG_DUMP.search(line)
        if dump:
            scanner = Scanner(line, dump.end(), fragment=True)
            scanner.run()
            self.at += 1
            kind = "sglang" if "server_args" in dump[0] else "vllm"
            return [
                Block("arguments", tuple(Pair(".".join(f.path), f.value, self.at - 1) for f in scanner.found), kind)
            ]
        for found in _OPENER.finditer(line):
            if found[1] is not None and found[1] not in keys.table()["calls"]:
                continue
            blocks = self._scan(found) if self.budget > 0 else None
            if blocks is not None:
                return blocks
        return None

    def _scan(self, found: re.Match[str]) -> list[Block] | None:
        bracket = found[1] is not None or found[2] is not None
        start = self.starts[self.at] + (found.end() - 1 if bracket else found.start())
        text = self.text
        if not bracket:
            text = text[: self.starts[self._end_of_fragment()]]
        scanner = Scanner(text, start, found[1] or "", fragment=not bracket)
        end = scanner.run()
        if not scanner.found:
            self.budget -= end - start + 100
            return None
        first, self.at = self.at, self._line_of(end, self.at) + 1
        if scanner.stop:
            self.at = max(first + 1, self.at - 1)
        return self._grouped(scanner, "arguments" if found[1] else "json")

    def _end_of_fragment(self) -> int:
        """The line behind the last one that still looks like JSON."""
        at = self.at
        while at < len(self.lines) and re.match(
            r"\s*(?:[\"'][^\"']*[\"']\s*[:,\]]?|[{}\[\]]|//|#|-?\d|$)", self.lines[at]
        ):
            at += 1
        return min(max(at, self.at + 1), len(self.lines))

    def _line_of(self, offset: int, line: int) -> int:
        while line + 1 < len(self.lines) and self.starts[line + 1] < offset:
            line += 1
        return line

    def _grouped(self, scanner: Scanner, form: str) -> list[Block]:
        """One block for each call: the arguments of a call inside another are its own."""
        calls: dict[str, list[Pair]] = {}
        line, last = 0, 0
        for found in sorted(scanner.found, key=lambda f: f.at):
            line, last = (self._line_of(found.at + 1, line), found.at) if found.at >= last else (line, last)
            if not of_the_program(found.path[-1], found.value) and not _object(found.path[-1], found.value, found.call):
                calls.setdefault(found.call, []).append(Pair(".".join(found.path), found.value, line))
        table = keys.table()["calls"]
        blocks = []
        for call, pairs in calls.items():
            kind = table.get(call) if call else self.file_kind
            if call and call not in table:
                continue
            if kind or self._accepted(tuple(pairs)):
                blocks.append(Block(form, tuple(_own_path(call, pairs)), kind))
        return blocks

    # --- command lines -----------------------------------------------------

    def _command(self, line: str) -> list[Block] | None:
        program = any(command.pattern.search(line) for command in keys.commands()) if " " in line else False
        flags = _FLAG.findall(line)
        shell = _SHELL.match(line) is not None or _OVERRIDE.match(line) is not None
        if shell and not program and not flags and _CHINESE.search(_as_words(line)):
            return None
        if not (program or flags or shell) or (not program and flags and not self._trusted(line)):
            return None
        quoted = [text for text in _PROSE_COMMAND.findall(line) if "--" in text]
        if quoted:
            self.at += 1
            blocks = [block for text in quoted for block in read_command(text, self.at - 1)]
            return [*blocks, *read_sentence(_PROSE_COMMAND.sub(" ", line), self.at - 1)]
        short = flags or _SHORT_FLAG.search(line)
        if program and not short and not shell and "=" not in line and not line.rstrip().endswith("\\"):
            return None
        first = self.at
        parts = [_as_words(line)]
        self.at += 1
        while self.at < len(self.lines) and self._continues():
            parts.append(_as_words(self.lines[self.at]))
            self.at += 1
        blocks = list(read_command("\n".join(parts), first))
        return blocks if program else [block._replace(pairs=tuple(_values(block.pairs))) for block in blocks]

    def _trusted(self, line: str) -> bool:
        found = _FLAG.search(line)
        known = [flag.lstrip(_BEFORE_FLAG).strip("-") for flag in _FLAG.findall(line)]
        if not any(flag in keys.owners() or flag.replace("-", "_") in keys.owners() for flag in known):
            return len(known) > 2
        return not proposed(line[: found.start()] if found else "")

    def _continues(self) -> bool:
        before, line = self.lines[self.at - 1], self.lines[self.at]
        if not line.strip():
            return False
        if before.rstrip().endswith("\\") or line.lstrip().startswith("--"):
            return True
        return re.match(r"\s*-\s+[\"']?--", line) is not None or (
            before.lstrip().startswith(("- --", '- "--', "--", "- '--"))
            and re.match(r"\s*-\s+[\"']?[\w./-]+[\"']?$", line) is not None
        )

    # --- key: value and key = value ------------------------------------------

    def _run(self, line: str) -> list[Block] | None:
        rows = self._rows(yaml_line, lists=True)
        if rows and (pairs := self._accepted(YamlReader().read(rows))):
            self.at = rows[-1][0] + 1
            return self._with_variables("yaml", pairs)
        rows = self._rows(assignment, lists=False)
        found = [(index, assignment(text)) for index, text in rows]
        given = tuple(
            pair
            for index, one in found
            if one and not of_the_program(one.key, one.value)
            for pair in nested(one.key, one.value, index) or (Pair(one.key, scalar(one.value), index),)
        )
        if rows and (pairs := self._accepted(given)):
            self.at = rows[-1][0] + 1
            return self._with_variables("arguments", pairs)
        return None

    def _rows(self, parse: Callable[[str], KeyLine | None], lists: bool) -> list[Row]:
        """The lines from here on that have this form, with the comments and blanks between them."""
        rows: list[Row] = []
        for at in range(self.at, len(self.lines)):
            text = self.lines[at]
            body = text.strip()
            if not body or body.startswith("#"):
                if not rows or (at + 1 < len(self.lines) and not self.lines[at + 1].strip()):
                    break
                continue
            parsed = parse(text)
            item = lists and body.startswith("- ") and rows
            deeper = (
                lists
                and rows
                and text[:1] in " \t"
                and len(body) < 200
                and rows[-1][1].rstrip().endswith((":", "|", ">", "|-"))
            )
            plausible = parsed is not None and _plausible(parsed.key, parsed.value)
            if plausible and parsed and not lists and not keys.specific(parsed.key) and "(" in parsed.value:
                break
            if not (item or deeper or plausible):
                break
            rows.append((at, text))
        return rows

    def _accepted(self, pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
        """The pairs if they are a configuration: enough keys known, and no row of metrics."""
        names = [pair.key.rsplit(".", 1)[-1] for pair in pairs]
        known = sum(_known(pair.key) or _ENV_NAME.fullmatch(pair.key.rsplit(".", 1)[-1]) is not None for pair in pairs)
        known += len(list(variables(pairs)))
        known += "image" in names and not _COMPOSE.isdisjoint(names)
        metrics = any(name in keys.table()["metrics"] for name in names)
        sure = known > 1 or any(spoken(name) or _ENV_NAME.fullmatch(name) for name in names)
        return pairs if known and sure and known * 3 >= len(pairs) and not metrics else ()

    def _with_variables(self, form: str, pairs: tuple[Pair, ...]) -> list[Block]:
        env = tuple(
            pair._replace(key=pair.key.rsplit(".", 1)[-1])
            for pair in pairs
            if _ENV_NAME.fullmatch(pair.key.rsplit(".", 1)[-1])
        )
        env += tuple(variables(pairs))
        variables_at = {pair.line for pair in env}
        rest = tuple(pair for pair in pairs if pair.line not in variables_at)
        blocks = [Block("flags", env, "env")] if env else []
        return [*blocks, *_services(rest), *_container_commands(rest), Block(form, rest, self.file_kind)]

    def _parameter(self, line: str) -> list[Block] | None:
        found = modelfile(line)
        if found is None or (found.key in ("from", "adapter") and not self._of_ollama):
            return None
        self.at += 1
        return [Block("yaml", (Pair(found.key, scalar(found.value), self.at - 1),), "ollama")]


def _is_row(line: str) -> bool:
    """Whether a line is a row of logged metrics."""
    if _METRIC_ROW.match(line):
        return True
    return _METRIC.search(line) is not None and len(_NUMBERS.findall(line)) >= 4


def _values(pairs: tuple[Pair, ...]) -> Iterator[Pair]:
    """Flags in a sentence: followed by its value, or alone, and not by the rest of the sentence."""
    for pair in pairs:
        word = pair.value.lower() if isinstance(pair.value, str) else ""
        if word in ("and", "or", "but", "with", "is", "for", "on", "in"):
            yield pair._replace(value=True)
        elif word not in NO_VALUE:
            yield pair


def _own_path(call: str, pairs: list[Pair]) -> Iterator[Pair]:
    """Arguments of a call inside another, without the name it is bound to."""
    shared = {pair.key.split(".", 1)[0] for pair in pairs if "." in pair.key}
    inside = call and len(shared) == 1 and all("." in pair.key for pair in pairs)
    for pair in pairs:
        yield pair._replace(key=pair.key.split(".", 1)[1]) if inside else pair


def _object(key: str, value: Any, call: str) -> bool:
    """Whether an argument of a call holds an object of the program around, which says nothing of a setting."""
    return (
        call.endswith(("Trainer", "model", "pretrained"))
        and key in keys.table()["objects"]
        and isinstance(value, str)
        and value.isidentifier()
    )


def _container_commands(pairs: tuple[Pair, ...]) -> Iterator[Block]:
    """Flags in the lists `command` and `args` of a container; its image tells whose they are."""
    images = {pair.key.rpartition(".")[0]: str(pair.value) for pair in pairs if pair.key.endswith("image")}
    for pair in pairs:
        owner, _, name = pair.key.rpartition(".")
        if name not in ("args", "command") or not isinstance(pair.value, tuple) or len(pair.value) < 2:
            continue
        words = [str(word) for word in pair.value]
        if not any(word.startswith("--") for word in words):
            continue
        image = next((kind for of, kind in keys.patterns("images") if of.search(images.get(owner, ""))), None)
        for block in read_command(shlex.join(words), pair.line):
            yield block._replace(kind=block.kind or image)


def _services(pairs: tuple[Pair, ...]) -> list[Block]:
    """Settings of a compose file's services."""
    found = tuple(
        pair._replace(key=pair.key.rsplit(".", 1)[-1]) for pair in pairs
        if pair.key.rsplit(".", 1)[-1] in ("shm_size", "ipc", "runtime") and pair.key.count(".") <= 2
    )  # fmt: skip
    return [Block("yaml", found, "docker")] if found else []


def _known(key: str) -> bool:
    return any(part in keys.owners() for part in (key, key.rsplit(".", 1)[-1], key.split(".", 1)[0]))


def _plausible(key: str, value: str) -> bool:
    """Whether a line may be a setting: not a log line, not a version, not a sentence."""
    if not (key[:1].islower() or key[:1] == "_" or _ENV_NAME.fullmatch(key) or key in keys.owners()):
        return False
    if _VERSION.fullmatch(value.strip("\"'")):
        return False
    if value[:1] in "\"'[{&" or not value:
        return True
    return " " not in value.strip() or (
        key in keys.owners() and len(value) < 300 and not re.search(r"[\uff0c\u3002\uff1a]|[=:]\s?\S", value)
    )


def _as_words(line: str) -> str:
    """A list item of a container's arguments as a part of a command line."""
    body = line.strip()
    if re.match(r"-\s", body):
        body = body[2:].strip()
    if body.startswith(("args:", "command:", "[")):
        body = body.split(":", 1)[1] if body[0] != "[" else body
        body = (
            re.sub(r"^\s*>-?\s*$|[\[\]]", " ", body).replace('", "', '" "').replace('","', '" "').replace("', '", "' '")
        )
    return re.sub(r"^\s*\$\s|\s#\s.*$", "", body)
