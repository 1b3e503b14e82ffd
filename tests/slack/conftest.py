"""A fake Slack with the real bot listening to it over a real websocket, and the real casebook behind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fake_slack import APP_TOKEN, FakeSlack, Faults
from slack_people import People, slack_settings

from app.casebook import Casebook
from app.settings import Settings
from app.slack.service import Bot, build, connect

Running = tuple[FakeSlack, People, Bot]


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
                stack.callback(threading.Thread(target=handler.close, daemon=True).start)  # it takes 3 s
            return slack, People(slack), bot

        yield start
