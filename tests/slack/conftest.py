"""A fake Slack with the real bot listening to it over a real websocket, and the real casebook behind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fake_slack import APP_TOKEN, BOT_TOKEN, SIGNING, FakeSlack, Faults
from slack_people import People

from app.casebook import Casebook
from app.settings import Settings
from app.slack.service import Bot, build, connect
from app.slack.settings import SlackSettings

Running = tuple[FakeSlack, People, Bot]


def slack_settings(slack: FakeSlack, **more: Any) -> SlackSettings:
    """Settings that point at the fake."""
    defaults = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "signing_secret": SIGNING, "api": slack.api}
    return SlackSettings(**{**defaults, "file_hosts": f"127.0.0.1:{slack.port}", **more})


@pytest.fixture
def slack_bot(casebook: Casebook, data_folder: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a fake and a bot; both end with the test."""
    with ExitStack() as stack:

        def start(faults: Faults | None = None, *, listening: bool = True, **more: Any) -> Running:
            slack = stack.enter_context(FakeSlack(faults))
            database = f"sqlite:///{tmp_path / 'slack.db'}"
            settings = Settings(data=data_folder, database=database, language="en")
            bot = build(casebook, settings, slack_settings(slack, **more))
            bot.start()
            stack.callback(bot.stop, 5.0)
            if listening:
                handler = connect(bot, APP_TOKEN)
                stack.callback(handler.close)
            return slack, People(slack), bot

        yield start
