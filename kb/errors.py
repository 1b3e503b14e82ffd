"""Every error that Casebook raises on purpose.

CasebookError                 exit status, one clear line
├── InputError            2   what the user gave cannot be used
│   ├── IncidentError     2   an incident, group or vocabulary file breaks the format
│   └── NotFound          2   no incident or case of that name
├── UnavailableError      3   something needed is not there: server, disk, model
│   ├── LockedError       3   another process is writing the index
│   ├── ModelError        3   the served model; `reason` says what
│   │   ├── ModelUnavailable  it cannot be reached, or refuses
│   │   └── ModelFailed       it began to answer, or answered badly
│   └── IndexMismatch     3   the index was made by another embedding model or format
└── (any other exception) 70  our bug
"""

from pathlib import Path
from typing import Literal


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


class NotFound(InputError):
    """No incident or case of that name, or it belongs to somebody else."""


class UnavailableError(CasebookError):
    """Something needed is not there."""

    exit_code = 3


class LockedError(UnavailableError):
    """Another process is writing the index."""


class IndexMismatch(UnavailableError):
    """The index was made by another embedding model or another format."""


ModelReason = Literal[
    "unreachable",  # no connection within the limit
    "resting",  # it failed before and is left alone for a while
    "unauthorized",
    "unknown_model",
    "redirected",
    "overloaded",
    "server_error",
    "rejected",  # it does not take the request
    "too_long",  # the request is longer than the model's context
    "slow",  # a limit of time was passed
    "broken_off",  # the connection ended before the answer did
    "cut_off",  # the server ended the answer before the model did, mostly at the limit of tokens
    "endless",  # the answer passed every limit of length
    "nonsense",  # what came is not an answer of an OpenAI-compatible server
    "empty",
]


class ModelError(UnavailableError):
    """The served model; `reason` says what, for programs."""

    def __init__(self, reason: ModelReason, message: str) -> None:
        self.reason: ModelReason = reason
        super().__init__(message)


class ModelUnavailable(ModelError):
    """The served model cannot be reached, or refuses."""


class ModelFailed(ModelError):
    """The served model began to answer, or answered badly."""
