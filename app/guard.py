"""ASGI middleware before everything: names and addresses, log-in, rates, sizes, headers. The one seam to limits.

What it refuses gets a problem document. A logged-in user's request is given the visitor cookie of that user, so that
the pages and the API see one owner.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.access import LOOPBACK_NAMES, Access, as_visitor
from app.problems import respond
from kb.errors import InputError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
COSTLY = ("/v1/", "/mcp")  # besides everything that is not a GET
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOGINS = "10/minute"  # wrong ones of one address
BODY_SECONDS = 60  # without a byte of the body
_POLICY = "default-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-resource-policy": b"same-origin",
}
_API_HEADERS = {b"content-security-policy": _POLICY.encode(), b"cache-control": b"no-store"}


class Refused(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.detail, self.headers = status, detail, headers
        super().__init__(detail)


class Guard:
    """The middleware. `app` is whatever stands behind it."""

    def __init__(self, app: Any, access: Access, rate: RateLimitItem, max_body: int) -> None:
        """`rate` of one client; `max_body` in bytes."""
        self._app, self._access, self._max_body = app, access, max_body
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._rate, self._logins = rate, parse(LOGINS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            sender = _with_headers(send, scope["path"])
            try:
                scope = self._admitted(scope)
            except Refused as refused:
                await respond(refused.status, refused.detail, refused.headers)(scope, receive, sender)
                return
            await _Body(self._max_body, receive, sender).run(self._app, scope)
        else:
            await send({"type": "websocket.close", "code": 1008})  # nothing here speaks it

    def _admitted(self, scope: Scope) -> Scope:
        headers = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
        _check_names(scope, headers, self._access.open)
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length) > self._max_body:
            raise _too_large(self._max_body)
        client = (scope.get("client") or ("unknown", 0))[0]
        if scope["path"] in OPEN_PATHS:
            return scope
        name = None if self._access.open else self._known(headers, client)
        if scope["method"] not in SAFE or scope["path"].startswith(COSTLY):
            self._count(self._rate, name or client, "asked too often")
        if name is None:
            return scope
        cookie = as_visitor(name, headers.get(b"cookie")).encode("latin-1")
        others = [pair for pair in scope["headers"] if pair[0] not in (b"cookie", b"authorization")]
        return {**scope, "headers": [*others, (b"cookie", cookie)]}

    def _known(self, headers: dict[bytes, str], client: str) -> str:
        key = ("login", client)
        if not self._limiter.test(self._logins, *key):
            raise Refused(429, "too many wrong log-ins; wait a minute", {"retry-after": "60"})
        given = headers.get(b"authorization", "")
        name = self._access.who(given)
        if name is not None:
            return name
        if given:
            self._limiter.hit(self._logins, *key)
        asked = {"www-authenticate": 'Basic realm="Casebook", charset="UTF-8"'}
        raise Refused(401, "log in: a user's name and password, or Authorization: Bearer TOKEN", asked)

    def _count(self, rate: RateLimitItem, client: str, why: str) -> None:
        if not self._limiter.hit(rate, client):
            window = self._limiter.get_window_stats(rate, client)
            wait = max(1, int(window.reset_time - time.time()) + 1)
            raise Refused(429, f"{why}: more than {rate} (CASEBOOK_RATE)", {"retry-after": str(wait)})


def _check_names(scope: Scope, headers: dict[bytes, str], is_open: bool) -> None:
    """Refuse a page elsewhere that has its own name point here, and one that sends its visitors' requests here."""
    host = headers.get(b"host", "")
    if is_open and _name(host) not in LOOPBACK_NAMES:
        raise Refused(400, f"Host {host[:80]!r}: only localhost is answered without log-in (CASEBOOK_USERS)")
    origin = headers.get(b"origin")
    if scope["method"] not in SAFE and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise Refused(403, "requests sent by pages of another origin are refused")


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def read_rate(text: str) -> RateLimitItem:
    """A rate such as 240/minute. Raises InputError."""
    try:
        return parse(text)
    except ValueError as error:
        raise InputError(f"CASEBOOK_RATE: {text!r} is not a rate such as 240/minute") from error


def _too_large(limit: int) -> Refused:
    """Closes the connection too: the server would read the rest of the body otherwise."""
    return Refused(413, f"the body is larger than {limit >> 20} MB (CASEBOOK_MAX_UPLOAD_MB)", {"connection": "close"})


def _with_headers(send: Send, path: str) -> Send:
    """Adds the security headers that the answer does not set itself."""
    wanted = {**_HEADERS, **(_API_HEADERS if path.startswith(("/v1/", "/docs", "/openapi.json")) else {})}

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            message = {**message, "headers": [*given, *((n, v) for n, v in wanted.items() if n not in names)]}
        await send(message)

    return sending


class _Body:
    """Counts a body while it is read: beyond the limit, or when it stops coming, the app sees a disconnect."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self._limit, self._receive, self._send = limit, receive, send
        self._size, self._complete, self._started = 0, False, False
        self._refused: Refused | None = None

    async def run(self, app: Any, scope: Scope) -> None:
        """Run the app; answer in its place where its body was refused."""
        try:
            await app(scope, self._receiving, self._sending)
        except Exception:
            if self._refused is None:
                raise
        if self._refused is not None and not self._started:
            await respond(self._refused.status, self._refused.detail, self._refused.headers)(
                scope, self._receive, self._send
            )

    async def _receiving(self) -> MutableMapping[str, Any]:
        if self._complete or self._refused:
            return {"type": "http.disconnect"} if self._refused else await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), BODY_SECONDS)
        except TimeoutError:
            why = f"no byte of the body came for {BODY_SECONDS} seconds"
            self._refused = Refused(408, why, {"connection": "close"})
            return {"type": "http.disconnect"}
        self._size += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._size > self._limit:
            self._refused = _too_large(self._limit)
            return {"type": "http.disconnect"}
        return message

    async def _sending(self, message: MutableMapping[str, Any]) -> None:
        if self._refused is not None and not self._started:
            return
        self._started = self._started or message["type"] == "http.response.start"
        await self._send(message)
