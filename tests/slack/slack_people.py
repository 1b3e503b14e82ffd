"""What people do in the fake Slack, and how Slack tells the bot: events, commands, shortcuts, buttons, dialogs."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from fake_slack import APP, APP_TOKEN, BOT, BOT_TOKEN, SIGNING, TEAM, FakeSlack

from app.slack.settings import SlackSettings

ACK_WITHIN = 3.0  # seconds that Slack waits for an acknowledgement
REPEATS = (0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)  # seconds before each further delivery; Slack's are longer


class People:
    """Acts in a FakeSlack; deliveries go over its sockets."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack, self.number = slack, 0
        self._copies: list[asyncio.Future[Any]] = []
        self.broken: list[str] = []  # why deliveries were not acknowledged
        self.lost: list[dict[str, Any]] = []  # deliveries that were never acknowledged

    # --- acts

    def say(self, channel: str, text: str, user: str = "U1", thread: str | None = None, **more: Any) -> dict[str, Any]:
        """A message, with the events that Slack makes of it; returned before they are delivered."""
        if thread:
            more["thread_ts"] = thread
        message = self.slack.add(channel, user, text=text, team=TEAM, **more)
        kind = {"C": "channel", "G": "group", "D": "im"}[channel[0]]
        self.event({**message, "channel": channel, "channel_type": kind})
        if f"<@{BOT}>" in text:
            self.event({**message, "type": "app_mention", "channel": channel})
        return message

    def mention(
        self, channel: str, text: str, user: str = "U1", thread: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """A message that mentions the bot."""
        return self.say(channel, f"<@{BOT}> {text}", user, thread, **more)

    def event(self, event: Mapping[str, Any], team: str = TEAM, event_id: str | None = None) -> Any:
        """One event."""
        return self.deliver("events_api", event_body(event, team, event_id))

    def command(self, text: str, channel: str = "C1", user: str = "U1") -> Any:
        """The slash command; a future of its acknowledgement."""
        return self.deliver(
            "slash_commands", {**self._interaction(), **command_body(text, channel, user, self.address())}
        )

    def shortcut(self, channel: str, message: Mapping[str, Any], user: str = "U1") -> Any:
        """ "Diagnose this" on a message."""
        body = {
            **self._interaction(),
            "type": "message_action",
            "callback_id": "diagnose_this",
            "message": dict(message),
            "channel": {"id": channel, "name": "x"},
            "user": {"id": user},
            "team": {"id": TEAM},
            "message_ts": message["ts"],
            "response_url": self.address(),
        }
        return self.deliver("interactive", body)

    def press(
        self, channel: str, message: Mapping[str, Any], action: str, user: str = "U1", *, private: bool = False
    ) -> Any:
        """A button of a message, found by its action_id."""
        elements = [e for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]]
        button = next(e for e in elements if e["action_id"] == action)
        container = {
            "type": "message",
            "message_ts": message.get("ts", "9.9"),
            "channel_id": channel,
            "is_ephemeral": private,
            **({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}),
        }
        body = {
            **self._interaction(),
            "type": "block_actions",
            "user": {"id": user},
            "team": {"id": TEAM},
            "channel": {"id": channel},
            "container": container,
            "response_url": self.address(),
            "actions": [{**button, "action_ts": self.slack.tick(), "block_id": "x"}],
        }
        return self.deliver("interactive", body if private else {**body, "message": dict(message)})

    def submit(self, view: Mapping[str, Any], values: Mapping[str, Any], user: str = "U1") -> Any:
        """A dialog sent; `values` by block: the chosen option's value, or {"text": …}."""
        fields = {}
        for block in view["blocks"]:
            given, element = values.get(block["block_id"]), block["element"]
            options = {o["value"]: o for o in element.get("options", [])}
            state = {"selected_option": options[given]} if options else {"value": (given or {}).get("text")}
            fields[block["block_id"]] = {element["action_id"]: state}
        body = {
            **self._interaction(),
            "type": "view_submission",
            "user": {"id": user},
            "team": {"id": TEAM},
            "view": {**view, "id": "V1", "type": "modal", "state": {"values": fields}},
        }
        return self.deliver("interactive", body)

    def file(self, name: str, content: bytes) -> dict[str, Any]:
        """A file that a message may carry."""
        id = f"FD{len(self.slack.downloads)}"
        self.slack.downloads[id] = (name, content)
        return self.slack.file_object(id)

    def address(self) -> str:
        """A response address."""
        self.number += 1
        return f"http://127.0.0.1:{self.slack.port}/respond/{self.number}"

    # --- deliveries

    def deliver(self, kind: str, payload: Mapping[str, Any]) -> Any:
        """Deliver until it is acknowledged; a future of the acknowledgement's payload."""
        return self.slack.begin(self._deliver(kind, payload))

    async def _deliver(self, kind: str, payload: Mapping[str, Any]) -> Any:
        faults, chance = self.slack.faults, self.slack.random
        await asyncio.sleep(chance.random() * faults.late)
        if chance.random() < faults.repeated:
            self._copies.append(asyncio.ensure_future(self._once(kind, payload, 0)))
        for number, pause in enumerate((0.0, *REPEATS)):
            await asyncio.sleep(pause)
            answer = await self._once(kind, payload, number)
            if answer is not None:
                return answer.get("payload")
        self.lost.append(dict(payload))
        return None

    async def _once(self, kind: str, payload: Mapping[str, Any], number: int) -> dict[str, Any] | None:
        while not self.slack.sockets:
            await asyncio.sleep(0.05)
        socket, id = self.slack.random.choice(self.slack.sockets), uuid.uuid4().hex
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.slack.waiting[id] = (waiting, socket)
        envelope = {
            "envelope_id": id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if number:
            envelope |= {"retry_attempt": number, "retry_reason": "timeout"}
        sent = time.monotonic()
        try:
            if self.slack.random.random() < self.slack.faults.dropped:
                self.slack.retire(socket)
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
            await socket.send_json(envelope)
            if self.slack.random.random() < self.slack.faults.dropped:
                self.slack.retire(socket)
                await socket.close()
            answer = await asyncio.wait_for(waiting, ACK_WITHIN)
        except Exception as error:  # noqa: BLE001 — whatever breaks, it was not acknowledged
            self.broken.append(repr(error))
            return None
        if answer is not None:
            self.slack.acks.append(time.monotonic() - sent)
        return answer

    def _interaction(self) -> dict[str, Any]:
        self.number += 1
        return {"trigger_id": f"{time.time():.3f}.{self.number}", "api_app_id": APP, "is_enterprise_install": False}


def event_body(event: Mapping[str, Any], team: str = TEAM, event_id: str | None = None) -> dict[str, Any]:
    """What the Events API sends for an event."""
    return {
        "token": "x",
        "team_id": team,
        "api_app_id": APP,
        "type": "event_callback",
        "event": dict(event),
        "event_id": event_id or f"Ev{uuid.uuid4().hex[:10]}",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": team, "user_id": BOT, "is_bot": True}],
    }


def command_body(text: str, channel: str, user: str, address: str) -> dict[str, Any]:
    """What a slash command sends."""
    return {
        "command": "/casebook",
        "text": text,
        "team_id": TEAM,
        "channel_id": channel,
        "user_id": user,
        "user_name": "x",
        "response_url": address,
    }


def slack_settings(slack: FakeSlack, **more: Any) -> SlackSettings:
    """Settings that point at the fake."""
    defaults = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "signing_secret": SIGNING, "api": slack.api}
    return SlackSettings(**{**defaults, "file_hosts": f"127.0.0.1:{slack.port}", **more})


def own(slack: FakeSlack, channel: str, thread: str | None = None) -> list[dict[str, Any]]:
    """The bot's answers in a channel or thread, pictures left out."""
    found = [m for m in slack.messages.get(channel, []) if m["user"] == BOT and not m.get("files")]
    return [m for m in found if thread is None or m.get("thread_ts") == thread]


def text_of(message: Mapping[str, Any]) -> str:
    """All that a message shows."""
    return message.get("text", "") + json.dumps(message.get("blocks", []), ensure_ascii=False)


def until(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait for something and return it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found
