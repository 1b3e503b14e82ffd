"""What REST and MCP take and give beside a diagnosis."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.casefile import Outcome
from app.diagnosis import File, GivenAnswer, Request
from app.keeping import MAX_NOTE
from kb.evidence import Input
from kb.evidence.model import ConfigFinding
from kb.types import Area, CauseKind, FixStatus, Frozen, Incident, Lang, Text

MAX_FILES, MAX_ANSWERS = 20, 100
CaseId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class NamedFile(File):
    """A text file; of a path only the last part counts."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]

    def as_input(self) -> Input:
        """The file as an input of a case."""
        return Input(PurePosixPath(self.name.replace("\\", "/")).name[:200] or "file", self.content)


class CheckAnswer(GivenAnswer):
    """The answer to a check of an earlier diagnosis."""

    check: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Ask(Request):
    """One turn: text, files or answers; `case` continues an earlier one."""

    files: Annotated[tuple[NamedFile, ...], Field(max_length=MAX_FILES)] = ()
    case: CaseId | None = None
    answers: Annotated[tuple[CheckAnswer, ...], Field(max_length=MAX_ANSWERS)] = ()

    def inputs(self) -> list[Input]:
        """The texts of the turn."""
        typed = [Input("text", self.text)] if self.text and self.text.strip() else []
        return [*typed, *(file.as_input() for file in self.files)]


class LintAsk(Frozen):
    """The configuration files of one run."""

    files: Annotated[tuple[NamedFile, ...], Field(min_length=1, max_length=MAX_FILES)]
    language: Lang = "en"


class Findings(Frozen):
    """What is wrong, what only informs, and how files read."""

    findings: tuple[ConfigFinding, ...]
    notes: tuple[ConfigFinding, ...]
    remarks: tuple[str, ...]


class GivenFeedback(Frozen):
    """What became of a case. Without `incident` it is about the first cause."""

    outcome: Outcome
    incident: Annotated[str, StringConstraints(max_length=100)] | None = None
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE)] | None = None


class Summary(Frozen):
    """An incident in a list."""

    id: str
    title: Text
    area: Area
    loud: bool
    components: tuple[str, ...]
    symptom_groups: tuple[str, ...]
    cause_kind: CauseKind
    fix_status: FixStatus
    status: Literal["draft", "reviewed", "retired"]

    @classmethod
    def of(cls, incident: Incident) -> "Summary":
        """The summary of an incident."""
        return cls.model_validate({name: getattr(incident, name) for name in cls.model_fields})


class FoundIncident(Frozen):
    """A search result; `score` in [0, 1]."""

    score: float
    incident: Summary


class IncidentPage(Frozen):
    """A page of a list of `total` incidents."""

    total: int
    offset: int
    incidents: tuple[Summary, ...]


class ShownIncident(Frozen):
    """An incident, and how often each outcome was reported for it."""

    incident: Incident
    outcomes: Mapping[Outcome, int]
