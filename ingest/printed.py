"""Printed threads (text) → RawThread: `gh issue view`, and posts that stand under lines with their authors. Pure."""

import re
from dataclasses import replace
from typing import Any

from ingest.blocks import lines
from ingest.threads import RawPost, RawThread

_WHAT = "description|comment|answer|review|reply|reporter|maintainer|other|bot"
_DATE = r"\d{4}-\d\d-\d\d\S*"
_MARKED = re.compile(
    rf"^@?(?P<author>[\w.\[\]-]{{1,60}})\s+·\s+(?P<what>{_WHAT})"
    rf"(?:\s+·\s+(?P<date>{_DATE}))?(?:\s+·\s+(?P<more>[\w ,]+))?\s*$"
)
_SPOKEN = re.compile(
    r"^[#*>\s]{0,6}@?(?P<author>[\w.\[\]-]{1,60})\*{0,2}\s+"
    r"(?:commented|opened this (?:issue|discussion)|asked|answered|replied|wrote|said)\b"
    rf"(?:\s+(?:on|at|in)?\s*(?P<date>[A-Z][a-z]{{2}} \d{{1,2}},? \d{{4}}|{_DATE}))?(?P<more>[^\n]{{0,40}})$"
)
_FIRST = re.compile(
    r"^(?P<repo>[\w.-]+/[\w.-]+) · (?P<kind>issue|pull request|discussion) #(?P<number>\d+)(?: · (?P<state>\w+))?"
)
_KEY = re.compile(
    r"^(?P<key>title|state|author|labels|comments|assignees|projects|milestone|number|url|association|edited|status|"
    r"additions|deletions|auto-merge|reviewers|issue-type|parent|sub-issues):\t(?P<value>.*)$"
)
_STAFF = re.compile(r"maintainer|member|owner|collaborator|contributor team", re.I)
_PARTS = {"issue": "issues", "pull request": "pull", "discussion": "discussions"}


def is_printed(text: str) -> bool:
    """Whether a text is a printed thread."""
    if re.match(r"title:\t.*\n(?:state|author):\t", text) or _FIRST.match(text):
        return True
    head = [line.text for line in lines(text[:200_000])]
    return any(sum(1 for line in head if form.match(line)) >= 2 for form in (_MARKED, _SPOKEN))


def printed_thread(text: str) -> RawThread:
    """The thread in a printed text."""
    return _gh_view(text) if text.startswith("title:\t") else _posts(text)


def _gh_view(text: str) -> RawThread:
    """`gh issue view`, with or without --comments: for each post lines of `key:<tab>value`, a line --, and the body."""
    heads: list[dict[str, str]] = []
    bodies: list[list[str]] = []
    in_body = False
    for line in text.split("\n"):
        key = _KEY.match(line)
        if key and (not in_body or key["key"] == "author"):
            if in_body or not heads:
                heads.append({})
                bodies.append([])
            in_body = False
            heads[-1][key["key"]] = key["value"].strip()
        elif line.rstrip() == "--" and not in_body:
            in_body = True
        elif heads:
            bodies[-1].append(line)
    posts = [
        RawPost(h.get("author", ""), _body(body), association=h.get("association", ""))
        for h, body in zip(heads, bodies, strict=True)
    ]  # fmt: skip
    head = heads[0]
    url, state, labels = head.get("url"), head.get("state", "").lower(), _split(head.get("labels", ""))
    kind: Any = "pull" if "additions" in head or "/pull/" in (url or "") else "issue"
    return RawThread("github", kind, head.get("title", ""), posts, url or None, state, labels)


def _body(rows: list[str]) -> str:
    return re.sub(r"\n--\s*$", "", "\n".join(rows)).strip("\n")


def _split(labels: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in labels.split(",") if label.strip())


def _posts(text: str) -> RawThread:
    """Posts under lines such as `name · comment · date`; what stands above holds title, labels, address."""
    head: list[str] = []
    posts: list[RawPost] = []
    bodies: list[list[str]] = []
    fenced = False
    for line in text.split("\n"):
        fenced = fenced != line.lstrip().startswith(("```", "~~~"))
        found = None if fenced else _MARKED.match(line) or _SPOKEN.match(line)
        if found:
            posts.append(_opened(found))
            bodies.append([])
        else:
            (bodies[-1] if posts else head).append(line)
    filled = [replace(post, body="\n".join(body).strip("\n")) for post, body in zip(posts, bodies, strict=True)]
    return _under(head, filled)


def _opened(found: re.Match[str]) -> RawPost:
    groups = found.groupdict()
    what, more = groups.get("what") or "", groups.get("more") or ""
    return RawPost(
        author=found["author"], body="", date=found["date"],
        association="MEMBER" if what == "maintainer" or _STAFF.search(more) else "",
        accepted=re.search(r"accepted|\banswer\b", more, re.I) is not None,
        by_reporter=what in ("description", "reporter"),
    )  # fmt: skip


def _under(head: list[str], posts: list[RawPost]) -> RawThread:
    first = next((m for line in head if (m := _FIRST.match(line))), None)
    named = next((line.lstrip("# ").strip() for line in head if line.startswith("#")), None)
    plain = (line.strip() for line in head if line.strip() and not _FIRST.match(line))
    url = next((m[0] for line in head if (m := re.search(r"https?://\S+", line))), None)
    kind: Any = "issue"
    if first:
        kind = {"pull request": "pull", "discussion": "discussion"}.get(first["kind"], "issue")
        url = url or f"https://github.com/{first['repo']}/{_PARTS[first['kind']]}/{first['number']}"
    labels = next((line[7:] for line in head if line.lower().startswith("labels:")), "")
    title = named or next(plain, "")
    return RawThread("thread-text", kind, title, posts, url, first["state"] if first else None, _split(labels))
