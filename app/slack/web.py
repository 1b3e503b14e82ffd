"""HTTP mode: one address that takes Slack's signed requests."""

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.starlette.handler import to_starlette_response
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

LARGEST = 1 << 20  # bytes of a request; Slack's are far smaller


def create(app: App) -> Starlette:
    """The web application. Signature and age of a request are checked by slack-bolt before anything is read of it."""

    async def events(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                return PlainTextResponse("too large", 413)
        sent = BoltRequest(body=body.decode("utf-8", "replace"), headers=dict(request.headers))
        return to_starlette_response(await run_in_threadpool(app.dispatch, sent))

    async def alive(request: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"]), Route("/healthz", alive)])
