"""Every error that Casebook raises on purpose.

CasebookError                 exit status, one clear line
├── InputError            2   what the user gave cannot be used
│   └── IncidentError     2   an incident, group or vocabulary file breaks the format
├── UnavailableError      3   something needed is not there: server, disk, model
│   ├── LockedError       3   another process is writing the index
│   └── IndexMismatch     3   the index was made by another embedding model or format
└── (any other exception) 70  our bug
"""

from pathlib import Path


class CasebookError(Exception):
    """A line that names the thing, what was tried, and what fixes it."""

    exit_code = 70


class InputError(CasebookError):
    """What the user gave cannot be used."""

    exit_code = 2


class IncidentError(InputError):
    """A file of the knowledge base breaks the format: file, line and field are named."""

    def __init__(self, path: Path | str, line: int, field: str, message: str) -> None:
        self.path, self.line, self.field, self.message = str(path), line, field, message
        super().__init__(f"{path}:{line}: {field}: {message}")


class UnavailableError(CasebookError):
    """Something needed is not there."""

    exit_code = 3


class LockedError(UnavailableError):
    """Another process is writing the index."""


class IndexMismatch(UnavailableError):
    """The index was made by another embedding model or another format."""
