"""Posts of a thread → what fixed it, who says so, and how far that is confirmed. Pure.

The fix is looked for in the order of what it proves: the answer that was accepted, what the reporter says worked, a
change that was merged, what worked for others, and at last what was only advised.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.sentences import Said
from ingest.types import Post, Thread
from kb.types import FixStatus

_MENTION = re.compile(r"@([\w-]{2,39})")
_QUOTE = re.compile(r"^[ \t]{0,3}>[ \t]?(.+)$", re.M)
_ERROR = re.compile(
    r"\w(?:Error|Exception)\b|Traceback|[Ee]rror[: ]|ERROR|FAILED|Killed|[Ss]eg(?:mentation )?fault|\bnan\b|'loss'"
    r"|报错|错误"
)
_NAMES = re.compile(r"works? with|solve[sd]?|fix(?:es|ed)|workaround|解决|修复", re.I)  # more than "and this is normal"
_THANKS = re.compile(
    r"@[\w-]+|thanks?(?: you)?|谢谢|感谢|\W|ok|great|hi|hello|very|much|so|a lot|for|the|your|reply|help", re.I
)


@dataclass(frozen=True, slots=True)
class Told:
    """A post with what its sentences do. `number` is its place in the thread."""

    number: int
    post: Post
    parts: tuple[Said, ...]

    def having(self, *names: str) -> list[Said]:
        """Its sentences that carry one of the cues."""
        return [p for p in self.parts if p.does & {*names}]

    @property
    def remedy(self) -> list[Said]:
        """Its content without what only tells the cause."""
        return [p for p in self.content if "caused" not in p] or self.content

    @property
    def content(self) -> list[Said]:
        """Its code and sentences that are neither questions nor bare thanks."""
        return [p for p in self.parts if p.code or ("asks" not in p and "denies" not in p and not is_bare(p))]


@dataclass(frozen=True, slots=True)
class Choice:
    """The fix, the post it stands in, and what vouches for it."""

    told: Told
    parts: list[Said]
    status: FixStatus
    why: str


def find_fix(thread: Thread, told: Sequence[Told], update: int) -> Choice | None:
    steps = (_accepted, _by_reporter, _merged, _by_others, _advised, _in_report)
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
    parts = [p for p in first.parts if p.section == "fix"] or _statements(first) or first.remedy
    status: FixStatus = "confirmed" if thread.state == "merged" else "untested"
    return (
        Choice(first, parts, status, "the change was merged" if status == "confirmed" else "the change is not merged")
        if parts
        else None
    )


def _accepted(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    for one in later:
        if one.post.accepted and (parts := _statements(one) or one.remedy):
            return Choice(one, parts, "confirmed", "accepted as the answer")
    return None


def _by_reporter(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """The reporter's last word that it works: what they did, or the advice they answer to."""
    for one in reversed([t for t in later if t.post.role == "reporter"]):
        outcome = _outcome(one)
        if outcome is None:
            continue
        if outcome is False:
            return None  # the last word is that it does not work
        own = _own_means(one)
        if own:
            return Choice(one, own, "confirmed", "the reporter says that it worked")
        other = _answered(thread, told, one)
        if other is not None:
            return Choice(
                other, _statements(other) or other.remedy, "confirmed", "the reporter says that this advice worked"
            )
        earlier = [t for t in later if t.number < one.number and t.post.role == "reporter" and _own_means(t)]
        if earlier:
            return Choice(earlier[-1], _own_means(earlier[-1]), "confirmed", "the reporter says that it worked")
    return None


def _outcome(one: Told) -> bool | None:
    """True where a post says that it works, False where it says that it does not, None where it says neither."""
    last = None
    for part in one.parts:
        if part.code or "asks" in part:
            continue
        if "denies" in part:
            last = False
        elif part.does & {"confirms", "fixed"}:
            last = True
    return last


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


def _answered(thread: Thread, told: Sequence[Told], one: Told) -> Told | None:
    """The post that a confirmation answers: whom it names, what it quotes, else the last advice before it."""
    before = [t for t in told if 0 < t.number < one.number and t.post.author != one.post.author and t.content]
    named = {name.lower() for name in _MENTION.findall(one.post.body)}
    for candidate in reversed(before):
        if candidate.post.author.lower() in named and _helpful(candidate):
            return candidate
    quoted = [q.strip() for q in _QUOTE.findall(one.post.body) if len(q.strip()) > 12]
    for candidate in reversed(before):
        if any(q[:80] in candidate.post.body for q in quoted):
            return candidate
    denied = max(
        (t.number for t in told if t.number < one.number and t.post.author == one.post.author and _outcome(t) is False),
        default=0,
    )
    for group in ([t for t in before if t.number > denied], before):
        if useful := [t for t in group if _helpful(t)]:
            return useful[-1]
    open_ones = [t for t in before if t.number > denied and not t.having("asks") and t.having("caused", "because")]
    return open_ones[-1] if open_ones else None


def _helpful(one: Told) -> bool:
    return bool(one.having("fixed", "advice")) or any(p.code and not shows_error(p.text) for p in one.parts)


def _statements(one: Told) -> list[Said]:
    """The sentences of a post that tell what to do, with the code and lists that follow them."""
    own = [p for p in one.parts if p.section == "fix"]
    if own:
        return own
    out: list[Said] = []
    follows = opened = False
    pure = any(_tells(p) and "caused" not in p for p in one.parts)
    for part in one.parts:
        tells = _tells(part) and not (pure and "caused" in part)
        joins = follows and (part.code or (opened and part.item))
        if tells or joins:
            out.append(part)
        follows, opened = tells or joins, part.opens or (joins and part.item)
    return out


def _tells(part: Said) -> bool:
    return bool(part.does & {"fixed", "advice"}) and "denies" not in part


def _merged(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """A change that the source shows as merged, and the sentence that names it."""
    done = [c for c in thread.changes if c.merged]
    for one in reversed(later):
        parts = [
            p for p in one.parts if not p.code and any(p.start <= c.start < p.end for c in done) and "asks" not in p
        ]
        if parts:
            return Choice(one, _statements(one) or parts, "confirmed", f"a merged change: {done[0].url}")
    return None


def _by_others(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """What others say worked for them; the most approved, then the one that more people agree with."""
    found: list[tuple[int, int, Choice]] = []
    for one in later:
        if one.post.role == "reporter" or _outcome(one) is not True:
            continue
        own = [p for p in _own_means(one) if p.code or p.does & {"fixed", "acted"}]
        if own and one.having("fixed"):
            found.append(
                (one.post.approval, -one.number, Choice(one, _statements(one), "reported", "it worked for others"))
            )
        elif (other := _answered(thread, told, one)) is not None:
            parts = _statements(other) or other.remedy
            found.append(
                (
                    other.post.approval + 1,
                    -other.number,
                    Choice(other, parts, "reported", "others say that this advice worked"),
                )
            )
    return max(found, key=lambda f: f[:2])[2] if found else None


def _advised(thread: Thread, told: Sequence[Told], later: Sequence[Told]) -> Choice | None:
    """Advice that nobody says helped, unless the reporter says that it did not."""
    denied = max((t.number for t in later if t.post.role == "reporter" and _outcome(t) is False), default=0)
    found = []
    for one in later:
        parts = _statements(one)
        if (
            one.post.role == "reporter"
            or one.number < denied
            or not any(p.code or "advice" in p or "fixed" in p for p in parts)
        ):
            continue
        rank = (one.post.approval, one.post.role == "maintainer", one.number)
        named = any(re.search(r"#\d+|/pull/|/commit/", p.text) for p in parts)
        status: FixStatus = "reported" if named and one.post.role == "maintainer" else "untested"
        found.append((rank, Choice(one, parts, status, "advised; nobody says that it worked")))
    return max(found, key=lambda f: f[0])[1] if found else None


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
    return any(t.post.accepted or (t.post.role == "reporter" and _outcome(t) is True) for t in told[1:])


def shows_error(code: str) -> bool:
    """Whether a block of code is a log with a failure in it."""
    return _ERROR.search(code) is not None


def is_bare(part: Said) -> bool:
    """Thanks, a mention, an agreement with nothing else in it."""
    rest = _THANKS.sub("", part.text)
    return not part.code and len(rest) < (4 if re.search(r"[\u4e00-\u9fff]", rest) else 9)
