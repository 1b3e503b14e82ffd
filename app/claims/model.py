"""What the verification of a model's sentences takes and gives."""

from dataclasses import dataclass
from typing import Literal

Field = Literal["cause", "check", "fix", "symptom", "prevention", "evidence"]
FIELDS: tuple[Field, ...] = ("cause", "check", "fix", "symptom", "prevention", "evidence")

Kind = Literal[
    "incident",  # the cited incident is not among those given
    "field",  # no such field, or the incident leaves it empty
    "form",  # Markdown, HTML, a link, a line break, empty or too long
    "language",  # not the language asked for
    "citation",  # a marker that the cited field does not carry
    "support",  # not the words of a passage of its source in their order
]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a model: its text, and the incident and field that it rests on.

    Field `evidence` is about the paste itself; the incident is the one whose explanation it serves.
    """

    text: str
    incident: str
    field: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a sentence may not be shown; `detail` names the words in question."""

    kind: Kind
    detail: str
