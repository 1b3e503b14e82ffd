"""A post of a thread with what its sentences do, and how its writer judges what was advised. Pure."""

import re
from dataclasses import dataclass

from ingest.sentences import NOTHING, Said, said
from ingest.types import Post, Thread
from ingest.weighing import Judge, judge

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
    works: float = NOTHING  # log-odds that it says that an advice worked, and that it failed
    failed: float = NOTHING

    def having(self, *names: str) -> list[Said]:
        """Its sentences that carry one of the cues."""
        return [p for p in self.parts if p.does & {*names}]


def tell(thread: Thread, by: Judge | None = None) -> list[Told]:
    """The posts that people wrote, with what their sentences do and how they judge. `by`: other models than ours."""
    by = by or judge()
    last = {post.author: i for i, post in enumerate(thread.posts)}
    out = []
    for i, post in enumerate(thread.posts):
        if post.role == "bot":
            continue
        writer = "opening" if i == 0 else post.role
        parts = tuple(by.weighed(said(thread.text, post.start, post.end), writer))
        works, failed = by.verdict(parts, writer, last[post.author] == i) if i else (NOTHING, NOTHING)
        out.append(Told(i, post, parts, works, failed))
    return out


def is_bare(part: Said) -> bool:
    """Thanks, a mention, an agreement with nothing else in it."""
    rest = _THANKS.sub("", part.text)
    return not part.code and len(rest) < (4 if re.search(r"[\u4e00-\u9fff]", rest) else 9)


def shows_error(code: str) -> bool:
    """Whether a block of code is a log with a failure in it."""
    return _ERROR.search(code) is not None
