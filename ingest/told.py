"""A post of a thread with what its sentences do, and how its writer judges what was advised. Pure."""

import re
from dataclasses import dataclass

from ingest.blocks import cue
from ingest.sentences import Said
from ingest.types import Post

_ERROR = re.compile(
    r"\w(?:Error|Exception)\b|Traceback|[Ee]rror[: ]|ERROR|FAILED|Killed|[Ss]eg(?:mentation )?fault|\bnan\b|'loss'"
    r"|报错|错误"
)
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
    def content(self) -> list[Said]:
        """Its code and sentences that are neither questions nor bare thanks."""
        return [p for p in self.parts if p.code or ("asks" not in p and "denies" not in p and not is_bare(p))]

    @property
    def content_or_asks(self) -> list[Said]:
        """Its code and sentences without bare thanks."""
        return [p for p in self.parts if p.code or not is_bare(p)]

    @property
    def remedy(self) -> list[Said]:
        """Its content without what only tells the cause."""
        return [p for p in self.content if "caused" not in p] or self.content


def is_bare(part: Said) -> bool:
    """Thanks, a mention, an agreement with nothing else in it."""
    rest = _THANKS.sub("", part.text)
    return not part.code and len(rest) < (4 if re.search(r"[\u4e00-\u9fff]", rest) else 9)


def shows_error(code: str) -> bool:
    """Whether a block of code is a log with a failure in it."""
    return _ERROR.search(code) is not None


def outcome(one: Told, answering: bool = False) -> bool | None:
    """True where a post says that it works, False where it says that it does not, None where it says neither.

    `answering`: an advice stands before it, so that weaker words count too ("it serves now", "that was it").
    """
    last = None
    for part in one.parts:
        if part.code or "asks" in part:
            continue
        if last is False and cue("found_out").search(part.text):
            last = None  # what failed before is over
        elif "denies" in part:
            last = False
        elif not waiting(part) and (part.does & {"confirms", "fixed"} or (answering and last is None and _works(part))):
            last = True
    return last


def _works(part: Said) -> bool:
    return cue("works").search(part.text) is not None


def waiting(part: Said) -> bool:
    """Whether a sentence only announces a test."""
    return "fixed" not in part and cue("pending").search(part.text) is not None


def waits(one: Told) -> bool:
    """Whether a post neither takes nor rejects an advice: it asks, thanks, or will try."""
    if cue("thanks").search(one.post.body) and not one.having("denies"):
        return True
    said = [p for p in one.parts if not (p.code or is_bare(p) or cue("filler").match(p.text))]
    return all("asks" in p or cue("pending").search(p.text) for p in said)
