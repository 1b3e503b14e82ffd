"""A local Slack, after the published API: the Web API over HTTP, Socket Mode over a websocket, files, dialogs.

It holds calls to the documented limits, grants only the scopes it was given, and makes the faults it is told to make.
"""

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from slack_limits import invalid_blocks, invalid_view

from app.slack.manifest import SCOPES

TEAM, BOT, BOT_ID, APP = "T0TEAM", "U0BOT", "B0BOT", "A0APP"
BOT_TOKEN, APP_TOKEN, SIGNING = "xoxb-1-fake", "xapp-1-fake", "0123456789abcdef" * 2
GRACE = 0.4  # seconds within which calls that were under way may still arrive after a 429
HISTORY = {"C": "channels:history", "G": "groups:history", "D": "im:history"}
METHOD_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.startStream": "chat:write",
    "chat.appendStream": "chat:write",
    "chat.stopStream": "chat:write",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "files.info": "files:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "views.open": "",
    "auth.test": "",
}


@dataclass
class Faults:
    """How often things go wrong, each as a share of calls or deliveries."""

    limited: float = 0.0  # 429 with Retry-After
    failed: float = 0.0  # 500 before the call took effect
    lost: float = 0.0  # the call takes effect, its answer never arrives
    repeated: float = 0.0  # deliveries made twice
    dropped: float = 0.0  # deliveries during which the connection breaks
    late: float = 0.0  # seconds; deliveries are delayed by up to this, so that they overtake each other
    retry_after: int = 1
    streams: bool = True


@dataclass
class Error(Exception):
    """Slack's `ok: false`."""

    error: str
    more: dict[str, Any] = field(default_factory=dict)


class FakeSlack:
    """Start it, point CASEBOOK_SLACK_API at `api`, then act as the people with `post`, `press` and so on."""

    def __init__(self, faults: Faults | None = None, seed: int = 1) -> None:
        self.faults, self.random = faults or Faults(), random.Random(seed)
        self.scopes, self.used_scopes = set(SCOPES), set()
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.absent: set[str] = set()  # channels that the bot is not in
        self.ephemeral: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.uploads: dict[str, dict[str, Any]] = {}
        self.downloads: dict[str, tuple[str, bytes]] = {}
        self.calls: list[tuple[str, dict[str, Any], float]] = []
        self.too_early: list[str] = []  # calls made within Retry-After
        self.acks: list[float] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.waiting: dict[str, tuple[asyncio.Future[Any], web.WebSocketResponse]] = {}
        self._closed_until: dict[str, float] = {}
        self._clock = 1_700_000_000.0
        self._lock = threading.RLock()
        self._loop = asyncio.new_event_loop()
        self.port = 0

    # --- life

    def __enter__(self) -> "FakeSlack":
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.begin(self._end())
        self._thread.join(5)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run on the server's loop and wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/api/{method}", self._method)
        app.router.add_get("/files/{id}", self._download)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_post("/respond/{id}", self._respond)
        app.router.add_get("/socket", self._socket)
        runner = web.AppRunner(app, handler_cancellation=False)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        ready.set()
        self._loop.run_forever()

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._loop.stop()

    # --- HTTP

    async def _method(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        body = await request.text()
        is_json = "json" in request.headers.get("content-type", "")
        sent = json.loads(body or "{}") if is_json else dict(await request.post())
        now = time.monotonic()
        self.calls.append((method, sent, now))
        if self._closed_until.get(method, 0.0) > now:
            if now - (self._closed_until[method] - self.faults.retry_after) > GRACE:
                self.too_early.append(method)
            return self._limited()
        chance = self.random.random()
        if method != "auth.test" and chance < self.faults.limited:
            self._closed_until[method] = now + self.faults.retry_after
            return self._limited()
        chance -= self.faults.limited
        if method not in ("auth.test", "apps.connections.open") and chance < self.faults.failed + self.faults.lost:
            if chance >= self.faults.failed:
                self._answer(method, sent, request)
                if request.transport is not None:
                    request.transport.close()
            return web.Response(status=500, text="<html>oops</html>")
        found = self._answer(method, sent, request)
        headers = {"x-oauth-scopes": ",".join(sorted(self.scopes))}
        return web.json_response(found, headers=headers)

    def _limited(self) -> web.Response:
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers={"Retry-After": str(self.faults.retry_after)})

    def _answer(self, method: str, sent: dict[str, Any], request: web.Request) -> dict[str, Any]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        with self._lock:
            try:
                if method == "apps.connections.open":
                    self._check(token == APP_TOKEN, "invalid_auth")
                    return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/socket?ticket={self.random.random()}"}
                self._check(token == BOT_TOKEN, "invalid_auth")
                self._check_scope(method, sent)
                handler: Callable[[dict[str, Any]], dict[str, Any]] | None
                handler = getattr(self, "_" + method.replace(".", "_"), None)
                self._check(
                    handler is not None and not (method.endswith("Stream") and not self.faults.streams),
                    "unknown_method",
                )
                assert handler is not None
                return {"ok": True, **handler(sent)}
            except Error as error:
                return {"ok": False, "error": error.error, **error.more}

    def _check(self, right: bool, error: str) -> None:
        if not right:
            raise Error(error)

    def _check_scope(self, method: str, sent: Mapping[str, Any]) -> None:
        scope = METHOD_SCOPES.get(method, "")
        if method == "conversations.replies":
            scope = HISTORY[sent["channel"][0]]
        if scope and scope not in self.scopes:
            raise Error("missing_scope", {"needed": scope, "provided": ",".join(sorted(self.scopes))})
        self.used_scopes.add(scope)

    # --- the methods

    def _auth_test(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": TEAM, "user_id": BOT, "bot_id": BOT_ID, "user": "casebook", "url": "https://x.slack.com/"}

    def _chat_postMessage(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        channel = self._channel(sent)
        self._check_blocks(sent)
        kept = {k: sent[k] for k in ("text", "blocks", "metadata", "thread_ts") if k in sent}
        message = self.add(channel, BOT, **kept, bot_id=BOT_ID)
        return {"channel": channel, "ts": message["ts"], "message": message}

    def _chat_update(self, sent: dict[str, Any]) -> dict[str, Any]:
        message = self._own(sent)
        self._check(not message.get("streaming"), "streaming_state_conflict")
        self._check_blocks(sent)
        message.update({k: sent[k] for k in ("text", "blocks", "metadata") if k in sent})
        return {"channel": sent["channel"], "ts": message["ts"], "text": message.get("text", "")}

    def _chat_delete(self, sent: dict[str, Any]) -> dict[str, Any]:
        message = self._own(sent)
        self.messages[sent["channel"]].remove(message)
        return {"ts": message["ts"]}

    def _chat_postEphemeral(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._channel(sent)
        self._check_blocks(sent)
        self.ephemeral.append(sent)
        return {"message_ts": self.tick()}

    def _chat_startStream(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        channel = self._channel(sent)
        self._check(bool(sent.get("thread_ts")), "invalid_arguments")
        if not channel.startswith("D"):
            self._check(bool(sent.get("recipient_user_id")), "missing_recipient_user_id")
            self._check(bool(sent.get("recipient_team_id")), "missing_recipient_team_id")
        self._check(len(sent.get("markdown_text", "")) <= 12_000, "msg_too_long")
        text = sent.get("markdown_text", "")
        message = self.add(channel, BOT, text=text, thread_ts=sent["thread_ts"], bot_id=BOT_ID, streaming=True)
        return {"channel": channel, "ts": message["ts"]}

    def _chat_appendStream(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        message = self._own(sent)
        self._check(bool(message.get("streaming")), "message_not_in_streaming_state")
        message["text"] += sent["markdown_text"]
        self._check(len(message["text"]) <= 12_000, "msg_too_long")
        return {"channel": sent["channel"], "ts": message["ts"]}

    def _chat_stopStream(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        message = self._own(sent)
        self._check(bool(message.get("streaming")), "message_not_in_streaming_state")
        self._check_blocks(sent)
        message["text"] += sent.get("markdown_text", "")
        message["streaming"] = False
        message.update({k: sent[k] for k in ("blocks", "metadata") if k in sent})
        return {"channel": sent["channel"], "ts": message["ts"]}

    def _conversations_replies(self, sent: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(sent)
        found = [m for m in self.messages.get(channel, []) if sent["ts"] in (m["ts"], m.get("thread_ts"))]
        self._check(bool(found), "thread_not_found")
        found = found[:1] + [m for m in found[1:] if float(m["ts"]) > float(sent.get("oldest") or 0)]
        start, limit = int(sent.get("cursor") or 0), int(sent.get("limit", 1000))
        page = [dict(m) for m in found[start : start + limit]]
        if not sent.get("include_all_metadata"):
            page = [{k: v for k, v in m.items() if k != "metadata"} for m in page]
        more = str(start + limit) if start + limit < len(found) else ""
        return {"messages": page, "has_more": bool(more), "response_metadata": {"next_cursor": more}}

    def _reactions_add(self, sent: dict[str, Any]) -> dict[str, Any]:
        reactions = self._message(sent["channel"], sent["timestamp"]).setdefault("reactions", [])
        self._check(sent["name"] not in reactions, "already_reacted")
        reactions.append(sent["name"])
        return {}

    def _reactions_remove(self, sent: dict[str, Any]) -> dict[str, Any]:
        reactions = self._message(sent["channel"], sent["timestamp"]).setdefault("reactions", [])
        self._check(sent["name"] in reactions, "no_reaction")
        reactions.remove(sent["name"])
        return {}

    def _views_open(self, sent: dict[str, Any]) -> dict[str, Any]:
        self._check(float(sent["trigger_id"].split(".")[0]) > time.time() - 3, "expired_trigger_id")
        if problem := invalid_view(sent["view"]):
            raise Error("invalid_arguments", {"response_metadata": {"messages": [problem]}})
        self.views.append(sent["view"])
        return {"view": sent["view"]}

    def _files_info(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"file": self.file_object(sent["file"])}

    def _files_getUploadURLExternal(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        id = f"F{len(self.uploads):04}"
        self.uploads[id] = {"name": sent["filename"], "length": int(sent["length"])}
        return {"upload_url": f"http://127.0.0.1:{self.port}/upload/{id}", "file_id": id}

    def _files_completeUploadExternal(self, sent: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for file in json.loads(sent["files"]):
            upload = self.uploads[file["id"]]
            self._check(len(upload.get("content", b"")) == upload["length"], "file_not_found")
            self.add(sent["channel_id"], BOT, text="", thread_ts=sent["thread_ts"], files=[file], bot_id=BOT_ID)
        return {"files": json.loads(sent["files"])}

    # --- what the methods share

    def _channel(self, sent: Mapping[str, Any]) -> str:
        channel = str(sent["channel"])
        self._check(channel not in self.absent, "not_in_channel")
        return "D" + channel[1:] if channel.startswith("U") else channel

    def _own(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        message = self._message(sent["channel"], sent["ts"])
        self._check(message["user"] == BOT, "cant_update_message")
        return message

    def _message(self, channel: str, ts: str) -> dict[str, Any]:
        found = [m for m in self.messages.get(channel, []) if m["ts"] == ts]
        self._check(bool(found), "message_not_found")
        return found[0]

    def _check_blocks(self, sent: Mapping[str, Any]) -> None:
        self._check(len(sent.get("text", "")) <= 40_000, "msg_too_long")
        if problem := invalid_blocks(sent.get("blocks", [])):
            raise Error("invalid_blocks", {"response_metadata": {"messages": [problem]}})

    def add(self, channel: str, user: str, **fields: Any) -> dict[str, Any]:
        """A message."""
        with self._lock:
            message = {"type": "message", "user": user, "ts": self.tick(), **fields}
            self.messages.setdefault(channel, []).append(message)
            return message

    def tick(self) -> str:
        """The next time stamp."""
        with self._lock:
            self._clock += 0.0001
            return f"{self._clock:.6f}"

    def file_object(self, id: str) -> dict[str, Any]:
        """A file as messages carry it."""
        name, content = self.downloads[id]
        url = f"http://127.0.0.1:{self.port}/files/{id}"
        return {"id": id, "name": name, "size": len(content), "mimetype": "text/plain", "url_private_download": url}

    # --- files, response addresses, sockets

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {BOT_TOKEN}" or "files:read" not in self.scopes:
            return web.Response(text="<html>log in</html>", content_type="text/html")
        self.used_scopes.add("files:read")
        name, content = self.downloads[request.match_info["id"]]
        if name == "elsewhere.log":
            raise web.HTTPFound("http://127.0.0.1:9/steal")
        return web.Response(body=content, content_type="text/plain")

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        self.uploads[request.match_info["id"]]["content"] = await request.read()
        return web.Response(text="OK")

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if problem := invalid_blocks(body.get("blocks", [])):
            return web.Response(status=400, text=problem)
        id = request.match_info["id"]
        if id == "expired" or sum(r["id"] == id for r in self.responses) >= 5:
            return web.Response(status=404, text="used_url")
        self.responses.append({"id": id, **body})
        return web.Response(text="ok")

    def retire(self, socket: web.WebSocketResponse) -> None:
        """Nothing more is delivered over this one."""
        if socket in self.sockets:
            self.sockets.remove(socket)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets) + 1})
        self.sockets.append(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    answer = json.loads(message.data)
                    waiting, _ = self.waiting.pop(answer.get("envelope_id", ""), (None, None))
                    if waiting is not None and not waiting.done():
                        waiting.set_result(answer)
        finally:
            self.retire(socket)
            for waiting in [w for w, on in self.waiting.values() if on is socket and not w.done()]:
                waiting.set_result(None)  # not acknowledged: it is delivered again
        return socket
