"""The served model as the rest sees it: a stream of text within limits, or a ModelError."""

import asyncio
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from functools import partial

from kb.errors import ModelError, ModelFailed
from kb.llm.background import Emit, call, iterate, start
from kb.llm.breaker import Breaker
from kb.llm.client import Client, Refused
from kb.llm.stop import Stop
from kb.llm.text import WithoutThinking, estimate_messages, rearm
from kb.llm.types import DEFAULT_CONTEXT, Limits, Message, ModelConfig, ModelInfo, Schema

RETRY_WAIT_S = 0.25
RETRIED = frozenset({"overloaded", "server_error", "broken_off"})
COUNTED_FROM = 0.5  # of the context: below that an estimate of the tokens does
CUT_OFF = frozenset({"length", "content_filter", "abort", "error"})
TEMPLATE_TOKENS = 64  # kept free beside the prompt and the answer


class _Progress:
    """How far one answer has come: the clock that ends it, and what was said."""

    def __init__(self, limits: Limits, deadline: asyncio.Timeout) -> None:
        self._limits, self._deadline = limits, deadline
        self._end = asyncio.get_running_loop().time() + limits.total
        self.alive, self.said = False, 0

    def heard(self) -> None:
        """A sign of life."""
        self.alive = True
        self._deadline.reschedule(min(self._end, asyncio.get_running_loop().time() + self._limits.pause))

    @property
    def left(self) -> float:
        """Seconds until the answer must have begun."""
        return (self._deadline.when() or 0.0) - asyncio.get_running_loop().time()


class ServedModel:
    """A model behind an OpenAI-compatible API. Safe to use from several threads."""

    def __init__(self, config: ModelConfig, breaker: Breaker | None = None) -> None:
        """Opens nothing yet."""
        self.config = config
        self._client = Client(config)
        self._breaker = breaker or Breaker()
        self._info: ModelInfo | None = None
        self._refuses = 0  # 1: the server takes no schema, 2: nor the switch for thinking

    def warm(self) -> "Future[object]":
        """Begin to import what the first answer needs, in the background; takes seconds."""
        return start(partial(self._client.prepare, ModelInfo(self.config.model or "", DEFAULT_CONTEXT)))

    def admit(self) -> None:
        """Raises ModelUnavailable while the server, having failed, is left alone."""
        self._breaker.admit()

    @property
    def name(self) -> str | None:
        """The model's name, as far as it is known without asking."""
        return self._info.name if self._info else self.config.model

    def info(self) -> ModelInfo:
        """The model and its context in tokens, asked of the server once. Raises ModelError."""
        if self._info is None:
            with self._breaker.call():
                call(self._known)
        assert self._info is not None
        return self._info

    def room(self) -> int:
        """Tokens a prompt may have. Raises ModelError."""
        context = self.info().context
        return max(context // 4, context - self.config.limits.tokens - TEMPLATE_TOKENS)

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of a conversation: by the server where it matters and it can, else estimated. Raises ModelError."""
        info, estimate = self.info(), estimate_messages(messages)
        if estimate < COUNTED_FROM * info.context:
            return estimate
        return call(partial(self._client.count, info, messages)) or estimate

    def stream(
        self,
        messages: Sequence[Message],
        schema: Schema | None = None,
        limits: Limits | None = None,
        stop: Stop | None = None,
    ) -> Generator[str, None, None]:
        """The answer as it comes, without thinking. Closing the iterator ends the request and the server's work.

        With `schema` the answer is JSON of that schema where the server can hold the model to it; where it refuses,
        the model is only asked. Raises ModelUnavailable, ModelFailed; what came before stays good. Stopped: by `stop`.
        """
        with self._breaker.call():
            yield from iterate(partial(self._answer, messages, schema, limits or self.config.limits), stop)

    async def _known(self) -> ModelInfo:
        if self._info is None:
            try:
                self._info = await self._client.info()
            except TimeoutError as error:
                raise ModelFailed("slow", f"{self.config.url}: no list of models in time") from error
        return self._info

    async def _answer(
        self, messages: Sequence[Message], schema: Schema | None, limits: Limits, emit: Emit[str]
    ) -> None:
        await self._client.prepare(await self._known())
        try:
            async with asyncio.timeout(limits.first_token) as deadline:
                progress = _Progress(limits, deadline)
                await self._attempts(messages, schema, limits, emit, progress)
        except TimeoutError as error:
            raise ModelFailed("slow", f"{self.config.url}: no (complete) answer in time") from error

    async def _attempts(
        self, messages: Sequence[Message], schema: Schema | None, limits: Limits, emit: Emit[str], progress: _Progress
    ) -> None:
        refuses, retries = self._refuses, limits.retries
        while True:
            try:
                await self._attempt(messages, schema if refuses < 1 else None, refuses < 2, emit, progress)
            except ModelError as error:
                if error.reason == "unknown_model":
                    self._info = None  # it may serve another one by now
                if progress.alive:
                    raise
                if _not_taken(error) and refuses < 2:
                    refuses = 1 if schema and refuses == 0 else 2
                elif error.reason in RETRIED and retries > 0 and (wait := _wait(error)) < progress.left:
                    retries -= 1
                    await asyncio.sleep(wait)
                else:
                    raise
            else:
                self._refuses = refuses
                return

    async def _attempt(
        self, messages: Sequence[Message], schema: Schema | None, template: bool, emit: Emit[str], progress: _Progress
    ) -> None:
        info, kept, finish, url = await self._known(), WithoutThinking(), None, self.config.url
        async for delta in self._client.chat(info, messages, schema, template):
            progress.heard()
            finish = delta.finish or finish
            progress.said += len(delta.text)
            if progress.said > self.config.limits.characters:
                raise ModelFailed("endless", f"{url}: more than {self.config.limits.characters} characters")
            if text := kept.feed(delta.text):
                emit(rearm(text))
        if text := kept.end():
            emit(rearm(text))
        if not progress.alive:
            raise ModelFailed("empty", f"{url}: no answer in what it sent")
        if finish is None:
            raise ModelFailed("broken_off", f"{url}: the answer has no end")
        if finish in CUT_OFF:
            raise ModelFailed("cut_off", f"{url}: the answer ended too early ({finish})")
        if not progress.said:
            raise ModelFailed("empty", f"{url}: an empty answer")


def _not_taken(error: ModelError) -> bool:
    return isinstance(error, Refused) and error.reason == "rejected" and error.status in (400, 422, 501)


def _wait(error: ModelError) -> float:
    after = error.after if isinstance(error, Refused) else None
    return RETRY_WAIT_S if after is None else after
