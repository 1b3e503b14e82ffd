"""Posts of any forum → Thread: one text with every body exactly as written, roles, and the changes named. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.types import Change, Post, Role, SourceFormat, Thread, ThreadKind
from kb.errors import InputError

MAX_POSTS, MAX_BODY, MAX_TITLE = 2000, 400_000, 500  # posts, characters
_BOT = re.compile(
    r"\[bot\]$|^(?:github-actions|stale|dosubot|codecov\w*|dependabot|mergify|copilot|system|discobot|slackbot)\b|[-_]bot$|bot$",
    re.I,
)
_MAINTAINER = frozenset({"OWNER", "MEMBER", "COLLABORATOR", "MAINTAINER", "STAFF", "MODERATOR", "ADMIN"})
_LINKED = re.compile(
    r"https?://github\.com/[\w.-]+/[\w.-]+/(?:pull/\d+|commit/[0-9a-f]{7,40})|(?<![\w/&])(?:[\w.-]+/[\w.-]+)?#\d{1,6}\b"
)


@dataclass(frozen=True, slots=True)
class RawPost:
    """A post as a forum states it, before it has a place in the text."""

    author: str
    body: str
    date: str | None = None
    association: str = ""  # what the forum says of the author: OWNER, MEMBER, CONTRIBUTOR …
    accepted: bool = False
    reactions: Mapping[str, int] = field(default_factory=dict)
    url: str | None = None
    by_reporter: bool = False


@dataclass(frozen=True, slots=True)
class RawThread:
    """A thread as a forum states it. `merged` are addresses or numbers (#12) of changes that are known to be merged."""

    format: SourceFormat
    kind: ThreadKind
    title: str
    posts: Sequence[RawPost]
    url: str | None = None
    state: Any = None
    labels: tuple[str, ...] = ()
    merged: frozenset[str] = frozenset()
    count: int = 0  # comments that the forum says there are


def build(raw: RawThread, source: str) -> Thread:
    """The thread with its text laid out, post after post. Raises InputError where nothing was said."""
    posts = [p for p in raw.posts if p.author or p.body.strip()][:MAX_POSTS]
    if not posts or not (raw.title.strip() or any(p.body.strip() for p in posts)):
        raise InputError(f"{source}: a thread without posts")
    reporter = posts[0].author
    title = " ".join(raw.title.split())[:MAX_TITLE].strip()
    parts, at = [f"# {title}\n"], len(title) + 3
    built: list[Post] = []
    for post in posts:
        body = post.body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip("\n")[:MAX_BODY]
        role = _role(post, reporter)
        head = f"\n{post.author or 'unknown'} · {role}{' · ' + post.date if post.date else ''}\n"
        start = at + len(head)
        parts.append(f"{head}{body}\n")
        at = start + len(body) + 1
        built.append(
            Post(post.author, role, start, start + len(body), body, post.date, post.accepted, post.reactions, post.url)
        )
    text = "".join(parts)
    digest = hashlib.sha256("\0".join([title, *(p.body for p in built)]).encode("utf-8", "replace")).hexdigest()
    changes = _changes(text, built, raw)
    state = raw.state if raw.state in ("open", "closed", "merged") else None
    return Thread(
        source, raw.format, raw.kind, text, title, (2, 2 + len(title)), tuple(built), digest,
        raw.url, state, raw.labels, changes, max(0, raw.count - len(built) + 1),
    )  # fmt: skip


def _role(post: RawPost, reporter: str) -> Role:
    if _BOT.search(post.author):
        return "bot"
    if post.by_reporter or (post.author and post.author == reporter):
        return "reporter"
    return "maintainer" if post.association.upper() in _MAINTAINER else "other"


def _changes(text: str, posts: Sequence[Post], raw: RawThread) -> tuple[Change, ...]:
    """Pull requests and commits that posts name, merged where the source says so."""
    repository = re.match(r"https?://github\.com/([\w.-]+/[\w.-]+)/", raw.url or "")
    found: dict[str, Change] = {}
    for post in posts:
        for match in _LINKED.finditer(text, post.start, post.end):
            url = _address(match[0], repository[1] if repository else None)
            merged = match[0] in raw.merged or (url or "") in raw.merged
            if url and (url not in found or merged):
                found[url] = Change(url, merged, match.start(), match.end())
    for url in sorted(raw.merged):
        if url.startswith("http") and url not in found:
            found[url] = Change(url, True, 2, 2)  # stands in the forum's records, not in a post
    return tuple(found.values())


def _address(written: str, repository: str | None) -> str | None:
    if written.startswith("http"):
        return written
    name, _, number = written.partition("#")
    name = name or repository or ""
    return f"https://github.com/{name}/pull/{number}" if "/" in name else None
