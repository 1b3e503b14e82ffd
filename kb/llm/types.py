"""What the served model takes and gives: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

DEFAULT_CONTEXT = 8192  # tokens, where neither the server nor the user says


class Message(NamedTuple):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the model may take, in seconds, and how much it may say."""

    connect: float = 2.0
    first_token: float = 20.0  # from the request to the first sign of life, thinking included
    pause: float = 15.0  # between two signs of life
    total: float = 90.0
    retries: int = 1  # before the first token only
    tokens: int = 1200  # of the answer, thinking included
    characters: int = 20_000  # for a server that minds no limit of tokens
    response_bytes: int = 8 << 20


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which server, which model, and how to talk to it."""

    url: str  # of the API, with its /v1
    model: str | None = None  # None: the first that the server lists
    api_key: str | None = None
    thinking: bool = False
    context: int | None = None  # tokens; None: what the server says
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its server describes it; `context` is in tokens."""

    name: str
    context: int


Schema = Mapping[str, Any]  # a JSON Schema
