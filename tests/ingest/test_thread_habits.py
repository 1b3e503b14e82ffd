"""How people answer in threads: which comment gave the remedy, which sentence says why. All threads are invented."""

import json
from pathlib import Path
from typing import Any

import pytest

from evals import ingest_habits
from ingest.drafts import draft
from ingest.reading import read_source
from ingest.types import Draft
from kb import yamlio

Said = tuple[str, str]  # who, what
OPENING = "Training on two nodes fails.\n\n```\nRuntimeError: NCCL error: unhandled system error\n```"


def drafted(*comments: Said, opening: str = OPENING, title: str = "Two-node run crashes at start") -> Draft:
    posts = [
        {"author": {"login": who}, "authorAssociation": "MEMBER" if who == "maint" else "NONE", "body": body}
        for who, body in comments
    ]
    issue = {"title": title, "body": opening, "author": {"login": "rep"}, "state": "CLOSED", "comments": posts}
    issue |= {"url": "https://github.com/acme/kit/issues/7", "number": 7, "labels": []}
    [item] = read_source(json.dumps(issue).encode(), "t.json")
    made = draft(item)
    assert isinstance(made, Draft)
    return made


HABITS = yamlio.load((Path(ingest_habits.FILE)).read_text("utf-8"), "habits.yaml")[0]["threads"]


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit["name"])
def test_the_remedy_and_the_cause_of_a_thread(habit: dict[str, Any]) -> None:
    made = drafted(*(tuple(said) for said in habit["says"]))
    assert made.value("fix") == habit["fix"]
    assert made.fix_status == habit.get("status")
    assert "cause" not in habit or made.value("cause") == habit["cause"]


def test_maintenance_is_no_failure() -> None:
    from ingest.blocks import cue

    assert not cue("fails").search("Forum maintenance in our room")
