"""Discourse topics, Stack Exchange answers and Slack exports (JSON) → RawThread. Pure."""

import html as entities
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.threads import RawPost, RawThread

Render = Callable[[str], str]  # HTML of one post → Markdown text

_CHECK = frozenset({"white_check_mark", "heavy_check_mark", "ballot_box_with_check", "tada", "raised_hands", "100"})
_MENTION = re.compile(r"<@(\w+)(?:\|[^>]*)?>")
_LINK = re.compile(r"<(https?://[^>|]+)(?:\|([^>]*))?>")


def day(seconds: Any) -> str | None:
    """An epoch as ISO text."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _list(value: Any) -> list[dict[str, Any]]:
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


# --- Discourse -------------------------------------------------------------


def is_discourse(data: Any) -> bool:
    """Whether decoded JSON is a topic of a Discourse forum."""
    return isinstance(data, dict) and isinstance(data.get("post_stream"), dict) and "title" in data


def discourse_threads(data: Mapping[str, Any], render: Render) -> Iterator[RawThread]:
    """The topic. Posts are `raw` Markdown where the export has it, else rendered from `cooked`."""
    accepted = data.get("accepted_answer")
    number = accepted.get("post_number") if isinstance(accepted, dict) else None
    posts = []
    for item in _list(data["post_stream"].get("posts")):
        if item.get("post_type") in (3, 4):  # an action of a moderator, a whisper
            continue
        likes = sum(a.get("count", 0) for a in _list(item.get("actions_summary")) if a.get("id") == 2)
        staff = item.get("staff") or item.get("admin") or item.get("moderator")
        posts.append(
            RawPost(
                author=str(item.get("username") or ""),
                body=str(item.get("raw") or "") or render(str(item.get("cooked") or "")),
                date=str(item.get("created_at") or "")[:20] or None, association="STAFF" if staff else "",
                accepted=bool(item.get("accepted_answer")) or item.get("post_number", 0) == number,
                reactions={"heart": int(likes)} if likes else {},
            )
        )  # fmt: skip
    tags = tuple(str(t.get("name") if isinstance(t, dict) else t) for t in data.get("tags") or [])
    url = str(data.get("url") or data.get("share_url") or "")
    yield RawThread(
        format="discourse", kind="topic", title=str(data.get("title") or ""), posts=posts, labels=tags,
        url=url if url.startswith("http") else None, state="closed" if data.get("closed") else "open",
    )  # fmt: skip


# --- Stack Exchange --------------------------------------------------------


def is_stackexchange(data: Any) -> bool:
    """Whether decoded JSON comes from the Stack Exchange API."""
    return isinstance(data, dict) and any("question_id" in q for q in _items(data))


def _items(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = data.get("items") or ([data["question"]] if isinstance(data.get("question"), dict) else None)
    items = items or ([data] if "question_id" in data else [])
    return [x for x in items if isinstance(x, dict)] if isinstance(items, list) else []


def stackexchange_threads(data: Mapping[str, Any], render: Render) -> Iterator[RawThread]:
    """Every question with its answers and comments; answers in the same file go to the question they name."""
    items = _items(data)
    apart = _list(data.get("answers")) + [x for x in items if "answer_id" in x]
    for question in (q for q in items if "answer_id" not in q and "title" in q):
        answers = _list(question.get("answers"))
        answers += [a for a in apart if a not in answers and a.get("question_id", 0) == question.get("question_id")]
        accepted = question.get("accepted_answer_id")
        posts = [_answer(question, render, False), *_remarks(question, render)]
        for item in sorted(answers, key=lambda a: -int(a.get("score") or 0)):
            right = bool(item.get("is_accepted")) or (accepted is not None and item.get("answer_id") == accepted)
            posts += [_answer(item, render, right), *_remarks(item, render)]
        link = str(question.get("link") or "")
        yield RawThread(
            format="stackexchange", kind="question", title=entities.unescape(str(question["title"])), posts=posts,
            url=link if link.startswith("http") else None, labels=tuple(str(t) for t in question.get("tags") or []),
            state="closed" if question.get("closed_date") else "open",
        )  # fmt: skip


def _answer(item: Mapping[str, Any], render: Render, accepted: bool) -> RawPost:
    owner = item.get("owner") if isinstance(item.get("owner"), dict) else {}
    markdown = item.get("body_markdown")
    body = entities.unescape(str(markdown)) if markdown else render(str(item.get("body") or ""))
    score = item.get("score")
    return RawPost(
        author=entities.unescape(str((owner or {}).get("display_name") or "unknown")), body=body, accepted=accepted,
        date=day(item.get("creation_date")), reactions={"score": score} if isinstance(score, int) and score > 0 else {},
        url=str(item["link"]) if item.get("link") else None,
    )  # fmt: skip


def _remarks(item: Mapping[str, Any], render: Render) -> list[RawPost]:
    return [_answer(c, render, False) for c in _list(item.get("comments"))]


# --- Slack -----------------------------------------------------------------


def is_slack(data: Any) -> bool:
    """Whether decoded JSON is an export of a channel, a list of messages, or an answer of its API."""
    messages = data.get("messages") if isinstance(data, dict) else data
    first = messages[0] if isinstance(messages, list) and messages else None
    return isinstance(first, dict) and "ts" in first and ("text" in first or first.get("type") == "message")


def slack_threads(data: Any) -> Iterator[RawThread]:
    """Every thread of a channel that has an answer; the first line of its first message is the title."""
    messages = _list(data.get("messages") if isinstance(data, dict) else data)
    groups: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        if message.get("subtype") in (None, "thread_broadcast", "bot_message", "file_share"):
            groups.setdefault(str(message.get("thread_ts") or message.get("ts")), []).append(message)
    names = {str(m.get("user")): _name(m) for m in messages}
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=lambda m: float(m.get("ts") or 0))
            posts = [_message(m, names) for m in group]
            title = next((line.strip(" *_") for line in posts[0].body.split("\n") if line.strip(" *_`")), "")
            yield RawThread(format="slack", kind="chat", title=title[:120], posts=posts)


def _name(message: Mapping[str, Any]) -> str:
    profile = message.get("user_profile") if isinstance(message.get("user_profile"), dict) else {}
    named = (profile or {}).get("display_name") or (profile or {}).get("real_name") or (profile or {}).get("name")
    return str(named or message.get("username") or message.get("user") or message.get("bot_id") or "")


def _message(message: Mapping[str, Any], names: Mapping[str, str]) -> RawPost:
    body = _MENTION.sub(lambda m: "@" + names.get(m[1], m[1]), str(message.get("text") or ""))
    body = _LINK.sub(lambda m: m[1], body)
    body = body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    body = re.sub(r"```(?=[^\n`])", "```\n", re.sub(r"(?<=[^\n`])```", "\n```", body)) if "```" in body else body
    counts: dict[str, int] = {}
    for item in _list(message.get("reactions")):
        name = str(item.get("name")).split("::")[0]
        key = "check" if name in _CHECK else "+1" if name in ("+1", "thumbsup") else name
        counts[key] = counts.get(key, 0) + int(item.get("count") or 1)
    bot = "[bot]" if message.get("bot_id") or message.get("subtype") == "bot_message" else ""
    return RawPost(author=_name(message) + bot, body=body, date=day(message.get("ts")), reactions=counts)
