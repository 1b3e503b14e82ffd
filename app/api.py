"""The web application: REST as DESIGN.md section 3 says, MCP, metrics. The one seam to uvicorn."""

import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from app.access import Access
from app.api_page import describe
from app.api_routes import Api
from app.casebook import Casebook
from app.guard import Guard, Receive, Scope, Send, read_rate
from app.mcp_server import http_route, make_server
from app.observe import Metrics
from app.pool import Pool
from app.problems import install
from app.settings import Settings
from kb.errors import UnavailableError

GRACE_SECONDS = 5  # for running answers when the server is asked to end


def create_app(casebook: Casebook, settings: Settings, pool: Pool | None = None) -> FastAPI:
    """The application without the pages, which app.web mounts. Raises InputError for settings that cannot be used."""
    access, rate, pool = Access(settings), read_rate(settings.rate), pool or Pool()
    metrics = Metrics(lambda: pool.in_flight)
    casebook.listeners.append(metrics.diagnosed)
    route, running = http_route(make_server(casebook, pool))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running():
            yield
        pool.close()

    app = FastAPI(
        title="Casebook",
        version="1",
        description="Root causes and fixes for failures of LLM training, fine-tuning and serving, with their sources.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    install(app)
    app.include_router(Api(casebook, settings, pool, metrics).router())
    app.get("/docs", include_in_schema=False)(lambda: HTMLResponse(describe(app.openapi())))
    app.router.routes.append(route)
    app.add_middleware(Timed, metrics=metrics)
    app.add_middleware(Guard, access=access, rate=rate, max_body=settings.max_upload_mb << 20)
    return app


class Timed:
    """ASGI middleware: the time to answer, by route and status."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count what begins with /v1/."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def sending(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, status, time.perf_counter() - start)


def serve(app: FastAPI, host: str, port: int, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until interrupted; `ready` is told the address. Raises UnavailableError where it cannot be bound."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with _bound(host, port) as bound:
        ready(f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}")
        uvicorn.Server(config).run([bound])


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        raise UnavailableError(f"{host}:{port}: cannot be bound ({error}); choose another with --port") from error
    return bound
