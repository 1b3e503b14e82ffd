"""What is read from configurations, and what the forms of text hand to the choice of a kind."""

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """One setting: `key` in the spelling of its kind, nested keys dotted; `spelling` as it stands in the text.

    `value` is str, int, float, bool, None or a tuple of these. `line` is 1-based within `input`.
    """

    kind: str
    key: str
    value: Any
    input: str
    line: int
    spelling: str


class Pair(NamedTuple):
    """A key as written, nested keys dotted, its value, and the index of its line (from 0)."""

    key: str
    value: Any
    line: int


class Block(NamedTuple):
    """Pairs that stand together: the form of the text, and the kind where the text says it."""

    form: str
    pairs: tuple[Pair, ...]
    kind: str | None = None
