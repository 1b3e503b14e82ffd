"""The tools of Casebook for agents, over the Model Context Protocol. The one seam to mcp."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import wraps
from typing import Annotated, Any, Literal, ParamSpec

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field, ValidationError
from starlette.routing import BaseRoute

from app.access import owner_of
from app.api_models import Ask, CheckAnswer, Findings, FoundIncident, LintAsk, NamedFile, Summary
from app.casebook import Casebook
from app.cli import show_incident
from app.diagnosis import Diagnosis, Done
from app.lint import judge
from app.pool import Pool
from kb.errors import CasebookError
from kb.types import Incident, Lang

P = ParamSpec("P")
INSTRUCTIONS = (
    "Casebook knows root causes and fixes for failures of LLM training, fine-tuning and serving. Give `diagnose` the "
    "error, the log or the configuration as it is; it redacts secrets. When the verdict is `ambiguous`, carry out the "
    "first of next_checks and call again with its `case` and the answer. Do not present a cause as certain beyond its "
    "confidence, and cite its sources."
)
READING = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class _Tools:
    """The tools over one casebook; what blocks runs in the pool."""

    def __init__(self, casebook: Casebook, pool: Pool) -> None:
        self._casebook, self._pool = casebook, pool

    async def diagnose(
        self,
        ctx: Context[Any, Any],
        text: Annotated[str | None, Field(description="the question, the error or a whole log")] = None,
        files: Annotated[list[NamedFile] | None, Field(description="logs and configurations of the same run")] = None,
        language: Literal["auto", "en", "zh"] = "auto",
        case: Annotated[str | None, Field(description="the case of an earlier answer, to go on with it")] = None,
        answers: Annotated[list[CheckAnswer] | None, Field(description="answers to next_checks, by their ids")] = None,
        use_model: bool = True,
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Root causes of a training, fine-tuning or serving failure with checks, fixes and sources."""
        ask = Ask(
            text=text,
            files=tuple(files or ()),
            language=language,
            case=case,
            answers=tuple(answers or ()),
            use_model=use_model,
        )
        owner = _owner(ctx)
        stream = self._pool.stream(lambda stop: self._casebook.stream(ask.inputs(), ask, owner=owner, stop=stop))
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, Done):
                    return _answer(event.diagnosis)
        raise AssertionError("a stream ends with Done")

    async def search_incidents(
        self,
        words: Annotated[str, Field(min_length=1, max_length=1000)],
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> list[FoundIncident]:
        """Find known incidents by words, the best first; get_incident shows one."""
        found = await self._pool.run(lambda: self._casebook.search(words))
        return [FoundIncident(score=round(hit.score, 4), incident=Summary.of(i)) for i, hit in found[:limit]]

    async def get_incident(
        self,
        id: Annotated[str, Field(max_length=100)],
        language: Lang | None = None,
    ) -> Annotated[CallToolResult, Incident]:
        """One incident: symptom, check, cause, fix, prevention and its sources, in one language or both."""
        incident = await self._pool.run(lambda: self._casebook.incident(id))
        content = [TextContent(type="text", text=show_incident(incident, language))]
        return CallToolResult(content=list(content), structured_content=incident.model_dump(mode="json"))

    async def lint_config(self, files: list[NamedFile], language: Lang = "en") -> Findings:
        """Check the configuration files of one run against known incidents and documented rules."""
        ask = LintAsk(files=tuple(files), language=language)
        inputs = [file.as_input() for file in ask.files]
        found = await self._pool.run(lambda: judge(inputs, self._casebook.incidents().values(), language))
        return Findings(findings=found.found, notes=found.notes, remarks=found.remarks)


def make_server(casebook: Casebook, pool: Pool) -> MCPServer:
    """The server with its tools, for any transport."""
    from importlib.metadata import version

    server = MCPServer("casebook", title="Casebook", instructions=INSTRUCTIONS, version=version("casebook"),
                       log_level="WARNING")  # fmt: skip
    tools = _Tools(casebook, pool)
    for tool in (tools.diagnose, tools.search_incidents, tools.get_incident, tools.lint_config):
        server.tool(annotations=READING)(_plain_errors(tool))
    return server


def http_route(server: MCPServer) -> tuple[BaseRoute, Callable[[], AbstractAsyncContextManager[None]]]:
    """The route /mcp for streamable HTTP, and what must be running around it. app.guard stands before it."""
    app = server.streamable_http_app(
        streamable_http_path="/mcp",
        json_response=True,
        stateless_http=True,
        max_request_body_size=1 << 40,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return app.routes[0], server.session_manager.run


def serve_stdio(casebook: Casebook) -> None:
    """Serve one client over standard input and output until it leaves."""
    pool = Pool()
    try:
        asyncio.run(make_server(casebook, pool).run_stdio_async())
    finally:
        pool.close()


def _plain_errors(tool: Callable[P, Any]) -> Callable[P, Any]:
    """Our errors and refused arguments reach the client in their own words."""

    @wraps(tool)
    async def run(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await tool(*args, **kwargs)
        except ValidationError as error:
            first = error.errors()[0]
            raise ToolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        except CasebookError as error:
            raise ToolError(str(error)) from error

    return run


def _owner(ctx: Context[Any, Any]) -> str:
    return owner_of((ctx.headers or {}).get("cookie"))


def _answer(diagnosis: Diagnosis) -> CallToolResult:
    """The answer as text, the whole as structured content."""
    checks = [f"- {check.id}: {check.do}" for check in diagnosis.next_checks]
    more = "\n".join(["", f"case: {diagnosis.case}", *(["next_checks:", *checks] if checks else [])])
    return CallToolResult(
        content=[TextContent(type="text", text=diagnosis.answer + "\n" + more)],
        structured_content=diagnosis.model_dump(mode="json"),
    )
