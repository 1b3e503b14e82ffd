"""Settings from the environment: every variable starts with CASEBOOK_."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.embedding import DEFAULT_MODEL
from kb.errors import InputError
from kb.library import BUILT_IN
from kb.types import Lang


class Settings(BaseSettings):
    """What a user may set; the defaults need no account, download or server."""

    model_config = SettingsConfigDict(env_prefix="CASEBOOK_", frozen=True, env_ignore_empty=True)

    data: Path = Path(platformdirs.user_data_dir("casebook", appauthor=False))
    incidents: str = ""  # extra folders, separated like PATH
    drafts: Path = Path("drafts")  # where drafts wait for review
    embedding: str = DEFAULT_MODEL
    rerank: str | None = None  # CrossEncoder by name or folder, or URL of an API with /rerank, its model after #
    rerank_api_key: SecretStr | None = None
    store: str | None = None  # URL of a Chroma server
    database: SecretStr | None = None  # of cases: sqlite:///… or postgresql://…; None: SQLite in the data folder
    retention_days: int = Field(default=30, ge=0, le=36_500)  # of cases after their last turn; 0: nothing on disk
    llm: str | None = None  # URL of an OpenAI-compatible API, with its /v1
    llm_model: str | None = None  # None: the first that the server lists
    llm_api_key: SecretStr | None = None
    llm_thinking: bool = False  # let the model think before it writes; slower
    llm_context: int | None = Field(default=None, ge=2048)  # tokens; None: what the server says, else 8192
    llm_tokens: int = Field(default=1200, ge=64)  # of an answer; thinking has its own
    llm_connect_timeout: float = Field(default=2.0, gt=0)  # seconds, as the next three
    llm_first_token_timeout: float = Field(default=20.0, gt=0)
    llm_pause_timeout: float = Field(default=15.0, gt=0)  # between two tokens
    llm_timeout: float = Field(default=90.0, gt=0)  # of the whole answer
    language: Lang | None = None  # of the interface; None: the locale's
    tokens: SecretStr | None = None  # name:token,… for programs; with these or users everybody must say who they are
    users: SecretStr | None = None  # name:password,… for browsers
    rate: str = "240/minute"  # requests of one client that cost work
    max_upload_mb: int = Field(default=64, ge=1, le=4096)
    request_seconds: float = Field(default=120, gt=0)  # after which a request is given up
    host: str = "127.0.0.1"
    port: int = 7860

    @field_validator("store")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is not an http:// or https:// URL")
        return value

    @field_validator("llm")
    @classmethod
    def _api(cls, value: str | None) -> str | None:
        value = cls._url(value)
        if value is None:
            return None
        parts = urlsplit(value.rstrip("/"))
        return urlunsplit(parts if parts.path else parts._replace(path="/v1"))

    @field_validator("rerank")
    @classmethod
    def _model_or_api(cls, value: str | None) -> str | None:
        return cls._api(value) if value and "://" in value else value

    @property
    def index_root(self) -> Path:
        """Where index generations live."""
        return self.data / "index"

    @property
    def reviewed(self) -> Path:
        """Where reviewed drafts go, unless another folder is named."""
        return self.data / "incidents"

    @property
    def incident_folders(self) -> list[Path]:
        """The built-in base and the extra folders."""
        return [BUILT_IN, *(Path(p).expanduser() for p in self.incidents.split(os.pathsep) if p)]

    @property
    def interface_language(self) -> Lang:
        """CASEBOOK_LANGUAGE, else Chinese where the locale is Chinese, else English."""
        if self.language:
            return self.language
        names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
        return "zh" if next((n for n in names if n), "").lower().startswith("zh") else "en"


def load_settings() -> Settings:
    """The settings. Raises InputError that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "CASEBOOK_" + str(first["loc"][0]).upper()
        raise InputError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error
