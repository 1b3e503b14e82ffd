"""Names that incidents and evidence share: components, models, signals, and the glossary of field terms."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kb import yamlio

_FOLDER = Path(__file__).parent


@cache
def table(name: str) -> Any:
    """The parsed content of <name>.yaml here, loaded once, when first used."""
    path = _FOLDER / f"{name}.yaml"
    return yamlio.load(path.read_text(encoding="utf-8"), path)[0]


def components() -> Mapping[str, list[str]]:
    """Component name → other spellings."""
    return table("components")  # type: ignore[no-any-return]


def models() -> Mapping[str, list[str]]:
    """Model name → other spellings."""
    return table("models")  # type: ignore[no-any-return]


def signals() -> Mapping[str, Mapping[str, Any]]:
    """Signal name → `read_in` (metric, log, words) and its meaning in `en` and `zh`."""
    return table("signals")  # type: ignore[no-any-return]


def metrics() -> Mapping[str, Mapping[str, list[str]]]:
    """`principal` and `companion` metrics: canonical name → other spellings."""
    return table("metrics")  # type: ignore[no-any-return]


def everyday() -> Mapping[str, str]:
    """Everyday Chinese word → English."""
    return table("everyday")  # type: ignore[no-any-return]


def glossary() -> Mapping[str, list[str]]:
    """Chinese field term → English terms, most usual first."""
    return {zh: [en] if isinstance(en, str) else en for zh, en in table("glossary").items()}
