"""A scripted OpenAI-compatible server in a thread, over real HTTP: a good Qwen, and every kind of bad one.

    with ScriptedServer(KINDS["good"], casebook.incidents()) as server:
        Settings(llm=server.url)

The good one answers with the incidents' own sentences, whatever causes it is asked about. What it was asked is kept in
`requests`; `left` counts the answers that a client went away from.
"""

import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from app.turn import sentences, without_citations
from kb.types import Incident, Lang

MODEL = "scripted-qwen"
CONTEXT = 32_768  # tokens
CHUNK = 12  # characters of a delta
Row = dict[str, Any]  # one sentence: {text, incident, field}


@dataclass(frozen=True)
class Asked:
    """What a request asks for, as the prompt says it, and what the base knows of it."""

    body: Mapping[str, Any]
    incidents: Mapping[str, Incident]

    @cached_property
    def prompt(self) -> str:
        """All messages as one text."""
        return "\n".join(str(message.get("content")) for message in self.body.get("messages", []))

    @cached_property
    def causes(self) -> list[str]:
        """The incidents asked about, most likely first."""
        found = re.findall(r"^incident: ([a-z0-9-]+)$", self.prompt, re.MULTILINE)
        return [name for name in dict.fromkeys(found) if name in self.incidents]

    @property
    def lang(self) -> Lang:
        """The language to answer in."""
        return "zh" if "Answer in Simplified Chinese" in self.prompt else "en"

    @property
    def wants_schema(self) -> bool:
        """Whether structured output is asked for."""
        return "response_format" in self.body

    def own(self, incident: str, field: str, lang: Lang | None = None) -> list[str]:
        """The sentences of a section, citations taken off."""
        text = str(getattr(self.incidents[incident].sections(lang or self.lang), field))
        return [without_citations(one) for one in sentences(text) if not one.endswith((":", "："))]

    def seen(self, incident: str) -> list[str]:
        """What the prompt gives as speaking for an incident."""
        _, _, rest = self.prompt.partition(f"incident: {incident}\n")
        about, _, _ = rest.partition("\nincident: ")
        return re.findall(r"^for it: (.+)$", about, re.MULTILINE)

    def good(self, lang: Lang | None = None) -> list[Row]:
        """A good answer: what is seen, why, and what to do, in the order that the prompt asks for."""
        several = "Several causes" in self.prompt
        rows: list[Row] = []
        for incident in self.causes if several else self.causes[:1]:
            for name, most in (("evidence", 1), ("cause", 1)) if several else _ORDER:
                said = self._shown(incident, lang) if name == "evidence" else self.own(incident, name, lang)
                rows += [{"text": text, "incident": incident, "field": name} for text in said[:most]]
        return rows

    def _shown(self, incident: str, lang: Lang | None) -> list[str]:
        frame = _SHOWN[lang or self.lang]
        return [frame.format(seen=seen.rstrip(".。")) for seen in self.seen(incident)]


_SHOWN = {"en": "What you sent shows it: {seen}.", "zh": "从你发的内容可以看到：{seen}。"}
_ORDER = (("evidence", 2), ("check", 1), ("cause", 2), ("fix", 1))


class Exchange:
    """One request being answered."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: "ScriptedServer", asked: Asked, number: int) -> None:
        self._handler, self._server = handler, server
        self.asked, self.number = asked, number  # `number` counts the requests for answers, from 1

    def answer(self, status: int, body: str | bytes, kind: str = "application/json", **headers: str) -> None:
        """A whole response; header names are given with underscores."""
        data = body.encode() if isinstance(body, str) else body
        self._handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def refuse(self, status: int, message: str, **headers: str) -> None:
        """An error as OpenAI-compatible servers word it."""
        error = {"message": message, "type": "BadRequestError", "code": status}
        self.answer(status, json.dumps({"error": error}), **headers)

    def open(self) -> None:
        """Begin a stream of events."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self._handler.send_header("Connection", "close")
        self._handler.end_headers()

    def raw(self, data: bytes) -> None:
        """Send bytes at once. Raises OSError when the client is gone."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def event(self, data: object) -> None:
        """One event of a stream."""
        self.raw(f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode())

    def delta(self, finish: str | None = None, **delta: Any) -> None:
        """One piece of an answer."""
        self.event(chunk(delta, finish))

    def done(self, finish: str | None = "stop") -> None:
        """The end of an answer."""
        self.delta(finish)
        self.raw(b"data: [DONE]\n\n")

    def wait(self, seconds: float) -> bool:
        """Do nothing for a while; whether the client is still there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._server.stopping.is_set():
            readable, _, _ = select.select([self._handler.connection], [], [], min(0.05, seconds))
            if readable and not self._handler.connection.recv(1, socket.MSG_PEEK):
                self._server.left += 1
                return False
        return not self._server.stopping.is_set()

    def hang_up(self) -> None:
        """End the connection as a dying process does."""
        with suppress(OSError):
            self._handler.connection.shutdown(socket.SHUT_RDWR)


def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One event's data."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}


def wrapped(rows: Sequence[Row]) -> str:
    """Rows as the JSON that the prompt asks for."""
    return json.dumps({"sentences": list(rows)}, ensure_ascii=False)


def good_words(asked: Asked) -> str:
    """The text of a good answer."""
    return wrapped(asked.good())


def stream(exchange: Exchange, text: str) -> None:
    """Send a text as a good server does."""
    exchange.open()
    exchange.delta(role="assistant", content="")
    for start in range(0, len(text), CHUNK):
        exchange.delta(content=text[start : start + CHUNK])
    exchange.done()


def list_models(exchange: Exchange) -> None:
    """The list of models as vLLM gives it."""
    model = {"id": MODEL, "object": "model", "owned_by": "vllm", "max_model_len": CONTEXT}
    exchange.answer(200, json.dumps({"object": "list", "data": [model]}))


@dataclass(frozen=True)
class Kind:
    """One kind of server: the words it answers with, and how it sends them."""

    name: str
    words: Callable[[Asked], str] = good_words
    send: Callable[[Exchange, str], None] = stream
    models: Callable[[Exchange], None] = list_models
    good: bool = False  # its sentences are true and in order: they are to be shown


@dataclass
class ScriptedServer:
    """Serves one kind on a free port of 127.0.0.1 between `with` and its end."""

    kind: Kind
    incidents: Mapping[str, Incident]
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    left: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._http = _Server(("127.0.0.1", 0), _handler_of(self))

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> "ScriptedServer":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is what some kinds are for."""


def _handler_of(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """The list of models."""
            self._play(lambda exchange: server.kind.models(exchange), {})

        def do_POST(self) -> None:
            """An answer."""
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if not self.path.endswith("/chat/completions"):
                self._play(lambda exchange: exchange.refuse(404, "not found"), {})
                return
            server.requests.append(body)
            self._play(lambda exchange: server.kind.send(exchange, server.kind.words(exchange.asked)), body)

        def _play(self, play: Callable[[Exchange], None], body: Mapping[str, Any]) -> None:
            try:
                play(Exchange(self, server, Asked(body, server.incidents), len(server.requests)))
            except OSError:
                server.left += 1
                self.close_connection = True

    return Handler
