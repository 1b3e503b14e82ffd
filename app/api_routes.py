"""The routes of REST over one Casebook. The one seam to sse-starlette."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from app.access import owner_of
from app.api_models import Ask, Findings, FoundIncident, GivenFeedback, IncidentPage, LintAsk, ShownIncident, Summary
from app.casebook import Casebook
from app.casefile import SavedCase
from app.diagnosis import Diagnosis, DiagnosisReady, Done, Event
from app.lint import judge
from app.observe import Metrics
from app.pool import Pool
from app.problems import MEDIA_TYPE, of_error
from app.settings import Settings
from app.web.browse import Filter, fitting
from app.web.export import as_markdown
from kb.errors import CasebookError, InputError
from kb.types import Area

PING_SECONDS, LOOK_SECONDS = 15, 1.0  # between two looks whether somebody still waits for the answer
CLOSED_BY_CLIENT = 499  # nobody reads it; as nginx counts it
Responses = dict[int | str, dict[str, Any]]
logger = logging.getLogger("casebook")


def _problems(*statuses: int) -> Responses:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "a problem document", "content": content} for status in statuses}


COMMON = _problems(400, 401, 403, 408, 413, 422, 429, 503, 504)
UNKNOWN = COMMON | _problems(404)
STREAM: Responses = {
    200: {
        "model": Diagnosis,
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "string",
                    "description": "events: `diagnosis` (all but the answer), `sentence` {text} …, `done` (the whole) "
                    "or `error` (a problem document)",
                }
            }
        },
    }
}
CaseId = Annotated[str, Path(max_length=64, description="an id from a diagnosis; it belongs to who asked")]
Word = Annotated[str, Query(max_length=100)]


class Api:
    """The handlers. What blocks runs in the pool."""

    def __init__(self, casebook: Casebook, settings: Settings, pool: Pool, metrics: Metrics) -> None:
        self._casebook, self._settings, self._pool, self._metrics = casebook, settings, pool, metrics

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.post("/v1/diagnose", responses=UNKNOWN | STREAM, response_model=Diagnosis)(self.diagnose)
        router.post("/v1/lint", responses=COMMON)(self.lint)
        router.get("/v1/incidents", responses=COMMON)(self.incidents)
        router.get("/v1/incidents/{id}", responses=UNKNOWN)(self.incident)
        router.get("/v1/search", responses=COMMON)(self.search)
        router.get("/v1/cases/{case}", responses=UNKNOWN, response_model=SavedCase)(self.case)
        router.get("/v1/cases/{case}/markdown", responses=UNKNOWN, response_class=Markdown)(self.markdown)
        router.delete("/v1/cases/{case}", responses=UNKNOWN, status_code=204)(self.forget)
        router.post("/v1/cases/{case}/feedback", responses=UNKNOWN, status_code=204)(self.feedback)
        router.get("/healthz")(self.healthz)
        router.get("/readyz", responses=_problems(503))(self.readyz)
        router.get("/metrics", response_class=PlainTextResponse, responses=_problems(401))(self.measured)
        return router

    async def diagnose(self, ask: Ask, request: Request) -> Response:
        """Diagnose a turn. With `Accept: text/event-stream` the answer comes piece by piece."""
        owner, language = _owner(request), self._settings.interface_language
        stream = self._pool.stream(
            lambda stop: self._casebook.stream(ask.inputs(), ask, default_language=language, owner=owner, stop=stop)
        )
        if "text/event-stream" in request.headers.get("accept", ""):
            events = self._timely(stream, _stays)  # that the reader left, the response notices
            first = await anext(events)  # what goes wrong before it is an answer with its status
            return EventSourceResponse(_as_sent(first, events), ping=PING_SECONDS)
        async with aclosing(self._timely(stream, request.is_disconnected)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return _json(event.diagnosis)
        return Response(status_code=CLOSED_BY_CLIENT)

    async def _timely(
        self, stream: AsyncGenerator[Event, None], left: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[Event, None]:
        """The events until there is no more reader. Raises TimeoutError when the time of a request is over."""
        clock = asyncio.get_running_loop()
        end = clock.time() + self._settings.request_seconds
        async with aclosing(stream):
            while not await left():
                step = asyncio.ensure_future(anext(stream, None))
                try:
                    while not step.done() and not await left():
                        await asyncio.wait({step}, timeout=max(0.0, min(LOOK_SECONDS, end - clock.time())))
                        if not step.done() and clock.time() >= end:
                            raise TimeoutError
                    event = step.result() if step.done() else None
                finally:
                    step.cancel()
                    await asyncio.wait({step})
                if event is None:
                    return
                yield event

    async def lint(self, ask: LintAsk) -> Findings:
        """Check configurations against known incidents and documented rules."""
        inputs = [file.as_input() for file in ask.files]
        found = await self._pool.run(lambda: judge(inputs, self._casebook.incidents().values(), ask.language))
        return Findings(findings=found.found, notes=found.notes, remarks=found.remarks)

    async def incidents(
        self,
        area: Area | None = None,
        component: Word = "",
        group: Word = "",
        version: Annotated[str, Query(max_length=100, description="affected version of `component`")] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> IncidentPage:
        """List the incidents that pass all filters, by area and id."""
        if version and not component:
            raise InputError("version: needs the component that it is of")
        known = await self._pool.run(self._casebook.incidents)
        wanted = Filter(area=area or "", component=component, group=group, version=version)
        found = sorted(fitting(known.values(), wanted), key=lambda i: (i.area, i.id))
        page = tuple(Summary.of(i) for i in found[offset : offset + limit])
        return IncidentPage(total=len(found), offset=offset, incidents=page)

    async def incident(self, id: Annotated[str, Path(max_length=100)]) -> ShownIncident:
        """One incident in both languages, with its reported outcomes."""
        incident = await self._pool.run(lambda: self._casebook.incident(id))
        outcomes = await self._pool.run(self._casebook.outcomes)
        return ShownIncident(incident=incident, outcomes=outcomes.get(incident.id, {}))

    async def search(
        self,
        q: Annotated[str, Query(min_length=1, max_length=1000)],
        limit: Annotated[int, Query(ge=1, le=50)] = 10,
    ) -> list[FoundIncident]:
        """Find incidents by words, the best first."""
        found = await self._pool.run(lambda: self._casebook.search(q))
        return [FoundIncident(score=round(hit.score, 4), incident=Summary.of(i)) for i, hit in found[:limit]]

    async def case(self, case: CaseId, request: Request) -> Response:
        """All that is kept of a case of one's own."""
        return _json(await self._pool.run(lambda: self._casebook.case(case, owner=_owner(request))))

    async def markdown(self, case: CaseId, request: Request) -> Response:
        """A case as Markdown for an issue, redacted."""
        saved = await self._pool.run(lambda: self._casebook.case(case, owner=_owner(request)))
        return Markdown(as_markdown(saved.diagnosis, saved.diagnosis.language))

    async def forget(self, case: CaseId, request: Request) -> None:
        """Delete a case and all that was kept of it."""
        await self._pool.run(lambda: self._casebook.forget(case, owner=_owner(request)))

    async def feedback(self, case: CaseId, given: GivenFeedback, request: Request) -> None:
        """Say what became of a case."""
        owner, outcome, incident, note = _owner(request), given.outcome, given.incident, given.note
        await self._pool.run(lambda: self._casebook.feedback(case, outcome, incident=incident, note=note, owner=owner))
        self._metrics.told(given.outcome)

    async def healthz(self) -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok"}

    async def readyz(self) -> dict[str, str | int]:
        """Whether the index and the database of cases answer."""
        incidents = await self._pool.run(self._casebook.incidents)
        await self._pool.run(self._casebook.outcomes)
        return {"status": "ok", "incidents": len(incidents)}

    async def measured(self) -> Response:
        """Metrics in Prometheus' format."""
        return Response(self._metrics.text(), media_type=self._metrics.media_type)


class Markdown(PlainTextResponse):
    """Text in Markdown."""

    media_type = "text/markdown"


async def _stays() -> bool:
    return False


def _owner(request: Request) -> str:
    return owner_of(request.headers.get("cookie"))


def _json(model: Diagnosis | SavedCase) -> Response:
    return Response(model.model_dump_json(), media_type="application/json")


async def _as_sent(first: Event, rest: AsyncGenerator[Event, None]) -> AsyncIterator[ServerSentEvent]:
    """The events on the wire; an error ends them."""
    async with aclosing(rest):
        yield _sent(first)
        try:
            async for event in rest:
                yield _sent(event)
        except (CasebookError, TimeoutError) as error:
            yield ServerSentEvent(of_error(error).model_dump_json(), event="error")
        except Exception as error:
            logger.exception("a stream broke off")
            yield ServerSentEvent(of_error(error).model_dump_json(), event="error")
            raise


def _sent(event: Event) -> ServerSentEvent:
    if isinstance(event, DiagnosisReady):
        return ServerSentEvent(event.diagnosis.model_dump_json(), event="diagnosis")
    if isinstance(event, Done):
        return ServerSentEvent(event.diagnosis.model_dump_json(), event="done")
    return ServerSentEvent(json.dumps({"text": event.text}, ensure_ascii=False), event="sentence")
