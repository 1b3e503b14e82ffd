"""Who is looking, and in which language: an unguessable cookie, the browser's languages, and what pages may load."""

import secrets
from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from app.access import MIN_VISITOR, VISITOR
from kb.types import Lang

LANGUAGE = "casebook_language"
YEAR = 365 * 24 * 3600
# Gradio compiles its templates in the browser and styles inline; nothing may come from, or go to, another host.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob: data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
OURS = ("/en", "/zh", "/incidents", "/groups", "/cases", "/gaps", "/review", "/static")
Scope = MutableMapping[str, Any]


def cookies_of(header: str | None) -> dict[str, str]:
    """The cookies of a Cookie header; none where it is broken."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header or "").items()}
    except CookieError:
        return {}


def owner_of(header: str | None, session: str | None) -> str:
    """Whose cases these are: the visitor's cookie, or the session of a program that keeps no cookies."""
    token = cookies_of(header).get(VISITOR, "")
    return f"web:{token}" if len(token) >= MIN_VISITOR else f"session:{session or secrets.token_urlsafe(24)}"


def language_of(query: str | None, cookie: str | None, accepted: str | None, default: Lang) -> Lang:
    """What was chosen in the address, else before, else what the browser asks for, else the setting."""
    for chosen in (query, cookie):
        if chosen in ("en", "zh"):
            return chosen  # type: ignore[return-value]
    return _accepted(accepted or "") or default


def _accepted(header: str) -> Lang | None:
    ranked: list[tuple[float, Lang]] = []
    for part in header.split(","):
        name, _, weight = part.partition(";q=")
        code = name.strip().lower()[:2]
        if code in ("en", "zh"):
            ranked.append((-_number(weight), "zh" if code == "zh" else "en"))
    return min(ranked, key=lambda r: r[0])[1] if ranked else None


def _number(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


class Visitors:
    """ASGI middleware of the pages: gives each browser its cookie, remembers the language, sets the policy."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass on; add headers to the answers of our own paths."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/" or path.startswith(OURS)):
            await self._app(scope, receive, send)
            return
        added = self._headers(scope)

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, sending)

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        sent = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"cookie"), None)
        known = cookies_of(sent)
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookies = []
        if len(known.get(VISITOR, "")) < MIN_VISITOR and scope["method"] == "GET":
            cookies.append(f"{VISITOR}={secrets.token_urlsafe(32)}; HttpOnly")
        if (chosen := _chosen(scope)) and known.get(LANGUAGE) != chosen:
            cookies.append(f"{LANGUAGE}={chosen}")
        headers = [("content-security-policy", POLICY), ("referrer-policy", "no-referrer"),
                   ("x-content-type-options", "nosniff")]  # fmt: skip
        headers += [("set-cookie", f"{c}; Path=/; Max-Age={YEAR}; SameSite=Lax{secure}") for c in cookies]
        return [(name.encode(), value.encode()) for name, value in headers]


def _chosen(scope: Scope) -> str | None:
    """The language that an address names: /zh/ or ?lang=zh."""
    path = scope["path"].rstrip("/")
    if path in ("/en", "/zh"):
        return str(path[1:])
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[0]
    return asked if asked in ("en", "zh") else None
