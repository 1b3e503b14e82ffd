"""What is kept of a case, as plain data. Every text in it is after redaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import NonNegativeInt

from app.diagnosis import Diagnosis, GivenAnswer
from kb.types import Frozen, Lang

Outcome = Literal["fixed", "not_mine", "other"]
OUTCOMES: tuple[Outcome, ...] = ("fixed", "not_mine", "other")


class SavedInput(Frozen):
    """One text of a turn. The middle of a long one is left out; its line breaks stay, and with them the numbers."""

    name: str
    text: str


class SavedTurn(Frozen):
    """One turn: what was sent, what was answered. `question` is its distilled query."""

    number: NonNegativeInt
    created: datetime
    question: str = ""
    inputs: tuple[SavedInput, ...] = ()
    answers: tuple[GivenAnswer, ...] = ()
    diagnosis: Diagnosis


class Feedback(Frozen):
    """What became of it. `base_version` is that of the incidents that the case was answered from."""

    created: datetime
    outcome: Outcome
    incident: str | None = None
    note: str | None = None
    base_version: str = ""


class SavedCase(Frozen):
    """A case with all that was kept of it, oldest first; it has at least one turn."""

    case: str
    created: datetime
    language: Lang
    turns: tuple[SavedTurn, ...]
    feedback: tuple[Feedback, ...] = ()

    @property
    def diagnosis(self) -> Diagnosis:
        """The last diagnosis."""
        return self.turns[-1].diagnosis


class Question(Frozen):
    """A question that the base did not answer, or answered wrongly by the asker's word."""

    text: str
    language: Lang
    why: Literal["unanswered", "down_voted"]
    created: datetime
    note: str | None = None


Counts = Mapping[Outcome, int]
