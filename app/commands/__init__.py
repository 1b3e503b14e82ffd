"""The commands of `casebook`, in groups. What a command needs is imported when it runs: start-up takes no seconds."""

from typing import Any

from app.settings import Settings


def open_casebook(settings: Settings, *, keep: bool = False) -> Any:
    """The casebook of a command, its notes on standard error."""
    from app.casebook import Casebook
    from app.cli import note

    return Casebook(settings, note, keep=keep)
