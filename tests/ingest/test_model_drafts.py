"""The model's part in drafting: only quotations that stand in the source, only open fields, never a failed run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.drafts import draft
from ingest.model_drafts import Improver, find
from ingest.reading import read_source
from ingest.types import Draft
from kb.errors import ModelUnavailable
from kb.llm import Message

REPORT = """# Evaluation fails after an upgrade

## Symptom

RuntimeError: shape mismatch in the first evaluation step.

## Fix

Set the size again after loading.

## Notes from the call

The wrapper keeps a copy of the
old embedding, so both sizes meet in one sum.
"""


class Scripted:
    """A model that answers with a text, piece by piece, and keeps what it was asked."""

    def __init__(self, answer: str | ModelUnavailable) -> None:
        self.answer, self.asked = answer, 0
        self.schema: Mapping[str, Any] = {}

    def stream(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Iterator[str]:
        self.asked += 1
        self.schema = schema or {}
        return self._pieces()

    def _pieces(self) -> Iterator[str]:
        if isinstance(self.answer, ModelUnavailable):
            raise self.answer
        yield from (self.answer[i : i + 7] for i in range(0, len(self.answer), 7))


def ruled() -> Draft:
    [item] = read_source(REPORT.encode(), "note.md")
    made = draft(item)
    assert isinstance(made, Draft) and "cause" not in made.fields
    return made


def test_quotations_fill_open_fields_and_carry_their_spans() -> None:
    quote = "The wrapper keeps a copy of the old embedding, so both sizes meet in one sum."
    model = Scripted(json.dumps({"cause": [quote], "check": ["Print the shape of both matrices."], "prevention": []}))
    made = Improver(model)(ruled())
    assert made.value("cause") == "The wrapper keeps a copy of the\nold embedding, so both sizes meet in one sum."
    assert all(made.text[s.start : s.end] == made.value("cause") for s in made.fields["cause"].spans)
    assert "check" not in made.fields and "text.check" in made.open
    assert made.cause_status == "suspected" and "cause_status" not in made.open
    assert made.value("fix") == ruled().value("fix")
    assert set(model.schema["required"]) == {"check", "cause", "prevention"}
    assert any("do not stand in the source" in note for note in made.notes)


def test_an_answer_that_is_no_json_changes_nothing() -> None:
    for answer in ("I am sorry", '{"cause": "not a list"}', "{" * 5000, '{"cause": [1, null]}'):
        assert Improver(Scripted(answer))(ruled()) == ruled()


def test_a_model_that_is_away_is_asked_once_and_said_once() -> None:
    model = Scripted(ModelUnavailable("refused", "http://x: not reachable"))
    improver = Improver(model)
    assert [improver(ruled()), improver(ruled())] == [ruled(), ruled()]
    assert model.asked == 1 and improver.failure is not None and "not reachable" in improver.failure


def test_quotations_are_found_with_any_blanks_between_words_and_nothing_else() -> None:
    assert find("one two\n  three four", "two three four") == (4, 20)
    assert find("one two three four", "two three fourth") is None
    assert find("abc", "abc") is None  # too short to prove anything
