"""GitHub threads → RawThread: REST JSON, `gh issue view --json`, GraphQL answers, and bundles of them. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.threads import RawPost, RawThread
from ingest.types import ThreadKind

_REACTIONS = {
    "THUMBS_UP": "+1",
    "HEART": "heart",
    "HOORAY": "hooray",
    "THUMBS_DOWN": "-1",
    "ROCKET": "rocket",
    "LAUGH": "laugh",
}
_PLACES = tuple(
    "comments reviews review_comments reviewThreads replies timeline timelineItems frontTimelineItems "
    "backTimelineItems events items".split()
)
_COUNT = ("+1", "-1", "heart", "hooray", "rocket", "laugh", "eyes", "confused")
_HEADS = ("issue", "pull_request", "pullRequest", "pull", "discussion", "issueOrPullRequest", "head", "thread")


def is_github(data: Any) -> bool:
    """Whether decoded JSON is a thread of GitHub, or a part of one."""
    data = _unwrapped(data)
    if isinstance(data, list):
        return bool(data) and all(isinstance(x, dict) for x in data[:3]) and (_is_head(data[0]) or _is_comment(data[0]))
    return isinstance(data, dict) and (_is_head(data) or any(_is_head(data.get(key)) for key in _HEADS))


def only_comments(data: Any) -> bool:
    """Whether decoded JSON is a list of comments without the issue they belong to."""
    return isinstance(data, list) and bool(data) and _is_comment(data[0]) and not any(_is_head(x) for x in data)


def _is_head(data: Any) -> bool:
    return (
        isinstance(data, dict)
        and isinstance(data.get("title"), str)
        and bool({"body", "comments", "bodyText", "number"} & set(data))
    )


def _is_comment(data: Any) -> bool:
    return isinstance(data, dict) and "body" in data and bool({"user", "author", "issue_url", "createdAt"} & set(data))


def github_threads(data: Any) -> Iterator[RawThread]:
    """Every thread in decoded JSON. A list of issues is many threads; comments go to the issue they name."""
    data = _unwrapped(data)
    if isinstance(data, dict):
        yield _thread(data)
        return
    heads = [x for x in data if _is_head(x)]
    rest = [x for x in data if not _is_head(x)]
    for head in heads:
        mine = (
            rest if len(heads) == 1 else [c for c in rest if c.get("issue_url") and c["issue_url"] == head.get("url")]
        )
        yield _thread({"issue": head, "comments": [*_nodes(head.get("comments")), *mine]} if mine else head)


def _unwrapped(data: Any) -> Any:
    """What stands inside `data`, `repository`, `node` and pages of a list."""
    for _ in range(4):
        if isinstance(data, dict) and not _is_head(data):
            inner = next(
                (data[k] for k in ("data", "repository", "node", "resource") if isinstance(data.get(k), dict)), None
            )
            if inner is None:
                return data
            data = inner
        elif isinstance(data, list) and data and all(isinstance(x, list) for x in data):
            data = [item for page in data for item in page]  # gh api --paginate --slurp
        else:
            return data
    return data


def _nodes(value: Any) -> list[dict[str, Any]]:
    """The items of a list, of {nodes: …} or of {edges: [{node: …}]}."""
    if isinstance(value, dict):
        value = value.get("nodes") or [e.get("node") for e in value.get("edges") or [] if isinstance(e, dict)]
    if isinstance(value, list) and value and all(isinstance(x, list) for x in value):
        value = [item for page in value for item in page]
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def _thread(data: Mapping[str, Any]) -> RawThread:
    head = next((data[key] for key in _HEADS if _is_head(data.get(key))), data)
    answer = head.get("answer") if isinstance(head.get("answer"), dict) else None
    answers = {str(x) for x in (head.get("answer_html_url"), (answer or {}).get("id"), (answer or {}).get("url")) if x}
    posts = [_post(head, frozenset())]
    seen = set()
    parts = [head] if head is data else [head, data]
    for item in (item for part in parts for key in _PLACES for item in _all(part.get(key))):
        key = item.get("id") or item.get("url") or (str(item.get("body"))[:200], str(_date(item)))
        if key not in seen and _text(item):
            seen.add(key)
            posts.append(_post(item, frozenset(answers)))
    if answer and str(answer.get("id") or answer.get("url")) not in {str(k) for k in seen} and _text(answer):
        posts.append(_post({**answer, "isAnswer": True}, frozenset()))
    first, *others = posts
    others.sort(key=lambda p: p.date or "9999")
    return RawThread(
        format="github", kind=_kind(head), title=str(head.get("title") or ""), posts=[first, *others], url=_url(head),
        state=_state(head), labels=_labels(head), merged=frozenset(_merged(data, head)),
        count=head["comments"] if isinstance(head.get("comments"), int) else 0,
    )  # fmt: skip


def _all(value: Any) -> Iterator[dict[str, Any]]:
    """Comments with their replies; timeline events that hold a comment."""
    for item in _nodes(value):
        kind = str(item.get("event") or item.get("__typename") or "")
        if kind and kind.lower() not in (
            "commented",
            "reviewed",
            "issuecomment",
            "discussioncomment",
            "pullrequestreview",
        ):
            if "comments" in item:
                yield from _nodes(item["comments"])
            continue
        yield item
        yield from _nodes(item.get("replies"))
        if "body" not in item:
            yield from _nodes(item.get("comments"))


def _text(item: Mapping[str, Any]) -> str:
    return str(item.get("body") or item.get("bodyText") or "")


def _date(item: Mapping[str, Any]) -> str | None:
    value = item.get("created_at") or item.get("createdAt") or item.get("submitted_at") or item.get("submittedAt")
    return str(value)[:20] if value else None


def _post(item: Mapping[str, Any], answers: frozenset[str]) -> RawPost:
    user = item.get("user") or item.get("author") or item.get("actor") or {}
    name = user.get("login") or user.get("name") if isinstance(user, dict) else user
    name = f"{name or 'ghost'}"
    if isinstance(user, dict) and (user.get("type") == "Bot" or user.get("is_bot")) and not name.endswith("[bot]"):
        name += "[bot]"
    url = item.get("html_url") or item.get("url")
    accepted = bool(item.get("isAnswer") or item.get("is_answer") or item.get("answer_chosen_at"))
    accepted = accepted and item.get("title") is None
    accepted = accepted or bool(answers & {str(item.get("id")), str(url)})
    return RawPost(
        author=name, body=_text(item), date=_date(item), accepted=accepted, reactions=_reactions(item),
        association=str(item.get("author_association") or item.get("authorAssociation") or ""),
        url=str(url) if url else None,
    )  # fmt: skip


def _reactions(item: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    plain = item.get("reactions")
    if isinstance(plain, dict):
        counts = {k: v for k, v in plain.items() if k in _COUNT and isinstance(v, int) and v}
    for group in _nodes(item.get("reactionGroups") or (plain if isinstance(plain, list) else None)):
        users = group.get("users") if isinstance(group.get("users"), dict) else group.get("reactors") or {}
        count = users.get("totalCount", 0) if isinstance(users, dict) else 0
        if count:
            counts[_REACTIONS.get(str(group.get("content")), str(group.get("content")).lower())] = int(count)
    votes = item.get("upvoteCount")
    return counts | ({"score": int(votes)} if isinstance(votes, int) and votes > 1 else {})


def _kind(head: Mapping[str, Any]) -> ThreadKind:
    url = str(head.get("html_url") or head.get("url") or "")
    if "/pull/" in url or "pull_request" in head or "mergedAt" in head or "merged_at" in head or "headRefName" in head:
        return "pull"
    discussion = "/discussions/" in url or "answer_html_url" in head or "answerChosenAt" in head or "answer" in head
    return "discussion" if discussion else "issue"


def _url(head: Mapping[str, Any]) -> str | None:
    url = str(head.get("html_url") or head.get("url") or "")
    if found := re.match(r"https?://api\.github\.com/repos/([\w.-]+/[\w.-]+)/(issues|pulls|discussions)/(\d+)", url):
        part = "pull" if found[2] == "pulls" else found[2]
        return f"https://github.com/{found[1]}/{part}/{found[3]}"
    return url if url.startswith("http") else None


def _state(head: Mapping[str, Any]) -> str:
    pull = head.get("pull_request") if isinstance(head.get("pull_request"), dict) else {}
    if head.get("merged") is True or head.get("merged_at") or head.get("mergedAt") or (pull or {}).get("merged_at"):
        return "merged"
    if head.get("closed") is True:
        return "closed"
    return str(head.get("state") or "").lower()


def _labels(head: Mapping[str, Any]) -> tuple[str, ...]:
    raw = head.get("labels")
    items = raw if isinstance(raw, list) and raw and isinstance(raw[0], str) else [x.get("name") for x in _nodes(raw)]
    category = head.get("category")
    return tuple(str(x) for x in [*items, category.get("name") if isinstance(category, dict) else None] if x)


def _merged(data: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[str]:
    """Addresses of changes that the records show merged: this one, those that closed it, those that name it."""
    if _state(head) == "merged" and (own := _url(head)):
        yield own
    for part in (data, head):
        for key in ("closedByPullRequestsReferences", "closed_by_pull_requests"):
            yield from (str(x["url"]) for x in _nodes(part.get(key)) if x.get("url"))
        for key in ("timeline", "timelineItems", "events"):
            for event in _nodes(part.get(key)):
                yield from _merged_event(event)


def _merged_event(event: Mapping[str, Any]) -> Iterator[str]:
    source = event.get("source") if isinstance(event.get("source"), dict) else {}
    issue = (source or {}).get("issue") or source or event.get("closer") or {}
    if isinstance(issue, dict) and ((issue.get("pull_request") or {}).get("merged_at") or issue.get("merged")):
        yield str(issue.get("html_url") or issue.get("url"))
    if event.get("event") == "closed" and isinstance(event.get("commit_url"), str):
        found = re.match(r"https://api\.github\.com/repos/([\w.-]+/[\w.-]+)/commits/(\w+)", event["commit_url"])
        if found:
            yield f"https://github.com/{found[1]}/commit/{found[2]}"
