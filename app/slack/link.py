"""Socket Mode: the websocket over which Slack delivers.

Why not the library's: under the storm in tests/slack, slack_sdk's own client logged torn JSON and stopped hearing on a
connection that stayed open (by its code it drops the first part of a frame whose rest is late); this one does not.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from app.slack.client import Client, SlackError, Stopped
from kb.errors import UnavailableError

PING, LARGEST, OPENING = 10.0, 4 << 20, 10.0  # seconds between pings and to answer one; bytes; seconds to connect
DRAIN = 2.0  # seconds without anything on a connection that Slack wants to end
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0  # seconds between attempts to connect, doubling
logger = logging.getLogger("casebook")

Handle = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


class Link:
    """Keeps one connection open and hands what arrives to threads."""

    def __init__(self, client: Client, handle: Handle, threads: int = 16) -> None:
        """`client` has the app-level token. `handle` takes an envelope and returns the acknowledgement's payload, {}
        for none; None where it must not be acknowledged."""
        self._client, self._handle = client, handle
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="slack-link")
        self._ended = threading.Event()
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="slack-link")

    def start(self) -> None:
        """Connect. Raises UnavailableError."""
        try:
            self._connection = self._open()
        except (WebSocketException, OSError) as error:
            raise UnavailableError(f"Socket Mode does not open: {type(error).__name__}") from error
        self._thread.start()

    def close(self) -> None:
        """End; what has arrived is still handled."""
        self._ended.set()
        self._client.stop()
        if self._connection is not None:
            self._connection.close()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _open(self) -> ClientConnection:
        url = str(self._client.call("apps.connections.open")["url"])
        return connect(
            url,
            open_timeout=OPENING,
            ping_interval=PING,
            ping_timeout=PING,
            max_size=LARGEST,
            logger=_silent(),
        )

    def _run(self) -> None:
        while self._connection is not None and not self._ended.is_set():
            old = self._connection
            self._read(old)
            self._connection = self._reopen()  # the old one takes acknowledgements until the new one stands
            if not self._ended.is_set():
                self._workers.submit(self._drain, old)

    def _read(self, connection: ClientConnection) -> None:
        """Hand on what arrives until the connection breaks or Slack asks for another."""
        try:
            while self._hand_on(connection, connection.recv()):
                pass
        except (WebSocketException, OSError, ValueError, RuntimeError) as error:
            logger.info("the connection to Slack broke: %s", type(error).__name__)

    def _drain(self, connection: ClientConnection) -> None:
        """What Slack had sent before it asked for another connection."""
        try:
            while True:
                self._hand_on(connection, connection.recv(timeout=DRAIN))
        except (TimeoutError, WebSocketException, OSError, ValueError, RuntimeError):
            connection.close()

    def _hand_on(self, connection: ClientConnection, text: str | bytes) -> bool:
        """Whether Slack may go on with this connection."""
        envelope = json.loads(text)
        if envelope.get("envelope_id"):
            self._workers.submit(self._take, connection, envelope)
        return bool(envelope.get("type") != "disconnect")

    def _reopen(self) -> ClientConnection | None:
        wait = FIRST_WAIT
        while not self._ended.is_set():
            try:
                return self._open()
            except Stopped:
                return None
            except (SlackError, WebSocketException, OSError) as error:
                logger.warning("no connection to Slack: %s", error)
            self._ended.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        return None

    def _take(self, connection: ClientConnection, envelope: Mapping[str, Any]) -> None:
        try:
            payload = self._handle(envelope)
        except Exception:
            logger.exception("a delivery was not taken; Slack repeats it")
            return
        if payload is None:
            return
        answer = {"envelope_id": envelope["envelope_id"], **({"payload": payload} if payload else {})}
        try:
            connection.send(json.dumps(answer))
        except (WebSocketException, OSError):  # recorded, not acknowledged: Slack repeats it, and it is known
            logger.info("a connection broke before an acknowledgement was sent")


def _silent() -> logging.Logger:
    """The library logs a traceback for every connection that the other side breaks."""
    silent = logging.getLogger("casebook.slack.websocket")
    silent.setLevel(logging.CRITICAL)
    return silent
