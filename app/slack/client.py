"""Calls to Slack's Web API: one seam to slack_sdk.

Retry-After holds back every later call of the method, in every thread. A call that only reads, or that may be made
twice, is repeated after a fault; one that may not raises Unsure, and the caller looks whether it took effect. The
library's own repeats are off, because they would post a message twice.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from app.slack.model import Me
from kb.errors import UnavailableError

FORM = frozenset(  # methods that take no JSON
    {
        "auth.test",
        "conversations.replies",
        "files.info",
        "files.getUploadURLExternal",
        "files.completeUploadExternal",
        "apps.connections.open",
    }
)
REPEATABLE = frozenset(
    {
        "auth.test",
        "conversations.replies",
        "files.info",
        "chat.update",
        "chat.stopStream",
        "chat.postEphemeral",  # better twice than never: such as that a secret is to be changed
        "reactions.add",
        "reactions.remove",
        "apps.connections.open",
        "files.getUploadURLExternal",
    }
)
FAULTS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0  # seconds between repeats, doubling


class SlackError(UnavailableError):
    """A call did not succeed."""


class Refused(SlackError):
    """Slack says no; `error` is its code, `needed` the missing scope."""

    def __init__(self, method: str, error: str, needed: str = "") -> None:
        self.method, self.error, self.needed = method, error, needed
        super().__init__(f"Slack refuses {method}: {error}" + (f" (needs {needed})" if needed else ""))


class Unsure(SlackError):
    """The call may or may not have taken effect."""


class Limited(SlackError):
    """Slack asks to wait, and the caller did not want to."""


class Stopped(SlackError):
    """The bot is being ended."""


class Client:
    """A workspace's Web API with one token. Safe for threads."""

    def __init__(self, token: str, api: str, *, timeout: float = 15.0, patience: float = 600.0) -> None:
        """`timeout` of one call and `patience` with all its repeats, in seconds."""
        self.web = WebClient(token=token, base_url=api, timeout=int(timeout), retry_handlers=[], logger=_silent())
        self.token, self._patience = token, patience
        self._until: dict[str, float] = {}
        self._stop = threading.Event()

    def stop(self) -> None:
        """End all waiting: what waits, and every later call, raises Stopped."""
        self._stop.set()

    def pause(self, seconds: float) -> None:
        """Wait. Raises Stopped."""
        if self._stop.wait(seconds):
            raise Stopped("the bot is being ended")

    def call(self, method: str, *, wait: bool = True, **arguments: Any) -> Mapping[str, Any]:
        """Slack's answer. Raises Refused, Unsure for what must not be made twice, Limited unless `wait`, Stopped."""
        end, delay = time.monotonic() + self._patience, FIRST_WAIT
        while True:
            self._wait_turn(method, wait, end)
            try:
                return self._once(method, {k: v for k, v in arguments.items() if v is not None})
            except _Later as later:
                self._until[method] = time.monotonic() + later.seconds
            except Unsure:
                if method not in REPEATABLE or not wait or time.monotonic() + delay > end:
                    raise
                self.pause(delay * random.uniform(0.5, 1.0))
                delay = min(2 * delay, LONGEST_WAIT)

    def me(self) -> Me:
        """Who the token belongs to, and what it may do. Raises SlackError."""
        found = self.call("auth.test")
        scopes = found.get("scopes", "")
        return Me(
            team=found["team_id"],
            user=found["user_id"],
            bot=found.get("bot_id", ""),
            name=found.get("user", ""),
            scopes=frozenset(s.strip() for s in scopes.split(",") if s.strip()),
        )

    def respond(self, url: str, body: Mapping[str, Any]) -> bool:
        """Send a message to the response_url of a command or button; False where it is used up or not Slack's."""
        host = urlsplit(url).hostname or ""
        if not (host.endswith((".slack.com", ".slack-gov.com")) or host == urlsplit(self.web.base_url).hostname):
            return False
        for _ in range(3):
            try:
                answer = WebhookClient(url, timeout=15, retry_handlers=[]).send_dict(dict(body))
            except (HTTPException, OSError, ValueError):
                return False
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                return answer.status_code == HTTPStatus.OK
            lower = {k.lower(): v for k, v in answer.headers.items()}
            self.pause(_seconds(lower.get("retry-after", "1")))
        return False

    def upload(self, name: str, content: bytes, channel: str, thread: str) -> None:
        """Post a file in a thread. Raises SlackError."""
        place = self.call("files.getUploadURLExternal", filename=name, length=len(content))
        try:
            with urlopen(Request(place["upload_url"], data=content, method="POST"), timeout=30) as answer:
                answer.read()
        except (HTTPException, OSError, ValueError) as error:
            raise Unsure(f"Slack did not take the file {name}: {type(error).__name__}") from error
        files = json.dumps([{"id": place["file_id"], "title": name}])
        self.call("files.completeUploadExternal", files=files, channel_id=channel, thread_ts=thread)

    def thread(self, channel: str, ts: str, *, after: str | None = None, pages: int = 5) -> list[Mapping[str, Any]]:
        """The messages of a thread, oldest first, 200 a page; its first, and those `after` a time stamp. SlackError."""
        messages: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(pages):
            page = self.call(
                "conversations.replies",
                channel=channel,
                ts=ts,
                oldest=after or None,
                limit=200,
                cursor=cursor,
                include_all_metadata="true",
            )
            messages += page.get("messages", ())
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return messages

    def _wait_turn(self, method: str, wait: bool, end: float) -> None:
        while (left := self._until.get(method, 0.0) - time.monotonic()) > 0 or self._stop.is_set():
            if self._stop.is_set():
                raise Stopped("the bot is being ended")
            if not wait or time.monotonic() + left > end:
                raise Limited(f"Slack asks to wait {left:.0f} s with {method}")
            self.pause(left + random.uniform(0.0, 0.3))  # so that not all threads come back at once

    def _once(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        sent: dict[str, Any] = {"params": arguments} if method in FORM else {"json": arguments}
        try:
            answer = self.web.api_call(method, **sent)
        except SlackApiError as error:
            raise _read(method, error) from error
        except (SlackClientError, HTTPException, OSError, ValueError) as error:
            where = urlsplit(self.web.base_url).netloc
            raise Unsure(f"Slack at {where} did not answer {method}: {type(error).__name__}") from error
        data = dict(answer.data) if isinstance(answer.data, dict) else {}
        headers = {k.lower(): v for k, v in (answer.headers or {}).items()}
        return {**data, "scopes": headers.get("x-oauth-scopes", "")} if method == "auth.test" else data


class _Later(Exception):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(seconds)


def _read(method: str, error: SlackApiError) -> Exception:
    """What an error of the library means."""
    response: Any = error.response
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error", ""))
    if response.status_code == 429 or code in ("ratelimited", "rate_limited"):
        lower = {k.lower(): v for k, v in response.headers.items()}
        return _Later(_seconds(lower.get("retry-after", "1")))
    if response.status_code >= 500 or code in FAULTS or not code or " " in code:  # with a space: not Slack's JSON
        return Unsure(f"Slack fails at {method}: {code[:60] or response.status_code}")
    return Refused(method, code, str(data.get("needed", "")))


def _silent() -> logging.Logger:
    """The library logs every fault; here they are repeated, raised or logged by whoever called."""
    silent = logging.getLogger("casebook.slack.web")
    silent.setLevel(logging.CRITICAL)
    return silent


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 3600.0)
    except ValueError:
        return 30.0
