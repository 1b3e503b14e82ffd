"""A fake Slack with the real bot listening to it over a real websocket, and the real casebook behind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fake_slack import FakeSlack, Faults
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
            chosen = slack_settings(slack, **more)
            bot = build(casebook, settings, chosen)
            bot.start()
            stack.callback(bot.stop, 5.0)
            if listening:
                stack.callback(connect(bot, chosen).close)
            return slack, People(slack), bot

        yield start
