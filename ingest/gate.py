"""Whether a page or thread tells of a failure at all: a small model over its title, parts and best sentences. Pure."""

import math
import re
from collections.abc import Mapping, Sequence

from ingest.blocks import cue
from ingest.headings import words_of
from ingest.sentences import NOTHING, Said
from ingest.told import Told
from ingest.types import Page, Thread
from ingest.weighing import judge
from kb.evidence import Input, read

_TITLES = ("problem_titles", "fails", "howto_titles", "news_titles", "several_titles", "tagged_titles", "requests",
           "postmortem_titles", "first_person")  # fmt: skip
_DEEDS = frozenset({"acted", "tries", "fixed", "confirms"})
_YOU = re.compile(r"\byou(?:r|rs)?\b|[你您]", re.I)
_LONGEST = 60_000  # characters in which evidence is looked for
_LOW = -4.0
ENOUGH = {"page": 0.0, "thread": -0.8}  # log-odds; a thread is a report until shown otherwise


def holds_incident(name: str, found: Mapping[str, float]) -> bool:
    """Whether the model `page` or `thread` takes these signs for an incident."""
    return judge().linear(f"{name} gate", found) > ENOUGH[name]


def page_signs(page: Page, parts: Sequence[Said], named: set[str], symptom: str) -> dict[str, float]:
    """The features of a page. `named`: the parts that headings name; `symptom`: what would be its symptom."""
    found = _titles(page.title) | _evidence(f"{page.title}\n{symptom}") | _best(parts)
    guide = sum(1 for s in page.sections if cue("guide_headings").match(words_of(s.heading)))
    found |= {f"names {name}": float(name in named) for name in ("symptom", "cause", "fix", "tried")}
    found |= {"guide": math.log1p(guide), "sections": math.log1p(len(page.sections))}
    found["told"] = float("symptom" in named and bool({"cause", "fix"} & named))
    found["fails there"] = float(cue("fails").search(symptom) is not None)
    found["ours"] = float(cue("first_person").search(page.article) is not None)
    return found


def thread_signs(thread: Thread, told: Sequence[Told], choice: float) -> dict[str, float]:
    """The features of a thread. `choice`: the log-odds of its best candidate for a fix."""
    first = told[0]
    found = _titles(f"{thread.title} {' '.join(thread.labels)}")
    found |= _evidence(f"{thread.title}\n{first.post.body}") | _best(first.parts)
    later = [p for t in told[1:] for p in t.parts]
    found["later why"] = max(max((p.why for p in later), default=_LOW), _LOW) / 4
    found["choice"] = max(min(choice, 4.0), _LOW) / 4
    found["settled"] = float(any(t.post.accepted or (t.post.role == "reporter" and t.works > 0) for t in told[1:]))
    found["tried"] = max(max((t.failed for t in told[1:] if t.post.role == "reporter"), default=_LOW), _LOW) / 4
    found["asks"] = float(any("asks" in p for p in first.parts))
    found["fails there"] = float(any("fails" in p and not cue("foretold").search(p.text) for p in first.parts))
    found["pull"] = float(thread.kind == "pull")
    found["alone"] = float(len(told) == 1)
    return found


def _titles(title: str) -> dict[str, float]:
    return {f"title {name}": float(cue(name).search(title) is not None) for name in _TITLES}


def _evidence(text: str) -> dict[str, float]:
    """What the evidence reader sees: a failure that is shown, one that is only named, software of our vocabulary."""
    evidence = read([Input("text", text[:_LONGEST])]).evidence
    shown = evidence.initiating_error or evidence.exceptions or any(s.seen_in != "words" for s in evidence.signals)
    mentions = evidence.mentions
    return {
        "shown": float(bool(shown)),
        "signals": float(bool(evidence.signals)),
        "known": float(bool(mentions.components or mentions.models or mentions.hardware)),
    }


def _best(parts: Sequence[Said]) -> dict[str, float]:
    """How clearly sentences tell what was seen, why, and what to do; how much they address the reader."""
    prose = [p for p in parts if not p.code and p.seen > NOTHING]
    many = max(len(prose), 1)
    found = {"sentences": math.log1p(len(prose)) / 4}
    for name in ("seen", "why", "how"):
        logits = [getattr(p, name) for p in prose]
        found[f"best {name}"] = max(max(logits, default=_LOW), _LOW) / 4
        found[f"share {name}"] = sum(1 for logit in logits if logit > 0) / many
    found["you"] = sum(1 for p in prose if _YOU.search(p.text)) / many
    found["failing"] = sum(1 for p in prose if "fails" in p) / many
    found["telling"] = sum(1 for p in prose if p.does & _DEEDS) / many
    found["told by us"] = sum(1 for p in prose if cue("first_person").search(p.text)) / many
    found["turning"] = float(any(cue("found_out").search(p.text) for p in prose))
    return found
