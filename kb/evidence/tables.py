"""The reader's data files under kb/vocabulary, loaded once, when first used."""

from functools import cache
from importlib.resources import files
from typing import Any

from kb import yamlio


@cache
def table(name: str) -> Any:
    """The parsed content of kb/vocabulary/<name>.yaml."""
    source = files("kb") / "vocabulary" / f"{name}.yaml"
    data, _ = yamlio.load(source.read_text(encoding="utf-8"), f"kb/vocabulary/{name}.yaml")
    return data
