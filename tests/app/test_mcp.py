"""The tools over both transports, with the official client."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from pydantic import SecretStr

from app.api import create_app
from app.casebook import Casebook
from app.diagnosis import Diagnosis
from app.settings import Settings

ROOT = Path(__file__).parents[2]
ROWS = "\n".join(f"{{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.0{n}}}" for n in range(1, 5))
CONFIG = {"name": "ds.json", "content": '{"fp16": {"enabled": true}, "bf16": {"enabled": true}}'}


def _run(server: Any, work: Callable[[Client], Awaitable[None]]) -> None:
    async def go() -> None:
        async with Client(server) as client:
            await work(client)

    asyncio.run(asyncio.wait_for(go(), 120))


@pytest.fixture(scope="module")
def address(casebook: Casebook, serve: Any) -> Iterator[str]:
    """The address of the tools over HTTP."""
    with serve(create_app(casebook, Settings())) as found:
        yield f"{found}/mcp"


@pytest.fixture(params=["http", "stdio"])
def server(request: pytest.FixtureRequest, casebook: Casebook, data_folder: Path) -> Any:
    """What the client connects to. For stdio, `casebook mcp` is started."""
    if request.param == "http":
        return request.getfixturevalue("address")
    env = {**os.environ, "CASEBOOK_DATA": str(data_folder), "CASEBOOK_RETENTION_DAYS": "0"}
    return StdioServerParameters(command=sys.executable, args=["-m", "app.main", "mcp"], env=env, cwd=ROOT)


def test_the_four_tools(server: Any, casebook: Casebook) -> None:
    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"diagnose", "search_incidents", "get_incident", "lint_config"}
        fields = {"text", "files", "language", "case", "answers", "use_model"}
        assert set(tools["diagnose"].input_schema["properties"]) == fields
        await _diagnoses(client)
        await _reads(client, casebook)

    _run(server, work)


async def _diagnoses(client: Client) -> None:
    first = await client.call_tool("diagnose", {"text": f"GRPO run\n{ROWS}", "language": "zh"})
    found = Diagnosis.model_validate(first.structured_content)
    assert found.language == "zh" and found.causes and found.answer in first.content[0].text
    assert f"case: {found.case}" in first.content[0].text
    if found.next_checks:
        answers = [{"check": found.next_checks[0].id, "value": "yes"}]
        after = await client.call_tool("diagnose", {"case": found.case, "answers": answers})
        assert Diagnosis.model_validate(after.structured_content).case == found.case
    for wrong, said in (
        ({}, "nothing to diagnose"),
        ({"text": "x", "case": "unknown"}, "not known here"),
        ({"text": "x", "language": "fr"}, "language"),
        ({"files": [CONFIG] * 21}, "files"),
    ):
        answer = await client.call_tool("diagnose", wrong)
        assert answer.is_error and said in answer.content[0].text


async def _reads(client: Client, casebook: Casebook) -> None:
    found = await client.call_tool("search_incidents", {"words": "GRPO loss zero", "limit": 3})
    ids = [one["incident"]["id"] for one in found.structured_content["result"]]
    assert ids == [incident.id for incident, _ in casebook.search("GRPO loss zero")[:3]]
    shown = await client.call_tool("get_incident", {"id": ids[0], "language": "en"})
    assert shown.structured_content["id"] == ids[0] and "# en" in shown.content[0].text
    assert "# zh" not in shown.content[0].text
    missing = await client.call_tool("get_incident", {"id": "no-such"})
    assert missing.is_error and "not in the base" in missing.content[0].text
    linted = await client.call_tool("lint_config", {"files": [CONFIG]})
    assert [one["rule"] for one in linted.structured_content["findings"]] == ["deepspeed-fp16-with-bf16"]


def test_log_in_and_owners_over_http(casebook: Casebook, serve: Any) -> None:
    import httpx

    token, other = "tok-0123456789abcdef", "tok-fedcba9876543210"
    tokens = SecretStr(f"ci:{token},cd:{other}")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}

    def call(address: str, who: str | None, arguments: dict[str, Any]) -> httpx.Response:
        sent = headers | ({"authorization": f"Bearer {who}"} if who else {})
        params = {"name": "diagnose", "arguments": arguments}
        return httpx.post(f"{address}/mcp", json=body | {"params": params}, headers=sent, timeout=30)

    with serve(create_app(casebook, Settings(tokens=tokens))) as address:
        assert call(address, None, {"text": ROWS}).status_code == 401
        case = call(address, token, {"text": ROWS}).json()["result"]["structuredContent"]["case"]
        theirs = call(address, other, {"text": "more", "case": case}).json()["result"]
        assert theirs["isError"] and "not known here" in theirs["content"][0]["text"]
        assert not call(address, token, {"text": "more", "case": case}).json()["result"].get("isError")
