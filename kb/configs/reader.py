"""Inputs → settings: the text is cut into blocks, each block gets its kind, each key the spelling of the kind."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from kb.configs import keys
from kb.configs.cutter import Cutter
from kb.configs.model import Block, ConfigValue, Pair
from kb.evidence import Input
from kb.evidence.decode import Notes, to_text
from kb.patterns import Pattern, escape

MAX_CHARS = 300_000  # of one input: configurations stand in front, and are short
MAX_VALUES = 5000


def read_configs(inputs: Sequence[Input]) -> tuple[ConfigValue, ...]:
    """Every setting that the inputs hold, in the order of inputs and lines.

    Never raises for any content. Of each input the first 300,000 characters are read, and 5,000 settings at most.
    """
    values: dict[ConfigValue, None] = {}
    for given in inputs:
        for value in _read_one(given.name, _text(given.text)):
            values.setdefault(value)
            if len(values) >= MAX_VALUES:
                return tuple(values)
    return tuple(values)


def _text(text: str | bytes | Path) -> str:
    if isinstance(text, Path):
        with text.open("rb") as file:
            text = file.read(MAX_CHARS)
    return to_text(text[:MAX_CHARS], Notes()) if isinstance(text, bytes) else text[:MAX_CHARS]


@cache
def _gate() -> Pattern:
    """Any key that is unlike an ordinary word, any other key with a separator, a command, a variable."""
    clear = sorted(word for word in keys.owners() if keys.specific(word))
    plain = sorted(word for word in keys.owners() if not keys.specific(word) and len(word) > 1)
    parts = [
        rf"\b(?:{'|'.join(map(escape, clear))})\b",
        rf"\b(?:{'|'.join(map(escape, plain))})[\"'`]?\s*[:=]",
        r"(?:^|[^\w-])--[a-z][\w-]+(?:[ =]|$)", r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\s?=", r"PARAMETER\s+\w", r"^FROM\s",
        r"(?i:zero[-_ ]?(?:stage)?[-_ ]?[0-3])",
        r"\b(?:export|ENV|ollama|docker|vllm|swift|llamafactory-cli|llama-(?:server|cli|bench))\s",
        r"-m\s+(?:vllm|sglang|verl|axolotl)\.\w", r"[A-Z][A-Z0-9]*_[A-Z0-9_]+[\"']?\]?[:,]? ",
    ]  # fmt: skip
    return Pattern(f"(?m){'|'.join(parts)}")


def _read_one(name: str, text: str) -> Iterator[ConfigValue]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    hits = _hits(text)
    if not hits:
        return
    blocks = list(Cutter(name, text, hits).blocks())
    named = keys.named_in(f"{name}\n{text[:20_000]}") if blocks else frozenset()
    for block in blocks:
        yield from _settle(block, name, named)


def _hits(text: str) -> list[int]:
    """The lines in which something looks like a setting."""
    data = text.encode("utf-8", "replace")
    hits, line, counted, at = [], 0, 0, 0
    while span := _gate().search(data, at):
        line += data.count(b"\n", counted, span[1])
        counted = span[1]
        at = data.find(b"\n", span[1])
        hits.append(line)
        if at < 0:
            break
    return hits


def _settle(block: Block, name: str, named: frozenset[str]) -> Iterator[ConfigValue]:
    """The kind or kinds of a block's pairs, and the spelling of the kind."""
    if any(pair.key.replace("'", "") in keys.table()["metrics"] for pair in block.pairs):
        return
    inner = tuple(pair for pair in block.pairs if pair.key.startswith("deepspeed."))
    if inner and block.kind != "deepspeed":
        yield from _settle(Block("json", inner, "deepspeed"), name, named)
        block = block._replace(pairs=tuple(pair for pair in block.pairs if pair not in inner))
    kinds = (block.kind,) if block.kind else keys.choose(block.form, block.pairs, named)
    asked = any(pair.key.split(".", 1)[0] == "messages" for pair in block.pairs)
    for kind in kinds if not asked or kinds[:1] == ("ollama",) else ():
        for pair in (_positive(kind, given) for given in block.pairs if not _asked(kind, given)):
            if not (pair.key in ("fp16", "bf16") and kind == "deepspeed"):
                yield from _meanings(ConfigValue(kind, _key(kind, pair), pair.value, name, pair.line + 1, pair.key))


def _asked(kind: str, pair: Pair) -> bool:
    """Whether a pair of a request is its content."""
    return pair.key.split(".", 1)[0] in keys.table()["contents"] and not keys.knows(kind, pair.key)


def _key(kind: str, pair: Pair) -> str:
    return keys.canonical(kind, pair.key)


def _positive(kind: str, pair: Pair) -> Pair:
    """`--no-x` as x = False, where the tool knows x and not no-x."""
    name = pair.key.strip("-")
    positive = name.removeprefix("no-").removeprefix("no_")
    if pair.value is not True or positive == name or keys.knows(kind, name) or not keys.knows(kind, positive):
        return pair
    return pair._replace(key=positive, value=False)


def _meanings(value: ConfigValue) -> Iterator[ConfigValue]:
    """The setting, and what it means for another tool."""
    yield value
    other = keys.table()["means"].get(value.kind, {}).get(value.key)
    if other:
        yield replace(value, kind=other[0], key=other[1])
