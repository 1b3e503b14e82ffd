"""The bot as a process, on slack-bolt: Socket Mode where there is an app-level token, else HTTP.

Listeners run before the acknowledgement (process_before_response): they only judge and record, in milliseconds.
"""

import json
import logging
import re
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from filelock import FileLock, Timeout
from slack_bolt import Ack, App, BoltRequest

from app.casebook import Casebook
from app.settings import Settings
from app.slack.actions import Actions
from app.slack.answering import Answering
from app.slack.check import PATIENCE, identify, settled
from app.slack.client import Client
from app.slack.desk import Desk
from app.slack.files import Files
from app.slack.link import Link
from app.slack.manifest import COMMAND, SHORTCUT
from app.slack.material import Reader
from app.slack.settings import SlackSettings, secret
from app.slack.state import State
from app.slack.work import Errands, Work
from kb.errors import UnavailableError

LEAST_DAYS = 7  # that keys are kept, so that late deliveries are known
ENDING = 10.0  # seconds for answers under way when the bot is ended
logger = logging.getLogger("casebook")


@dataclass
class Bot:
    """The parts of a running bot."""

    app: App
    client: Client
    state: State
    work: Work
    errands: Errands

    def start(self) -> None:
        """Take up what an earlier run has left, and whatever comes."""
        for job in self.state.open_jobs():
            self.work.add(job)
        self.work.start()

    def stop(self, timeout: float = ENDING) -> None:
        """Finish what is under way; what is not done in time is taken up by the next start."""
        self.work.stop(timeout)
        self.client.stop()
        self.work.stop(2.0)
        self.errands.stop()
        self.state.close()


def build(casebook: Casebook, settings: Settings, slack: SlackSettings) -> Bot:
    """A bot that does not listen yet. Raises InputError, UnavailableError."""
    settled(slack)
    client = Client(secret(slack.bot_token), slack.api)
    me = identify(Client(secret(slack.bot_token), slack.api, patience=PATIENCE))
    state = State(_database(settings), max(settings.retention_days, LEAST_DAYS))
    errands = Errands()
    files = Files(secret(slack.bot_token), [h.strip() for h in slack.file_hosts.split(",")], slack.file_mb)
    answering = Answering(
        casebook=casebook,
        client=client,
        state=state,
        reader=Reader(client, state, files, me),
        me=me,
        errands=errands,
        helpers=slack.helpers,
        default_language=settings.interface_language,
    )
    work = Work(answering.handle, slack.workers)
    desk = Desk(client, state, work, errands, me, slack)
    app = App(
        name="casebook",
        client=client.web,
        signing_secret=secret(slack.signing_secret),
        token_verification_enabled=False,
        process_before_response=True,
        raise_error_for_unhandled_request=False,
        logger=_quiet_logger(),
    )
    _listen(app, desk, Actions(casebook, client, state, desk, errands))
    return Bot(app, client, state, work, errands)


def serve(
    casebook: Casebook, settings: Settings, slack: SlackSettings, note: Callable[[str], None], at: tuple[str, int]
) -> None:
    """Run until interrupted; `at`: address and port of HTTP mode. Raises InputError, UnavailableError."""
    settled(slack)
    settings.data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.data / "slack.lock")
    try:
        lock.acquire(timeout=2)
    except Timeout as error:
        raise UnavailableError(f"{lock.lock_file}: another casebook slack is running on this data folder") from error
    with lock:
        bot = build(casebook, settings, slack)
        bot.start()
        try:
            if secret(slack.app_token):
                _socket(bot, slack, note)
            else:
                _http(bot, at, note)
        finally:
            bot.stop()


def _listen(app: App, desk: Desk, actions: Actions) -> None:
    def taken(handle: Callable[[Any], object]) -> Callable[[Ack, dict[str, Any]], None]:
        def listener(ack: Ack, body: dict[str, Any]) -> None:
            handle(body)
            ack()

        return listener

    def command(ack: Ack, body: dict[str, Any]) -> None:
        ack(response_type="ephemeral", text=desk.command(body))

    for event in ("app_mention", "message"):
        app.event(event)(taken(desk.message))
    app.command(COMMAND)(command)
    app.message_shortcut(SHORTCUT)(taken(desk.shortcut))
    for value in ("yes", "no", "unknown"):
        app.action(f"check_{value}")(taken(partial(desk.check, value)))
    for name, handle in (("fixed", actions.fixed), ("not_mine", actions.not_mine), ("share", actions.share)):
        app.action(name)(taken(handle))
    app.action("person")(taken(desk.person))
    app.view("why")(taken(actions.why))
    app.view("which")(taken(actions.which))
    app.event(re.compile(".*"))(taken(lambda body: None))


def connect(bot: Bot, slack: SlackSettings) -> Link:
    """Open Socket Mode. Raises UnavailableError."""
    link = Link(Client(secret(slack.app_token), slack.api, patience=PATIENCE), partial(_dispatch, bot.app))
    link.start()
    return link


def _dispatch(app: App, envelope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a delivery is acknowledged with; None where it was not taken."""
    answer = app.dispatch(BoltRequest(mode="socket_mode", body=envelope.get("payload") or {}))
    if answer.status != HTTPStatus.OK:
        return None
    return json.loads(answer.body) if answer.body and answer.body.startswith("{") else {}


def _socket(bot: Bot, slack: SlackSettings, note: Callable[[str], None]) -> None:
    link = connect(bot, slack)
    note("casebook slack: listening (Socket Mode)")
    try:
        _until_ended()
    finally:
        link.close()


def _http(bot: Bot, at: tuple[str, int], note: Callable[[str], None]) -> None:
    import uvicorn

    from app.slack.web import create

    note(f"casebook slack: listening on http://{at[0]}:{at[1]}/slack/events (HTTP mode)")
    uvicorn.run(create(bot.app), host=at[0], port=at[1], log_level="warning", access_log=False)


def _until_ended() -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(1.0):
        pass


def _database(settings: Settings) -> str:
    if settings.retention_days == 0:
        return "sqlite://"
    return settings.database.get_secret_value() if settings.database else f"sqlite:///{settings.data / 'cases.db'}"


def _quiet_logger() -> logging.Logger:
    """The library's log: at its usual level it repeats what people wrote."""
    quiet = logging.getLogger("casebook.slack")
    quiet.setLevel(logging.ERROR)
    return quiet
