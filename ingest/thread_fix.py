"""Posts of a thread → what fixed it, who says so, and how far that is confirmed. Pure.

Every post that tells what to do or what was done is a candidate. A small model (weights.json, `choice`) weighs what it
tells, who wrote it, and what the reporter and others answered to it; nothing is chosen where no candidate convinces.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ingest.answers import directs, helpful, names, remedy
from ingest.blocks import cue
from ingest.sentences import NOTHING, Said
from ingest.told import Told, shows_error
from ingest.types import Thread
from ingest.weighing import Judge, judge
from kb.types import FixStatus

_CHANGE = re.compile(r"#\d+|/pull/\d+|/commit/[0-9a-f]+|\bPR\b")
_MENTION = re.compile(r"@([\w-]{2,39})")
_QUOTE = re.compile(r"^[ \t]{0,3}>[ \t]?(.+)$", re.M)
REFUSED = 5.0  # log-odds that an advice loses which the reporter answers with a failure, and no success after it
CHOSEN = 0.3  # log-odds from which a candidate is taken rather than none
CONFIRMS = 0.2  # log-odds from which a post says that it worked
_NEAR = 40  # later posts in which an answer is looked for
_LEAST_QUOTE = 12  # characters of a quoted line that name a post


@dataclass(frozen=True, slots=True)
class Choice:
    """The fix, the post it stands in, and what vouches for it."""

    told: Told
    parts: list[Said]
    status: FixStatus
    why: str


def find_fix(thread: Thread, told: Sequence[Told], update: int) -> tuple[Choice | None, float]:
    """The fix of a thread, None where nothing convinces, and the log-odds of the best candidate.

    `update`: the first part of the opening post that was added when the matter was settled.
    """
    some = candidates(told, update)
    logit, one = best_candidate(thread, told, some, judge())
    if thread.kind == "pull" and (own := _pull(thread, told[0])):
        return own, logit
    if one is None or logit < CHOSEN:
        return None, logit
    status, why = _standing(thread, told, one, added=one.number == 0 and update < len(told[0].parts))
    return Choice(one, taken(one), status, why), logit


def best_candidate(thread: Thread, told: Sequence[Told], some: Sequence[Told], by: Judge) -> tuple[float, Told | None]:
    """The candidate that convinces most, and its log-odds against none being the fix."""
    weighed = [
        (by.linear("choice", found) - (REFUSED if _refused(found) else 0.0), one)
        for one, found in zip(some, signs(thread, told, some), strict=True)
    ]
    return max(weighed, key=lambda w: w[0]) if weighed else (NOTHING, None)


def _refused(found: Mapping[str, float]) -> bool:
    """Whether the reporter answered that an advice failed, and did not end by saying that something worked."""
    return found.get("answered fails", 0.0) > 0.5 and found.get("ends well", 0.0) < 0.5


def _pull(thread: Thread, first: Told) -> Choice | None:
    """A change's own description is its fix."""
    parts = [p for p in first.parts if p.section == "fix"] or taken(first)
    merged = thread.state == "merged"
    why = "the change was merged" if merged else "the change is not merged"
    return Choice(first, parts, "confirmed" if merged else "untested", why) if parts else None


def candidates(told: Sequence[Told], update: int) -> list[Told]:
    """Posts that may hold the fix; what the reporter added to the first post stands for that post."""
    first = told[0]
    added = replace(first, parts=first.parts[update:]) if update < len(first.parts) else first
    return [t for t in (added, *told[1:]) if helpful(t.parts)]


def taken(one: Told) -> list[Said]:
    """What of a post is the fix: what it tells to do or was done, else its likeliest sentence."""
    if parts := remedy(one.parts):
        return parts
    if code := [p for p in one.parts if p.code and not shows_error(p.text)]:
        return code
    prose = [p for p in one.parts if not p.code]
    return [max(prose, key=lambda p: p.how)] if prose else []


class _Heard(NamedTuple):
    """Whom and what a post names."""

    people: frozenset[str]
    quotes: tuple[str, ...]
    names: frozenset[str]


def _heard(one: Told) -> _Heard:
    quotes = (q.strip() for q in _QUOTE.findall(one.post.body))
    return _Heard(
        frozenset(name.lower() for name in _MENTION.findall(one.post.body)),
        tuple(q[:80] for q in quotes if len(q) > _LEAST_QUOTE),
        frozenset(names(" ".join(p.text for p in one.parts if not p.code))),
    )


def signs(thread: Thread, told: Sequence[Told], some: Sequence[Told]) -> list[dict[str, float]]:
    """The features of every candidate, from itself and at most _NEAR posts after it."""
    merged = [c for c in thread.changes if c.merged]
    last = next((t for t in reversed(told[1:]) if t.post.role == "reporter"), None)
    heard = {t.number: _heard(t) for t in told[1:]}
    place = {t.number: i for i, t in enumerate(told)}
    people = frozenset(t.post.author.lower() for t in some)
    out = []
    for at, one in enumerate(some):
        after = told[place[one.number] + 1 : place[one.number] + 1 + _NEAR]
        rivals = [t.number for t in some[at + 1 : at + 1 + _NEAR] if t.post.author != one.post.author]
        ties = names(" ".join(p.text for p in remedy(one.parts)))
        found = _own_signs(one, last) | _answers(one, after, rivals, ties, heard, people)
        if last and last.number > one.number:
            found["ends well"] = _share(last.works)
            found["ends well here"] = found["ends well"] * (not any(n < last.number for n in rivals))
        found["merged"] = float(any(p.start <= c.start < p.end for p in one.parts for c in merged))
        out.append(found)
    _compare(out)
    return out


def _compare(found: Sequence[dict[str, float]]) -> None:
    """How far every candidate stands behind the best, and which is the last."""
    how, why = (max((f[name] for f in found), default=0.0) for name in ("how", "why"))
    for at, signs_of_one in enumerate(found):
        signs_of_one["how behind"] = signs_of_one["how"] - how
        signs_of_one["why behind"] = signs_of_one["why"] - why
        signs_of_one["very last"] = float(at == len(found) - 1)
        signs_of_one["own how"] = signs_of_one["how"] * signs_of_one.get("by reporter", 0.0)


def _answers(
    one: Told,
    after: Sequence[Told],
    rivals: Sequence[int],
    ties: set[str],
    heard: Mapping[int, _Heard],
    people: frozenset[str],
) -> dict[str, float]:
    """What the reporter and others answer to a candidate."""
    found = {"later": math.log1p(len(rivals))}
    mine = [t for t in after if t.post.role == "reporter" and not _speaks_of_others(heard[t.number], one, people)]
    points = {t.number: _points(heard[t.number], one, ties) for t in after}
    if mine and one.post.role != "reporter":
        when = "answered" if not any(n < mine[0].number for n in rivals) else "then"
        found |= {f"{when} works": _share(mine[0].works), f"{when} fails": _share(mine[0].failed)}
        found["worst answer"] = max(_share(t.failed) * points[t.number] for t in mine)
        found["best answer"] = max(_share(t.works) * points[t.number] for t in mine)
    others = [t for t in after if t.post.role == "other" and t.post.author != one.post.author]
    found["others"] = max((_share(t.works) * points[t.number] for t in others), default=0.0)
    return found


def _own_signs(one: Told, last: Told | None) -> dict[str, float]:
    """What a candidate shows by itself."""
    told = [p for p in one.parts if directs(p)]
    own = one.post.role == "reporter"
    found = {
        "how": max((p.how for p in one.parts), default=-9.0) / 4,
        "why": max(max((p.why for p in one.parts), default=-9.0), -4.0) / 4,
        "explains": float(any(p.why > 0 for p in one.parts)),
        "tells": float(bool(told)),
        "code": float(any(p.code and not shows_error(p.text) for p in one.parts)),
        "accepted": float(one.post.accepted),
        "approval": math.log1p(max(one.post.approval, 0)),
        f"by {one.post.role}": 1.0,
        "opening": float(one.number == 0),
        "change": float(any(_CHANGE.search(p.text) for p in told)),
        "asks": float(all("asks" in p for p in told)) if told else 0.0,
        "hedged": float(any(cue("pending").search(p.text) for p in told)),
    }
    if own and one.number:
        found |= {"own works": _share(one.works), "own fails": _share(one.failed), "own last": float(one is last)}
        found["found out"] = float(any(cue("found_out").search(p.text) for p in one.parts))
    return found


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def _speaks_of_others(later: _Heard, one: Told, people: frozenset[str]) -> bool:
    """Whether a post names the writers of other candidates only, or quotes others only."""
    if one.post.author.lower() in later.people or any(q in one.post.body for q in later.quotes):
        return False
    return bool(later.people & people) or bool(later.quotes)


def _points(later: _Heard, one: Told, ties: set[str]) -> float:
    """How clearly a post speaks of a candidate: 1 where it names or quotes it, less for shared words."""
    if one.post.author.lower() in later.people or any(q in one.post.body for q in later.quotes):
        return 1.0
    common = len(ties & later.names)
    return common / (common + 2)


def _standing(thread: Thread, told: Sequence[Told], one: Told, added: bool) -> tuple[FixStatus, str]:
    """How far a chosen fix is confirmed. `added`: the reporter added it to the first post."""
    later = [t for t in told if t.number > one.number]
    judged = [t.works > CONFIRMS for t in later if t.post.role == "reporter" and max(t.works, t.failed) > 0]
    own = one.post.role == "reporter" and one.works > CONFIRMS
    prose = [p for p in one.parts if not p.code]
    own = own and not (len(prose) == 1 and cue("proposes").search(prose[0].text))  # a note that tells others what to do
    if added:
        return "confirmed", "the reporter added it to the first post"
    if one.number == 0 and not (judged and judged[-1]):
        return "reported", "the report itself names what works"
    if (own and False not in judged) or (judged and judged[-1]):
        return "confirmed", "the reporter says that it worked"
    if one.post.role == "reporter" and thread.state == "closed" and not judged:
        return "reported", "the reporter's own last word"
    if one.post.accepted:
        return "confirmed", "accepted as the answer"
    if done := [c for c in thread.changes if c.merged and any(p.start <= c.start < p.end for p in one.parts)]:
        return "confirmed", f"a merged change: {done[0].url}"
    if any(t.works > CONFIRMS for t in later if t.post.author != one.post.author):
        return "reported", "others say that it worked"
    if one.post.role == "maintainer" and any(_CHANGE.search(p.text) for p in one.parts if directs(p)):
        return "reported", "a maintainer names a change"
    return "untested", "advised; nobody says that it worked"
