"""Help and error lines in Chinese: tables in chinese.yaml. What has no entry stays English."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from kb import yamlio

TABLE = Path(__file__).with_suffix(".yaml")


@lru_cache(1)
def _table() -> Mapping[str, Any]:
    data: Mapping[str, Any] = yamlio.load(TABLE.read_text(encoding="utf-8"), TABLE)[0]
    return data


def help_texts() -> Mapping[str, str]:
    """English help text → Chinese."""
    texts: Mapping[str, str] = _table()["help"]
    return texts


def documented(command: Any) -> Iterator[Any]:
    """A command of the command line, its parameters and subcommands: whatever has a `help`."""
    yield command
    yield from (one for one in command.params if getattr(one, "help", None))
    for below in getattr(command, "commands", {}).values():
        yield from documented(below)


def translate(command: Any) -> None:
    """Put the help of a command, its options and its subcommands into Chinese."""
    for one in documented(command):
        one.help = help_texts().get(one.help, one.help)


def line(text: str) -> str:
    """An error line, or what could not be checked, in Chinese, where its pattern is known."""
    for row in (*_table()["errors"], *_table()["skipped"]):
        if found := re.fullmatch(row["en"], text, re.DOTALL):
            return found.expand(row["zh"])
    return text
