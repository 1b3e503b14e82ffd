"""One casebook whose answers are worded by a scripted server, and turns to word without it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.casebook import Casebook
from evals.server_kinds import KINDS
from evals.servers import ScriptedServer
from kb.llm import Limits, ModelConfig, ServedModel
from kb.llm.breaker import Breaker

LIMITS = Limits(connect=1.0, first_token=1.0, pause=0.6, total=2.0)
Served = Callable[..., "contextmanager[ScriptedServer]"]


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    """The client's import takes seconds: not within a limit of a test."""
    ServedModel(ModelConfig("http://127.0.0.1:1/v1")).warm().result()


@pytest.fixture
def served(casebook: Casebook) -> Iterator[Callable[..., object]]:
    """`with served("good") as (server, model)`: the casebook's answers are worded by that kind of server."""

    @contextmanager
    def serve(kind: str, limits: Limits = LIMITS, breaker: Breaker | None = None, **config: object) -> Iterator[object]:
        with ScriptedServer(KINDS[kind], casebook.incidents()) as server:
            model = ServedModel(ModelConfig(server.url, limits=limits, **config), breaker)  # type: ignore[arg-type]
            casebook.use_model(model)
            try:
                yield server, model
            finally:
                casebook.use_model(None)

    yield serve
