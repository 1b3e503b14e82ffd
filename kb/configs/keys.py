"""The tables of keys.yaml: which kinds know a key, and the one spelling of each key within a kind."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from kb import yamlio
from kb.configs.model import Pair
from kb.patterns import PatternSet, escape

_FILE = Path(__file__).parent / "keys.yaml"
_MIXED = re.compile(r"(?=.*[a-z0-9])(?=.*[_\-.])[\w.-]+", re.I)


class Kind(NamedTuple):
    """One tool's keys: canonical keys, other spellings, and leaves of nested keys that stand for one key only."""

    name: str
    keys: frozenset[str]
    aliases: Mapping[str, str]
    leaves: Mapping[str, str]
    hyphens: bool
    base: str | None


class Command(NamedTuple):
    """A program whose flags are configuration; `then` says what follows its own flags."""

    pattern: re.Pattern[str]
    kind: str | None
    then: str | None
    positional: str | None


@cache
def table() -> dict[str, Any]:
    """keys.yaml as data."""
    data: dict[str, Any] = yamlio.load(_FILE.read_text(encoding="utf-8"), _FILE)[0]
    return data


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name; the keys of the kind it extends are among its own."""
    given = table()["kinds"]
    built: dict[str, Kind] = {}
    for name, data in given.items():
        base = data.get("extends")
        own = data["keys"].split()
        keys = {*own, *(built[base].keys if base else ())}
        aliases = {**(dict(built[base].aliases) if base else {}), **data.get("aliases", {})}
        aliases = {alias: key for alias, key in aliases.items() if alias not in own}
        leaves = _leaves(own) if name in ("deepspeed", "model", "accelerate", "verl") else {}
        if name == "verl":  # its other leaves are ordinary words, and others' keys
            leaves = {leaf: key for leaf, key in leaves.items() if specific(leaf)}
        built[name] = Kind(name, frozenset(keys), aliases, leaves, bool(data.get("hyphens")), base)
    return built


def _leaves(keys: Iterable[str]) -> dict[str, str]:
    """The end of a nested key → the key, for fragments that begin inside; only what one key alone ends with."""
    ends: dict[str, set[str]] = {}
    keys = list(keys)
    for key in keys:
        parts = key.split(".")
        for start in range(1, len(parts)):
            ends.setdefault(".".join(parts[start:]), set()).add(key)
    return {end: full.pop() for end, full in ends.items() if len(full) == 1 and end not in keys}


@cache
def commands() -> Sequence[Command]:
    """The command table, in its order."""
    return [
        Command(re.compile(row["pattern"]), row["kind"], row.get("then"), row.get("positional"))
        for row in table()["commands"]
    ]


@cache
def patterns(name: str) -> Sequence[tuple[re.Pattern[str], str]]:
    """Pattern and kind of the rows of `images` or `files`."""
    return [(re.compile(row["pattern"]), row["kind"]) for row in table()[name]]


@cache
def owners() -> Mapping[str, tuple[str, ...]]:
    """A spelling → the kinds that know it, for every key, alias and leaf."""
    found: dict[str, list[str]] = {}
    for kind in kinds().values():
        for word in (*kind.keys, *kind.aliases, *kind.leaves):
            for spelling in {word, word.replace("-", "_")} if kind.hyphens else {word}:
                found.setdefault(spelling, []).append(kind.name)
    return {word: tuple(names) for word, names in found.items()}


@lru_cache(8192)
def canonical(kind: str, key: str) -> str:
    """The one spelling of a key within its kind: hyphens or underscores as the tool has them, older names renewed."""
    if kind == "env" or kind not in kinds():
        return key
    of = kinds()[kind]
    first, dot, rest = key.strip("-").partition(".")
    key = (first.replace("_", "-") if of.hyphens else first.replace("-", "_")) + dot + rest
    if key not in of.keys and key.lower() in of.keys:
        key = key.lower()
    key = of.aliases.get(key, key)
    if key in of.keys:
        return key
    return of.leaves.get(key) or _of_leaf(of, key) or _unwrapped(of, key) or key


def _of_leaf(of: Kind, key: str) -> str | None:
    """Aliases of nested keys, also where the fragment begins inside."""
    for alias, key_ in of.aliases.items():
        if "." in alias and alias.endswith("." + key):
            return key_
    return None


def _unwrapped(of: Kind, key: str) -> str | None:
    """The key without outer keys that only hold a configuration, where that leaves a key of the kind."""
    while "." in key:
        outer, key = key.split(".", 1)
        if outer not in table()["wrappers"]:
            return None
        if key in of.keys:
            return key
    return None


def knows(kind: str, key: str) -> bool:
    """Whether the key is one of the kind's."""
    of = kinds().get(kind)
    return of is not None and canonical(kind, key) in of.keys


def specific(word: str) -> bool:
    """Whether a word is unlikely to be anything but a key: it has an underscore, hyphen or dot inside."""
    return _MIXED.fullmatch(word) is not None


@cache
def _names() -> tuple[Sequence[str], PatternSet]:
    """The kind of every word that names a tool, and all these words as one set of patterns."""
    rows = [(kind, word) for kind, data in table()["kinds"].items() for word in data.get("names", ())]
    return [kind for kind, _ in rows], PatternSet([_as_word(word) for _, word in rows])


def _as_word(word: str) -> str:
    return rf"\b{escape(word)}\b" if word.isascii() else escape(word)


def named_in(text: str) -> frozenset[str]:
    """The kinds whose tool the text names."""
    kinds_, words = _names()
    return frozenset(kinds_[index] for index in words.match(text))


def choose(form: str, pairs: Sequence[Pair], named: frozenset[str]) -> tuple[str, ...]:
    """The kinds that a block's keys speak for, the first of equals unless the text names others; () for none.

    A key counts the more, the fewer kinds know it.
    """
    order = table()["forms"][form]
    scores: Counter[str] = Counter()
    for pair in pairs:
        knowing = [kind for kind in order if knows(kind, pair.key) and _fits(kind, pair)]
        for kind in knowing:
            scores[kind] += 12 // len(knowing) + 1
    if not scores:
        return ()
    best = max(scores.values())
    equal = [kind for kind in order if scores[kind] >= best]
    told = [kind for kind in equal if kind in named] or equal[:1]
    bases = {kinds()[kind].base for kind in told}
    return tuple(kind for kind in told if kind not in bases)


def _fits(kind: str, pair: Pair) -> bool:
    """Keys that mean different things by their value: `stage: 2` is ZeRO's, `stage: sft` LLaMA-Factory's."""
    if pair.key == "stage":
        return (kind == "deepspeed") == isinstance(pair.value, int)
    if pair.key in ("offload_optimizer", "offload_model"):
        return isinstance(pair.value, bool)
    if pair.key in ("fp16", "bf16", "optimizer", "scheduler"):
        return kind != "deepspeed"
    return True
