"""Where Slack's deliveries arrive: each is judged, recorded and only then acknowledged; nothing is answered here."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, get_args

from app.slack.answering import WORKING, tell
from app.slack.client import Client
from app.slack.events import from_command, from_message, from_shortcut, language_of
from app.slack.model import Job, Me, Value
from app.slack.settings import SlackSettings
from app.slack.state import State
from app.slack.words import word
from app.slack.work import Errands, Work
from kb.types import Lang

STRAYS, STRAY_SECONDS = 200, 60.0  # replies remembered whose question has not arrived yet: deliveries overtake
VALUES = get_args(Value)
logger = logging.getLogger("casebook")
Body = Mapping[str, Any]


class Desk:
    """Takes in events, commands, shortcuts and the presses that make jobs. Safe for threads."""

    def __init__(
        self, client: Client, state: State, work: Work, errands: Errands, me: Me, settings: SlackSettings
    ) -> None:
        self._client, self._state, self._work, self._errands = client, state, work, errands
        self._me, self._settings = me, settings
        self._strays: deque[tuple[float, Body]] = deque(maxlen=STRAYS)
        self._lock = threading.Lock()

    @property
    def team(self) -> str:
        """The workspace."""
        return self._me.team

    def ours(self, body: Body) -> bool:
        """Whether a delivery is of the workspace that the token belongs to."""
        team = body.get("team_id") or (body.get("team") or {}).get("id")
        return bool(team == self._me.team)

    def message(self, body: Body) -> None:
        """A message or mention. Raises UnavailableError where it could not be recorded: Slack then repeats it."""
        event = body["event"]
        if not self.ours(body) or not event.get("channel"):
            return
        root = event.get("thread_ts")
        asker = self._state.asker(f"{self._me.team}:{event['channel']}:{root}") if root else None
        job = from_message(event, self._me, asker)
        if job is None:
            if root and asker is None and event.get("user"):
                self._keep_stray(event)
            return
        if not self._allowed(job.channel):
            if job.kind == "question":
                self._tell(job, "not_here")
            return
        if self._take(job) and job.kind == "question":
            self._take_strays(job)

    def shortcut(self, body: Body) -> None:
        """ "Diagnose this"."""
        if not self.ours(body):
            return
        job = from_shortcut(body, self._me)
        if job is None:
            return
        if not self._allowed(job.channel):
            self._tell(job, "not_here")
        else:
            self._take(job, if_known="known")

    def command(self, body: Body) -> str:
        """The slash command; what its asker is shown at once."""
        job = from_command(body, self._me)
        lang = language_of(job.text)
        if not self.ours(body):
            return ""
        if job.text in ("", "help", "帮助"):
            return word("help", lang)
        if not self._allowed(job.channel):
            return word("not_here", lang)
        notes: list[str] = []
        self._take(job, say=lambda key, limit: notes.append(word(key, lang, limit=limit)))
        return notes[0] if notes else word("working", lang)

    def check(self, value: str, body: Body) -> None:
        """A button under a check."""
        press = self.pressed(body)
        if press is None or value not in VALUES:
            return
        key = f"c:{press.channel}:{press.message}:{press.value['check']}"[:200]
        job = press.job(key, "check", self._me.team)
        self._take(job.model_copy(update={"check": press.value["check"], "value": value}))

    def person(self, body: Body) -> None:
        """ "I need a person"."""
        press = self.pressed(body)
        if press is not None:
            key = f"p:{press.channel}:{press.message}"
            self._take(press.job(key, "person", self._me.team), if_known="thanks")

    def pressed(self, body: Body) -> "Press | None":
        """The button pressed, None where it is not one of a case of this channel."""
        if not self.ours(body) or not body.get("actions"):
            return None
        press = Press.of(body)
        talk = self._state.talk_of_case(press.value["case"])
        if talk is None:
            self._errands.add(partial(tell, self._client, press.channel, press.user, word("gone", "en"), press.thread))
            return None
        return press if talk.team == self._me.team and talk.channel == press.channel else None

    def _allowed(self, channel: str) -> bool:
        allowed = self._settings.allowed_channels
        return not allowed or channel in allowed or channel.startswith("D")

    def _take(self, job: Job, *, if_known: str = "", say: Callable[[str, int], object] | None = None) -> bool:
        limits = self._settings
        taken = self._state.accept(
            job, queue=limits.queue, user_hourly=limits.user_hourly, channel_hourly=limits.channel_hourly
        )
        if taken == "accepted":
            self._work.add(job)
            if job.kind == "question" and job.thread:
                self._errands.add(partial(self._mark, job))
            return True
        key = if_known if taken == "known" else taken if job.kind != "reply" else ""
        limit = limits.channel_hourly if taken == "channel_limit" else limits.user_hourly
        if key and say:
            say(key, limit)
        elif key:
            self._tell(job, key, limit)
        return False

    def _keep_stray(self, event: Body) -> None:
        with self._lock:
            self._strays.append((time.monotonic(), event))
            while self._strays[0][0] < time.monotonic() - STRAY_SECONDS:
                self._strays.popleft()

    def _take_strays(self, question: Job) -> None:
        """Replies in the thread that arrived before their question."""
        place = (question.channel, question.thread)
        with self._lock:
            mine = [event for _, event in self._strays if (event["channel"], event["thread_ts"]) == place]
            self._strays = deque((s for s in self._strays if s[1] not in mine), maxlen=STRAYS)
        for event in mine:
            job = from_message(event, self._me, question.user)
            if job is not None:
                self._take(job)

    def _tell(self, job: Job, key: str, limit: int = 0) -> None:
        lang: Lang = language_of(job.text)
        self._errands.add(partial(tell, self._client, job.channel, job.user, word(key, lang, limit=limit), job.thread))

    def _mark(self, job: Job) -> None:
        self._client.call("reactions.add", wait=False, channel=job.channel, timestamp=job.ts, name=WORKING)


class Press:
    """A button that was pressed, and where."""

    def __init__(self, body: Body, action: Body) -> None:
        container = body.get("container") or {}
        message = body.get("message") or {}
        self.channel: str = (body.get("channel") or {}).get("id") or container.get("channel_id", "")
        self.user: str = body["user"]["id"]
        self.message: str = container.get("message_ts") or message.get("ts", "")
        self.private = bool(container.get("is_ephemeral"))
        self.thread: str = (
            "" if self.private else message.get("thread_ts") or container.get("thread_ts") or self.message
        )
        self.ts: str = action.get("action_ts", "")
        self.response_url: str = body.get("response_url", "")
        self.trigger: str = body.get("trigger_id", "")
        self.value: dict[str, str] = json.loads(action.get("value") or "{}")

    @classmethod
    def of(cls, body: Body) -> "Press":
        """The first action of a body."""
        return cls(body, body["actions"][0])

    def job(self, key: str, kind: str, team: str) -> Job:
        """What the press asks for."""
        return Job.model_validate(
            {
                "key": key,
                "kind": kind,
                "team": team,
                "channel": self.channel,
                "user": self.user,
                "ts": self.ts,
                "thread": self.thread,
                "case": self.value["case"],
                "message": self.message,
                "response_url": self.response_url,
            }
        )
