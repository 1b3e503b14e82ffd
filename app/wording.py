"""The look-up that all tables of sentences share: those of the answer, the page, the Slack bot and the watcher."""

from collections.abc import Mapping
from typing import Any

from kb.types import Lang

Table = Mapping[str, Mapping[Lang, str]]  # key → language → template with named fields


def worded(table: Table, key: str, lang: Lang, /, **fields: Any) -> str:
    """The text `key` in `lang` with its fields filled. Braces in field values are left as they are."""
    return table[key][lang].format(**fields)
