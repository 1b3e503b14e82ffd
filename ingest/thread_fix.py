"""Posts of a thread → what fixed it, who says so, and how far that is confirmed. Pure.

The fix is looked for in the order of what it proves: the answer that was accepted, what the reporter says worked, a
change that was merged, what worked for others, and at last what was only advised.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.answers import answered, directs, names, refers, rejected, remedy, shared
from ingest.blocks import cue
from ingest.sentences import Said
from ingest.told import Told, outcome, shows_error, waiting
from ingest.types import Thread
from kb.types import FixStatus

_CHANGE = re.compile(r"#\d+|/pull/\d+|/commit/[0-9a-f]+")
_NAMES = re.compile(r"works? with|solve[sd]?|fix(?:es|ed)|workaround|解决|修复", re.I)  # more than "and this is normal"


@dataclass(frozen=True, slots=True)
class Choice:
    """The fix, the post it stands in, and what vouches for it."""

    told: Told
    parts: list[Said]
    status: FixStatus
    why: str


def find_fix(thread: Thread, told: Sequence[Told], update: int) -> Choice | None:
    steps = (_accepted, _by_reporter, _merged, _by_others, _noted, _advised, _in_report)
    later = told[1:]
    added = _added(told[0], update)
    if thread.kind == "pull" and (own := _pull(thread, told[0])):
        return own
    for step in steps:
        if choice := step(thread, told, later):
            return choice
        if step is _by_reporter and added:
            return added
    return None


def _added(first: Told, update: int) -> Choice | None:
    """What the reporter added to the first post."""
    late = [p for p in first.parts[update:] if p.code or "asks" not in p]
    return Choice(first, late, "confirmed", "the reporter added it to the first post") if late else None


def _pull(thread: Thread, first: Told) -> Choice | None:
    """A change's own description is its fix."""
    parts = [p for p in first.parts if p.section == "fix"] or _remedy(first)
    status: FixStatus = "confirmed" if thread.state == "merged" else "untested"
    return (
        Choice(first, parts, status, "the change was merged" if status == "confirmed" else "the change is not merged")
        if parts
        else None
    )


def _accepted(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    for one in later:
        if one.post.accepted and (parts := _remedy(one)):
            return Choice(one, parts, "confirmed", "accepted as the answer")
    return None


def _by_reporter(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """The reporter's last word that it works: the advice they answer to, or what they did."""
    for one in reversed([t for t in later if t.post.role == "reporter"]):
        other = answered(told, one)
        own = _own_means(one)
        result = outcome(one, answering=other is not None)
        if result is None and own and any(cue("found_out").search(p.text) for p in one.parts):
            return Choice(one, own, "confirmed", "the reporter found out alone")
        if result is None:
            continue
        if result is False:
            return None  # the last word is that it does not work
        if other is not None and not _alone(told, one, own, other):
            return Choice(other, _remedy(other), "confirmed", "the reporter says that this advice worked")
        if own:
            return Choice(one, own, "confirmed", "the reporter says that it worked")
        earlier = [t for t in later if t.number < one.number and t.post.role == "reporter" and _own_means(t)]
        if earlier:
            return Choice(earlier[-1], _own_means(earlier[-1]), "confirmed", "the reporter says that it worked")
    return None


def _remedy(one: Told) -> list[Said]:
    """What an answer tells to do; all it says where nothing in it tells."""
    return remedy(one) or one.remedy


def _alone(told: Sequence[Told], one: Told, own: Sequence[Said], other: Told) -> bool:
    """Whether a success is the writer's own: done after the advice was rejected, or with other means than advised."""
    if not own:
        return False
    if other.number < rejected(told, one.post.author, one.number):
        return not (one.parts and f"@{other.post.author}".lower() in one.post.body.lower())
    if shared(one, other) or any(refers(p) for p in own) or f"@{other.post.author}".lower() in one.post.body.lower():
        return False
    means = " ".join(p.text for p in own if p.code or "acted" in p or "command" in p)
    return len(names(means) - names(other.post.body)) > 2


def _own_means(one: Told) -> list[Said]:
    """What a post itself says was done: success with its means, what "I did" before one, code beside."""
    parts = [p for p in one.parts if not p.does & {"denies", "asks"}]
    good = [p for p in parts if "fixed" in p]
    acted = [p for p in parts if "command" in p or ("acted" in p and len(p.text) > 12)]
    code = [p for p in parts if p.code and not shows_error(p.text)]
    if not (good or acted or code):
        return []
    chosen = {id(p) for p in [*good, *acted, *code, *(p for p in parts if "advice" in p)]}
    kept = [p for p in parts if id(p) in chosen]
    return [p for p in kept if "caused" not in p] or kept


def _merged(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """A change that the source shows as merged, and the sentence that names it."""
    done = [c for c in thread.changes if c.merged]
    for one in reversed(later):
        parts = [
            p for p in one.parts if not p.code and any(p.start <= c.start < p.end for c in done) and "asks" not in p
        ]
        if parts:
            fuller = _fuller(told, one)
            return Choice(fuller, remedy(fuller) or parts, "confirmed", f"a merged change: {done[0].url}")
    return None


def _fuller(told: Sequence[Told], one: Told) -> Told:
    """Where a post only closes with a change: the post of the same writer that names the change and says more."""
    changes = {*_CHANGE.findall(one.post.body)}
    if not changes or any(directs(p) and "changed" not in p for p in one.parts):
        return one
    earlier = [t for t in told if 0 < t.number < one.number and t.post.author == one.post.author]
    same = [t for t in earlier if changes & {*_CHANGE.findall(t.post.body)} and len(t.parts) > len(one.parts)]
    return same[-1] if same else one


def _by_others(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """What others say worked for them; the most approved, then the one that more people agree with."""
    found: list[tuple[int, int, Choice]] = []
    refused = _refused(thread, told)
    for one in later:
        other = answered(told, one)
        answering = other is not None and one.post.role != "maintainer"  # who closes a thread confirms nothing
        if one.post.role == "reporter" or outcome(one, answering) is not True:
            continue
        own = [p for p in _own_means(one) if p.code or p.does & {"fixed", "acted"}]
        if other is not None and other.number > refused and not (own and _alone(told, one, own, other)):
            choice = Choice(other, _remedy(other), "reported", "others say that this advice worked")
            found.append((other.post.approval + 1, -other.number, choice))
        elif own and one.having("fixed") and one.number > refused:
            choice = Choice(one, remedy(one) or own, "reported", "it worked for others")
            found.append((one.post.approval, -one.number, choice))
    return max(found, key=lambda f: f[:2])[2] if found else None


def _refused(thread: Thread, told: Sequence[Told]) -> int:
    """The place of the reporter's last reply that took no advice: what stands before it did not help."""
    return rejected(told, thread.posts[0].author, len(thread.posts))


def _advised(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """Advice that nobody says helped, unless the reporter says that it did not."""
    refused = _refused(thread, told)
    found = []
    for one in later:
        parts = remedy(one)
        if one.post.role == "reporter" or one.number < refused or not parts:
            continue
        rank = (one.post.approval, one.post.role == "maintainer", one.number)
        named = any(re.search(r"#\d+|/pull/|/commit/", p.text) for p in parts)
        status: FixStatus = "reported" if named and one.post.role == "maintainer" else "untested"
        fuller = _fuller(told, one)
        found.append((rank, Choice(fuller, remedy(fuller) or parts, status, "advised; nobody says that it worked")))
    return max(found, key=lambda f: f[0])[1] if found else None


def _noted(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """What a reporter who closed the thread wrote down at last, as one tells others what to do."""
    mine = [t for t in later if t.post.role == "reporter"]
    if thread.state != "closed" or not mine or mine[-1].having("asks", "denies"):
        return None
    parts = remedy(mine[-1]) if any(directs(p) and not waiting(p) for p in mine[-1].parts) else []
    return Choice(mine[-1], parts, "reported", "the reporter's own last word") if parts else None


def _in_report(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """What the report itself says to work."""
    parts = [
        p
        for p in told[0].having("fixed")
        if not p.does & {"denies", "asks"} and ("fails" not in p or _NAMES.search(p.text))
    ]
    return Choice(told[0], parts, "reported", "the report itself names what works") if parts else None


def resolved(told: Sequence[Told]) -> bool:
    """Whether the reporter or a mark says that the matter was settled."""
    return any(
        t.post.accepted or (t.post.role == "reporter" and outcome(t, answered(told, t) is not None) is True)
        for t in told[1:]
    )
