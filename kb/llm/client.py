"""The one seam to llama-index's OpenAI-like client, openai and httpx: asynchronous, errors as ours.

The server is reached directly: proxies of the environment are not used and redirects not followed, since what goes out
holds the user's logs. Imports of llama-index take seconds and wait for the first answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from kb.errors import ModelError, ModelFailed, ModelReason, ModelUnavailable
from kb.llm.text import disarm
from kb.llm.types import DEFAULT_CONTEXT, Message, ModelConfig, ModelInfo, Schema

THINKING_TEMPERATURE = 0.6  # Qwen3's model card: greedy decoding makes thinking go round in circles
MODELS_LIMIT_S = 5.0  # to list models and to count tokens
_STATUS: Mapping[int, ModelReason] = {
    401: "unauthorized", 403: "unauthorized", 404: "unknown_model", 408: "slow", 413: "too_long",
    429: "overloaded", 503: "overloaded", 529: "overloaded",
}  # fmt: skip
_TOO_LONG = ("context length", "context_length", "maximum context", "max_model_len", "too long", "longer than")


class Delta(NamedTuple):
    """A piece of an answer: text, whether the model is thinking, and why it ended where it did."""

    text: str
    thinking: bool
    finish: str | None


class Refused(ModelUnavailable):
    """A status that is not 200; `after` is the Retry-After in seconds."""

    def __init__(self, reason: ModelReason, message: str, status: int, after: float | None) -> None:
        self.status, self.after = status, after
        super().__init__(reason, message)


class Client:
    """One server. Its methods run on one event loop."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._http: Any = None
        self._llm: Any = None

    async def info(self) -> ModelInfo:
        """The model and its context, from the server's list. Raises ModelError, TimeoutError."""
        limit = min(MODELS_LIMIT_S, self._config.limits.first_token)
        with self._as_ours():
            async with asyncio.timeout(limit):
                answer = await self._connection().get(f"{self._config.url}/models", headers=self._headers())
                if answer.status_code in (404, 405, 501) and self._config.model:
                    return ModelInfo(self._config.model, self._config.context or DEFAULT_CONTEXT)  # it has no list
                answer.raise_for_status()
                return self._chosen(_listed(answer.json()))

    async def count(self, info: ModelInfo, messages: Sequence[Message]) -> int | None:
        """Tokens of a conversation by vLLM's /tokenize; None where the server has none."""
        url = self._config.url.removesuffix("/v1") + "/tokenize"
        body = {"model": info.name, "messages": [{"role": m.role, "content": disarm(m.content)} for m in messages]}
        try:
            async with asyncio.timeout(MODELS_LIMIT_S):
                answer = await self._connection().post(url, json=body, headers=self._headers())
            count = answer.json()["count"] if answer.status_code == 200 else None
        except Exception:  # noqa: BLE001 — an extra that few servers have: whatever goes wrong, there is an estimate
            return None
        return count if isinstance(count, int) else None

    async def chat(
        self, info: ModelInfo, messages: Sequence[Message], schema: Schema | None, template: bool
    ) -> AsyncIterator[Delta]:
        """The answer as it comes. `template` sends the switch for thinking. Raises ModelError."""
        llm = await self.prepare(info)
        from llama_index.core.base.llms.types import ChatMessage

        sent = [ChatMessage(role=m.role, content=disarm(m.content)) for m in messages]
        options: dict[str, Any] = {"response_format": _response_format(schema)} if schema else {}
        if template:
            options["extra_body"] = {"chat_template_kwargs": {"enable_thinking": self._config.thinking}}
        with self._as_ours():
            async for response in await llm.astream_chat(sent, **options):
                choices = getattr(response.raw, "choices", None) or [None]
                finish = getattr(choices[0], "finish_reason", None)
                thinking = response.additional_kwargs.get("thinking_delta")
                yield Delta(response.delta or "", bool(thinking), finish)

    async def prepare(self, info: ModelInfo) -> Any:
        """The client for a model. The first time this takes seconds, of which the server's limits know nothing."""
        if self._llm is None or self._llm.model != info.name:
            self._llm = await asyncio.get_running_loop().run_in_executor(None, self._open, info)
        return self._llm

    def _open(self, info: ModelInfo) -> Any:
        from llama_index.llms.openai_like import OpenAILike

        limits = self._config.limits
        llm = OpenAILike(
            model=info.name,
            api_base=self._config.url,
            api_key=self._config.api_key or "none",
            is_chat_model=True,
            is_function_calling_model=False,
            context_window=info.context,
            max_tokens=limits.tokens,
            temperature=THINKING_TEMPERATURE if self._config.thinking else 0.0,
            max_retries=0,
            timeout=limits.total,
            async_http_client=self._connection(),
        )
        _ = llm._get_aclient().chat.completions  # imported when first named
        return llm

    def _connection(self) -> Any:
        if self._http is None:
            self._http = _connection(self._config)
        return self._http

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._config.api_key}"} if self._config.api_key else {}

    def _chosen(self, listed: Sequence[Mapping[str, Any]]) -> ModelInfo:
        wanted = self._config.model
        if not listed and not wanted:
            raise ModelUnavailable("unknown_model", f"{self._config.url}: lists no model; set CASEBOOK_LLM_MODEL")
        found = next((m for m in listed if m["id"] == wanted), None if wanted else listed[0])
        own = found.get("max_model_len") if found else None
        known = own if isinstance(own, int) and own > 0 else None
        context = min(
            known or self._config.context or DEFAULT_CONTEXT, self._config.context or known or DEFAULT_CONTEXT
        )
        return ModelInfo(wanted or str(listed[0]["id"]), context)

    @contextmanager
    def _as_ours(self) -> Iterator[None]:
        """Errors of three libraries as ours; what any server's bytes may do to them is not foreseen by class."""
        try:
            yield
        except (ModelError, TimeoutError):
            raise
        except Exception as error:
            raise _translated(error, self._config.url) from error


def _connection(config: ModelConfig) -> Any:
    import httpx

    class Bounded(httpx.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = config.limits.response_bytes
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    raise ModelFailed("endless", f"{config.url}: more than {config.limits.response_bytes} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Transport(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            response = await super().handle_async_request(request)
            response.stream = Bounded(response.stream)
            return response

    timeout = httpx.Timeout(None, connect=config.limits.connect)
    return httpx.AsyncClient(transport=Transport(), timeout=timeout, follow_redirects=False, trust_env=False)


def _listed(data: Any) -> list[Mapping[str, Any]]:
    models = data.get("data") if isinstance(data, dict) else None
    if not isinstance(models, list):
        raise ValueError("no list of models")
    return [m for m in models if isinstance(m, dict) and isinstance(m.get("id"), str)]


def _response_format(schema: Schema) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": True}}


def _translated(error: Exception, url: str) -> ModelError:
    import httpx

    causes = list(_causes(error))
    response = next((c.response for c in causes if isinstance(c, httpx.HTTPStatusError)), None)
    if response is not None:
        return _refused(response, url, _said(causes))
    for cause in causes:
        if isinstance(cause, ModelError):
            return cause
        if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
            return ModelUnavailable("unreachable", f"{url}: no connection ({cause or type(cause).__name__})")
        if isinstance(cause, httpx.TimeoutException):
            return ModelFailed("slow", f"{url}: no answer in time")
        if isinstance(cause, httpx.TransportError):
            return ModelFailed("broken_off", f"{url}: the connection ended too early ({cause or type(cause).__name__})")
        if isinstance(cause, json.JSONDecodeError | UnicodeError | httpx.HTTPError):
            return ModelFailed("nonsense", f"{url}: what came is not an answer of an OpenAI-compatible server")
    if any(type(cause).__name__ == "APIError" for cause in causes):
        return ModelFailed("server_error", f"{url}: an error within the answer ({str(error)[:200]})")
    return ModelFailed("nonsense", f"{url}: what came is not an answer of an OpenAI-compatible server")


def _said(causes: Sequence[BaseException]) -> str:
    """What the server said with its refusal: openai's error holds the body, httpx's only the status."""
    return " ".join(str(cause) for cause in causes)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(response: Any, url: str, said: str) -> ModelError:
    status = response.status_code
    reason: ModelReason = _STATUS.get(status) or (
        "redirected" if 300 <= status < 400 else "server_error" if status >= 500 else "rejected"
    )
    if status in (400, 422) and any(words in said.lower() for words in _TOO_LONG):
        reason = "too_long"
    return Refused(reason, f"{url}: HTTP {status}{_HINTS.get(reason, '')}", status, _retry_after(response.headers))


_HINTS: Mapping[str, str] = {
    "unauthorized": "; set CASEBOOK_LLM_API_KEY",
    "unknown_model": "; is CASEBOOK_LLM the address with its /v1, and CASEBOOK_LLM_MODEL a model it serves?",
    "redirected": "; give CASEBOOK_LLM the address it redirects to",
}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
