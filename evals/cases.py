"""Evaluation cases: the file format and its loader. Unknown keys are errors; answerable is derived, never written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from kb import yamlio
from kb.errors import InputError
from kb.types import Frozen, Lang, NonEmpty, Slug

FOLDER = Path(__file__).parent / "cases"


class OutsideCause(Frozen):
    """A cause that may not be in the base: a name for it, and the thread that tells it."""

    slug: Slug
    thread: NonEmpty | None = None


class Answered(Frozen):
    """A check already answered in this case."""

    check: NonEmpty
    value: Literal["yes", "no"]


class Case(Frozen):
    """One question with its true cause.

    `decidable`: the text alone tells the cause from its rivals. `must`: patterns that the fix of a right answer
    matches, case ignored. `pair`: the id of the same case in the other language.
    """

    id: NonEmpty
    query: NonEmpty
    language: Lang
    kind: Literal["symptom", "log", "config", "chatty", "injection", "secret", "off-topic", "healthy"]
    decidable: bool = True
    cause: Slug | OutsideCause | None
    must: tuple[str, ...] = ()
    thread: NonEmpty | None = None
    pair: NonEmpty | None = None
    answers: tuple[Answered, ...] = Field(default=())


def load_cases(folder: Path) -> list[Case]:
    """All cases of a folder's YAML files. Raises InputError that names file, case and field."""
    cases = [case for path in sorted(folder.rglob("*.yaml")) for case in _load(path)]
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise InputError(f"{folder}: case {case.id} is there twice")
        seen.add(case.id)
    return cases


def _load(path: Path) -> Iterator[Case]:
    data, lines = yamlio.load(path.read_text(encoding="utf-8"), path)
    for index, entry in enumerate(data or []):
        try:
            yield Case.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}:{lines.get((index,), 1)}: {field}: {first['msg']}") from error
