"""One answer, said once: at once as a whole, or growing while a model writes it.

Before the first call that could post, the job is marked as posting. Where a call's effect is not known, or the bot was
restarted in between, the thread is searched for the job's mark before anything is posted again.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.diagnosis import Diagnosis
from app.slack import blocks as kit
from app.slack.client import Client, Limited, Refused, Unsure
from app.slack.events import moment
from app.slack.model import Job, Me, Progress
from app.slack.mrkdwn import quiet, sections
from app.slack.state import State
from app.slack.words import word
from kb.types import Lang

EVENT = "casebook_answer"  # the type of the metadata that marks an answer
LIVE_AFTER = 0.7  # seconds from its first piece after which a growing answer is shown
APPEND_EVERY, EDIT_EVERY = 1.0, 3.0  # seconds between two calls; Slack allows 100 appends, 50 edits a minute
STREAM_LIMIT = 11_000  # characters; Slack's limit is 12,000
LOOKS = 6  # searches of the thread before a message of unknown fate is posted again
NO_STREAMS = frozenset(
    {"unknown_method", "method_deprecated", "missing_scope", "not_allowed_token_type", "feature_disabled"}
)
OUTSIDE = frozenset({"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "no_permission"})
logger = logging.getLogger("casebook")


@dataclass
class Streams:
    """Whether this workspace streams; shared by all answers."""

    supported: bool = True


class Voice(Protocol):
    """Where an answer goes."""

    def piece(self, text: str) -> None:
        """A further piece of the answer, which may be shown."""

    def finish(self, blocks: Sequence[kit.Block], text: str, closing: Sequence[kit.Block] = ()) -> str:
        """The whole answer; its time stamp, nothing for an ephemeral one. `closing`: what follows the pieces said."""


@dataclass
class ThreadVoice:
    """Answers in the thread of a message."""

    client: Client
    state: State
    me: Me
    job: Job
    progress: Progress
    streams: Streams
    lang: Lang = "en"
    _ts: str = ""
    _streaming: bool = False
    _said: str = ""
    _sent: int = 0
    _began: float = 0.0
    _last: float = 0.0

    def __post_init__(self) -> None:
        self._ts = self.progress.ts
        if self.progress.stage == "posting" and not self._ts:
            self._keep(self._find())
        if self._ts and self.progress.tries > 1:
            self._stop_stream()

    def piece(self, text: str) -> None:
        """Show the answer so far, at a bounded rate."""
        self._said += text
        now = time.monotonic()
        self._began = self._began or now
        if not self._ts:
            if now - self._began >= LIVE_AFTER:
                self._open()
        elif now - self._last >= (APPEND_EVERY if self._streaming else EDIT_EVERY):
            self._extend()

    def finish(self, blocks: Sequence[kit.Block], text: str, closing: Sequence[kit.Block] = ()) -> str:
        """Post the answer, or complete the message that holds its beginning."""
        if not self._ts:
            self._keep(self._post(blocks, text))
        elif not (self._streaming and closing and self._end_stream(closing)):
            self._replace(blocks, text)
        return self._ts

    def _keep(self, ts: str) -> None:
        self._ts = ts
        if ts:
            self.state.note(self.job.key, ts=ts)

    def _open(self) -> None:
        self.state.note(self.job.key, stage="posting")
        self._last = time.monotonic()
        if self.streams.supported and self._start_stream():
            return
        self._keep(self._post(self._so_far(), self._said[:200]))

    def _start_stream(self) -> bool:
        text = quiet(self._said)
        try:
            started = self.client.call(
                "chat.startStream",
                wait=False,
                channel=self.job.channel,
                thread_ts=self.job.thread,
                markdown_text=text,
                recipient_team_id=self.me.team,
                recipient_user_id=self.job.user,
            )
            self._keep(started["ts"])
        except Refused as refused:
            self.streams.supported = refused.error not in NO_STREAMS
            return False
        except Limited:
            return False
        except Unsure:
            self._keep(self._find())
        self._streaming, self._sent = bool(self._ts), len(self._said)
        return self._streaming

    def _extend(self) -> None:
        """Show more, unless Slack wants a pause; what fails here is made good at the end."""
        self._last = time.monotonic()
        try:
            if not self._streaming:
                arguments = {"text": self._said[:200], "blocks": self._so_far()}
                self.client.call("chat.update", wait=False, channel=self.job.channel, ts=self._ts, **arguments)
            elif len(self._said) < STREAM_LIMIT:
                more = quiet(self._said[self._sent :])
                self.client.call(
                    "chat.appendStream", wait=False, channel=self.job.channel, ts=self._ts, markdown_text=more
                )
                self._sent = len(self._said)
        except Limited:
            return
        except (Refused, Unsure):
            if self._streaming:
                self._stop_stream()
                self._streaming = False

    def _end_stream(self, closing: Sequence[kit.Block]) -> bool:
        if len(self._said) >= STREAM_LIMIT:
            self._stop_stream()
            return False
        try:
            rest = quiet(self._said[self._sent :]) or None
            self.client.call(
                "chat.stopStream",
                channel=self.job.channel,
                ts=self._ts,
                markdown_text=rest,
                blocks=list(closing),
                metadata=self._mark(),
            )
        except (Refused, Unsure):
            self._stop_stream()
            return False
        return True

    def _stop_stream(self) -> None:
        try:
            self.client.call("chat.stopStream", wait=False, channel=self.job.channel, ts=self._ts)
        except (Refused, Unsure, Limited):  # it was no stream, or has ended
            return

    def _replace(self, blocks: Sequence[kit.Block], text: str) -> None:
        try:
            self.client.call("chat.update", channel=self.job.channel, ts=self._ts, **self._message(blocks, text))
        except Refused as refused:  # deleted in the meantime, or not to be changed any more
            logger.warning("an answer is posted anew: %s", refused)
            if refused.error != "message_not_found":
                self._delete()
            self._keep(self._post(blocks, text))

    def _delete(self) -> None:
        try:
            self.client.call("chat.delete", channel=self.job.channel, ts=self._ts)
        except (Refused, Unsure):
            return

    def _post(self, blocks: Sequence[kit.Block], text: str) -> str:
        """Post once; where Slack leaves open whether it took effect, look."""
        self.state.note(self.job.key, stage="posting")
        for tries_left in reversed(range(LOOKS)):
            try:
                posted = self.client.call(
                    "chat.postMessage",
                    channel=self.job.channel,
                    thread_ts=self.job.thread,
                    unfurl_links=False,
                    unfurl_media=False,
                    **self._message(blocks, text),
                )
                return str(posted["ts"])
            except Unsure:
                self.client.pause(0.5)  # what was taken may show a moment later
                if found := self._find():
                    return found
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _find(self) -> str:
        """The message of this job's earlier try: by its mark, or a stream that was begun and not recorded."""
        try:
            messages = self.client.thread(self.job.channel, self.job.thread, after=self._began_at)
        except Refused as refused:
            logger.warning("the thread cannot be searched: %s", refused)
            return ""
        own = [m for m in messages if m.get("user") == self.me.user and not m.get("files")]
        for message in own:
            if ((message.get("metadata") or {}).get("event_payload") or {}).get("key") == self.job.key:
                return str(message["ts"])
        known = self.state.answers(self.job.place)
        for message in own:
            late = moment(message["ts"]) > moment(self._began_at)
            if late and not message.get("metadata") and message["ts"] not in known:
                return str(message["ts"])
        return ""

    @property
    def _began_at(self) -> str:
        """The time stamp of what is answered: a message, or the message whose button was pressed."""
        return self.job.message or self.job.ts

    def _message(self, blocks: Sequence[kit.Block], text: str) -> dict[str, Any]:
        return {"text": text or "…", "blocks": list(blocks), "metadata": self._mark()}

    def _mark(self) -> Mapping[str, Any]:
        return {"event_type": EVENT, "event_payload": {"key": self.job.key}}

    def _so_far(self) -> list[kit.Block]:
        texts = sections(self._said, kit.MAX_SECTIONS)
        return [*(kit.section(text) for text in texts), kit.context(word("working", self.lang))]


@dataclass
class PrivateVoice:
    """Answers that only the asker sees, through the address that came with the command or button."""

    client: Client
    me: Me
    job: Job

    def piece(self, text: str) -> None:
        """Nothing: such a message is shown as a whole."""

    def finish(self, blocks: Sequence[kit.Block], text: str, closing: Sequence[kit.Block] = ()) -> str:
        """Send it; where the address has expired as a direct message."""
        replace = self.job.kind == "check"
        body = {"response_type": "ephemeral", "replace_original": replace, "text": text, "blocks": list(blocks)}
        if not self.client.respond(self.job.response_url, body):
            self.client.call("chat.postMessage", channel=self.job.user, text=text or "…", blocks=list(blocks))
        return ""


@dataclass
class OutsideVoice:
    """Answers where the bot may not write in the channel: privately, with a word on how to change that."""

    client: Client
    me: Me
    job: Job
    lang: Lang

    def piece(self, text: str) -> None:
        """Nothing."""

    def finish(self, blocks: Sequence[kit.Block], text: str, closing: Sequence[kit.Block] = ()) -> str:
        """Send it."""
        hint = kit.context(word("not_in_channel", self.lang, name=self.me.name))
        return PrivateVoice(self.client, self.me, self.job).finish([hint, *blocks], text)


def final(diagnosis: Diagnosis, *, private: bool) -> tuple[list[kit.Block], str, list[kit.Block]]:
    """What `finish` is given for a diagnosis."""
    whole = kit.answer(diagnosis, private=private)
    return whole, kit.headline(diagnosis), kit.closing(diagnosis, private=private)
