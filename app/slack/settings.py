"""Settings of the Slack bot from the environment: every variable starts with CASEBOOK_SLACK_."""

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import InputError

API = "https://slack.com/api/"


class SlackSettings(BaseSettings):
    """What may be set; only the bot token and one of the other two secrets are needed."""

    model_config = SettingsConfigDict(env_prefix="CASEBOOK_SLACK_", frozen=True, env_ignore_empty=True)

    bot_token: SecretStr | None = None  # xoxb-…
    app_token: SecretStr | None = None  # xapp-…: Socket Mode, no public address
    signing_secret: SecretStr | None = None  # HTTP mode
    channels: str = ""  # ids of the channels to answer in, comma-separated; empty: wherever it was invited
    people: str = ""  # ids of users (U…) and user groups (S…) that "I need a person" pings
    user_hourly: int = Field(default=30, ge=1)  # questions of one person an hour
    channel_hourly: int = Field(default=120, ge=1)
    queue: int = Field(default=500, ge=1)  # accepted and not yet answered; beyond it people are asked to wait
    workers: int = Field(default=4, ge=1, le=64)  # answers under way at once
    file_mb: int = Field(default=20, ge=1, le=1024)  # largest attached file that is read
    api: str = API  # of GovSlack: https://slack-gov.com/api/
    file_hosts: str = "files.slack.com"  # the only hosts that are sent the bot's token for a file

    @field_validator("api")
    @classmethod
    def _slash(cls, value: str) -> str:
        if not value.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError(f"{value!r} is not an https:// URL")
        return value.rstrip("/") + "/"

    @property
    def allowed_channels(self) -> frozenset[str]:
        """The channels to answer in; empty: all."""
        return frozenset(_names(self.channels))

    @property
    def helpers(self) -> tuple[str, ...]:
        """The people and groups to ping."""
        return tuple(_names(self.people))


def load_slack_settings() -> SlackSettings:
    """The settings. Raises InputError that names the variable."""
    try:
        return SlackSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "CASEBOOK_SLACK_" + str(first["loc"][0]).upper()
        raise InputError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error


def secret(value: SecretStr | None) -> str:
    """The secret, or nothing."""
    return value.get_secret_value().strip() if value else ""


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
