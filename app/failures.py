"""How the program ends badly: one line in the user's language, an exit status, the rest in the data folder's log."""

import sys
import traceback
from typing import Any

from app.settings import load_settings
from kb.errors import CasebookError


def _chinese() -> bool:
    try:
        return load_settings().interface_language == "zh"
    except CasebookError:
        return False


def localized(command: Any) -> Any:
    """The command table with its help in the interface's language."""
    if _chinese():
        from app.chinese import translate

        translate(command)
    return command


def fail(line: str, status: int) -> int:
    """Write the line to stderr; the status is passed through."""
    if _chinese():
        from app import chinese

        line = chinese.line(line)
    sys.stderr.write(f"casebook: {line}\n")
    return status


def bug(error: Exception) -> str:
    """Usage errors in their own words; anything else is written to the data folder's log, without the user's text."""
    if hasattr(error, "format_message"):
        return f"{error.format_message()} (see casebook --help)"
    line = f"a bug in casebook: {type(error).__name__}"
    try:
        log = load_settings().data / "casebook.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
        log.write_text("\n".join([line, *frames]) + "\n", encoding="utf-8")
        return f"{line}; details in {log}"
    except (OSError, CasebookError):
        return line
