"""Small threads with known answers, and rebuilt ones: sources of `python -m evals ingest-fit` beside the folders."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from evals import ingest_threads
from evals.ingest_eval import stories
from ingest.reading import read_source
from ingest.types import Page, Thread
from kb import yamlio

FILE = Path(__file__).parent / "ingest" / "habits.yaml"
ROUNDS = 3  # times that each story is rebuilt, with other phrases
Source = tuple[Page | Thread, Mapping[str, Any]]


def habits() -> Iterator[Source]:
    """The threads of habits.yaml with labels as the labelled folders have them."""
    data = yamlio.load(FILE.read_text("utf-8"), FILE.name)[0]
    for habit in data["threads"]:
        comments = [
            {"author": {"login": who}, "authorAssociation": "MEMBER" if who == "maint" else "NONE", "body": said}
            for who, said in habit["says"]
        ]
        issue = {"title": data["title"], "body": data["opening"], "author": {"login": "rep"}, "comments": comments}
        issue |= {"url": "https://github.com/acme/kit/issues/7", "number": 7, "labels": [], "state": "CLOSED"}
        truth: dict[str, Any] = {name: [habit[name]] if habit.get(name) else [] for name in ("cause", "fix")}
        truth |= {"symptom": [data["symptom"]], "tried_failed": habit.get("failed", []), "incident": True}
        truth["confirmed"] = habit.get("status") == "confirmed"
        yield from ((item, truth) for item in read_source(json.dumps(issue).encode(), "habit.json"))


def rebuilt(seed: int = 11) -> Iterator[Source]:
    """Threads around the stories of `python -m evals ingest`."""
    rng, told = Random(seed), stories()
    for _ in range(ROUNDS):
        for story in told["incidents"]:
            talk = ingest_threads.talk(story, rng)
            failed = [story["tried"], *ingest_threads.refusals(story["lang"])]
            truth = {**talk.truth, "tried_failed": failed, "incident": True, "confirmed": True}
            yield from ((item, truth) for item in _read(talk))
    for story in told["requests"]:
        yield from ((item, {"incident": False}) for item in _read(ingest_threads.request(story)))


def _read(talk: ingest_threads.Talk) -> list[Page | Thread]:
    return read_source(json.dumps(ingest_threads.rest(talk)).encode(), "rebuilt.json")
