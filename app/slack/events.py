"""What Slack delivers, read: is it for the bot, who asks, what does it say. No calls, no storage."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.slack.model import SECRET_KINDS, FileRef, Job, Me
from kb.redact import Redacted, redact
from kb.types import Lang

MAX_TEXT = 100_000  # characters of one message; Slack's own limit is 40,000
MAX_FILES = 10  # of one message
SUBTYPES = (None, "file_share", "thread_broadcast")  # of messages that a person has written
_MARK = re.compile(r"<([^<>\n]+)>")
_CJK = re.compile(r"[\u4e00-\u9fff]")

Message = Mapping[str, Any]


def from_message(event: Message, me: Me, asker: str | None) -> Job | None:
    """The job that a message or mention is, None where the bot is not meant.

    `asker`: who asked first in the thread, None where the bot has no part in it.
    """
    if not written_by_person(event, me) or foreign(event, me):
        return None
    user, channel, ts = event["user"], event["channel"], event["ts"]
    root = event.get("thread_ts") or ts
    mentioned = event.get("type") == "app_mention" or f"<@{me.user}>" in event.get("text", "")
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    if not (mentioned or direct) and (asker != user or root == ts or _to_somebody(event)):
        return None
    kind = "question" if mentioned or direct else "reply"
    return _job(event, me, kind=kind, user=user, channel=channel, thread=root, reads_before=mentioned and root != ts)


def from_shortcut(body: Message, me: Me) -> Job | None:
    """The job of "Diagnose this": somebody's message, asked about by the user who pressed."""
    message, channel = body["message"], body["channel"]["id"]
    if message.get("user") == me.user or (me.bot and message.get("bot_id") == me.bot):
        return None
    user, thread = body["user"]["id"], message.get("thread_ts") or message["ts"]
    job = _job(message, me, kind="question", user=user, channel=channel, thread=thread, reads_before=False)
    return job.model_copy(update={"author": message.get("user", ""), "response_url": body.get("response_url", "")})


def from_command(body: Message, me: Me) -> Job:
    """The job of the slash command."""
    redacted = redact(plain(body.get("text", ""), me)[:MAX_TEXT])
    return Job(
        key=f"s:{me.team}:{body['trigger_id']}"[:200],
        kind="question",
        team=me.team,
        channel=body["channel_id"],
        user=body["user_id"],
        ts="",
        text=redacted.text,
        secrets=secrets(redacted),
        response_url=body["response_url"],
    )


def written_by_person(event: Message, me: Me) -> bool:
    """Whether a person has written it: no bot, no change or deletion of a message."""
    if event.get("subtype") not in SUBTYPES or event.get("hidden") or event.get("edited"):
        return False
    if event.get("bot_id") or event.get("bot_profile") or event.get("app_id"):
        return False
    return bool(event.get("user")) and event["user"] != me.user and event["user"] != "USLACKBOT"


def foreign(event: Message, me: Me) -> bool:
    """Whether a person of another workspace has written it, in a channel shared with that one."""
    teams = (event.get(name) for name in ("user_team", "source_team", "team"))
    return any(team is not None and team != me.team for team in teams)


def message_key(team: str, channel: str, ts: str) -> str:
    """The identity of a message: Slack delivers a mention as two events, and each of them several times."""
    return f"m:{team}:{channel}:{ts}"


def plain(text: str, me: Me) -> str:
    """Slack's marks as plain text: links as their address, the bot's own mention away."""

    def read(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target.startswith("@"):
            return "" if target[1:] == me.user else f"@{label or 'somebody'}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label
        return target.removeprefix("mailto:")

    return html.unescape(_MARK.sub(read, text)).strip()


def words_of(message: Message, me: Me) -> str:
    """All that a message says: its text, and what is attached to it, such as a forwarded message or an alert."""
    parts = [plain(message.get("text") or "", me)]
    for attached in message.get("attachments") or ():
        said = [attached.get(name) or "" for name in ("pretext", "title", "text")]
        said += [f"{f.get('title', '')}: {f.get('value', '')}" for f in attached.get("fields") or ()]
        parts += [plain(part, me) for part in said] if any(said) else [plain(attached.get("fallback") or "", me)]
    return "\n".join(part for part in parts if part)[:MAX_TEXT]


def files_of(message: Message) -> tuple[FileRef, ...]:
    """The files of a message."""
    return tuple(
        FileRef(
            id=file.get("id") or "",
            name=file.get("name") or file.get("title") or "file",
            size=int(file.get("size") or 0),
            kind=file.get("filetype") or "",
            mime=file.get("mimetype") or "",
            url=file.get("url_private_download") or file.get("url_private") or "",
        )
        for file in (message.get("files") or ())[:MAX_FILES]
    )


def secrets(redacted: Redacted) -> int:
    """How many things were found that must be changed once they were shown."""
    return sum(redacted.kinds.get(kind, 0) for kind in SECRET_KINDS)


def language_of(text: str) -> Lang:
    """A guess for what is said before a diagnosis."""
    return "zh" if _CJK.search(text) else "en"


def earlier(messages: Sequence[Message], me: Me, after: str, until: str) -> Iterator[Message]:
    """The messages of a thread between two time stamps, the bot's own left out; other bots' alerts are read."""
    for message in messages:
        own = message.get("user") == me.user or (me.bot and message.get("bot_id") == me.bot)
        if not own and moment(after) < moment(message["ts"]) < moment(until) and not message.get("hidden"):
            yield message


def moment(ts: str) -> tuple[int, int]:
    """A time stamp as numbers that can be compared."""
    seconds, _, part = ts.partition(".")
    return int(seconds or 0), int(part or 0)


def _job(message: Message, me: Me, **fields: Any) -> Job:
    redacted = redact(words_of(message, me))
    return Job(
        key=message_key(me.team, fields["channel"], message["ts"]),
        team=me.team,
        ts=message["ts"],
        text=redacted.text,
        files=files_of(message),
        secrets=secrets(redacted),
        **fields,
    )


def _to_somebody(event: Message) -> bool:
    """A reply in the thread that begins with somebody else's name is not for the bot."""
    return str(event.get("text", "")).lstrip().startswith("<@")
