"""Settings from the environment: every variable starts with CASEBOOK_."""

import os
from pathlib import Path

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
    embedding: str = DEFAULT_MODEL
    store: str | None = None  # URL of a Chroma server
    database: SecretStr | None = None  # of cases: sqlite:///… or postgresql://…; None: SQLite in the data folder
    retention_days: int = Field(default=30, ge=0, le=36_500)  # of cases after their last turn; 0: nothing on disk
    llm: str | None = None
    llm_model: str | None = None
    llm_api_key: SecretStr | None = None
    language: Lang | None = None  # of the interface; None: the locale's
    host: str = "127.0.0.1"
    port: int = 7860

    @field_validator("store")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is not an http:// or https:// URL")
        return value

    @property
    def index_root(self) -> Path:
        """Where index generations live."""
        return self.data / "index"

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
