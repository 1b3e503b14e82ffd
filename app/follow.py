"""The sources of `casebook watch`: a growing file, standard input, a command; and the webhook."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from app.watch import Warned, Watcher
from kb.errors import InputError

CHUNK, WAIT, QUIET, POST_TIMEOUT = 65_536, 0.25, 2.0, 5.0  # bytes; seconds


def follow(arguments: Sequence[str], command: bool, watcher: Watcher) -> int:
    """Run the command, or follow the one file or `-`, to standard output; the exit status. Raises InputError."""
    out = sys.stdout.buffer
    if command:
        return run_command(arguments, out, sys.stderr.buffer, watcher)
    if len(arguments) != 1:
        raise InputError(f"watch: one FILE or -, not {len(arguments)}; a command goes behind --")
    if arguments[0] == "-":
        return follow_stream(sys.stdin.buffer, out, watcher)
    return follow_file(Path(arguments[0]), out, watcher, threading.Event().wait)


def follow_stream(source: BinaryIO, out: BinaryIO, watcher: Watcher) -> int:
    """Copy a stream to its end. Returns the exit status, 0."""
    while data := os.read(source.fileno(), CHUNK):
        _copy(data, out, watcher)
    watcher.end()
    return 0


def follow_file(path: Path, out: BinaryIO, watcher: Watcher, stop: Callable[[float], bool]) -> int:
    """Copy a file from its beginning and as it grows, through truncation and rotation, as `tail -F` does.

    `stop` waits the seconds it is given and says whether to end. Raises InputError where there is no such file.
    """
    try:
        file: BinaryIO = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    quiet = 0.0
    while True:
        data = file.read(CHUNK)
        if data:
            _copy(data, out, watcher)
            quiet = 0.0
            continue
        file = _reopened(path, file)
        if quiet < QUIET <= quiet + WAIT:
            watcher.pause()
        quiet += WAIT
        if file.tell() >= _size(file) and stop(WAIT):
            file.close()
            watcher.end()
            return 0


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _reopened(path: Path, file: BinaryIO) -> BinaryIO:
    """The same file at its beginning if it was cut, the new one if another took its name."""
    with contextlib.suppress(OSError):
        now, then = path.stat(), os.fstat(file.fileno())
        if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino) and file.tell() >= then.st_size:
            fresh = path.open("rb")
            file.close()
            return fresh
        if then.st_size < file.tell():
            file.seek(0)
    return file


def run_command(command: Sequence[str], out: BinaryIO, err: BinaryIO, watcher: Watcher) -> int:
    """Run a command with its output copied; its exit status, 128 + n for signal n, 126 or 127 if it cannot start."""
    environment = {**os.environ, "PYTHONUNBUFFERED": os.environ.get("PYTHONUNBUFFERED", "1")}
    try:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    except OSError as error:
        err.write(f"casebook: {command[0]}: {error.strerror}\n".encode())
        err.flush()
        return 127 if isinstance(error, FileNotFoundError) else 126
    lock = threading.Lock()
    pumps = [_pump(child.stdout, out, watcher, lock), _pump(child.stderr, err, watcher, lock)]
    status = _wait(child)
    for pump in pumps:
        pump.join(QUIET)  # a grandchild may hold the pipe open: it is not waited for
    with lock:
        watcher.end()
        interrupted = status in (-signal.SIGINT, -signal.SIGTERM, 130, 143)
        if status != 0 and not interrupted:
            watcher.failed()
    return status if status >= 0 else 128 - status


def _pump(source: IO[bytes] | None, out: BinaryIO, watcher: Watcher, lock: threading.Lock) -> threading.Thread:
    def copy() -> None:
        while source is not None and (data := os.read(source.fileno(), CHUNK)):
            with lock:
                _copy(data, out, watcher)

    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    return thread


def _wait(child: "subprocess.Popen[bytes]") -> int:
    """The child's status; Ctrl-C reaches it by itself, SIGTERM is passed on, and it decides when to end.

    KeyboardInterrupt is not raised here: between the child's end and its being noted it would lose the status.
    """
    if threading.current_thread() is not threading.main_thread():
        return child.wait()
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda number, frame: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number)),
    }
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _copy(data: bytes, out: BinaryIO, watcher: Watcher) -> None:
    out.write(data)
    out.flush()
    watcher.feed(data)


class Notifier:
    """Posts warnings as JSON to a webhook without holding up the log; a failure is reported once."""

    def __init__(self, url: str, complain: Callable[[str], None]) -> None:
        """Raises InputError for what is no http(s) URL."""
        if not url.startswith(("http://", "https://")):
            raise InputError(f"--notify {url}: not an http:// or https:// URL")
        self._url, self._complain, self._failed = url, complain, False
        self._posts: list[threading.Thread] = []

    def post(self, warned: Warned) -> None:
        """Send it in the background: {"text", …} as Slack-like webhooks read it, and the incident as fields."""
        thread = threading.Thread(target=self._post, args=({"text": warned.text, **warned.data},), daemon=True)
        self._posts.append(thread)
        thread.start()

    def wait(self) -> None:
        """Until what is under way was sent or has timed out."""
        for thread in self._posts:
            thread.join(POST_TIMEOUT + 1)

    def _post(self, data: dict[str, object]) -> None:
        body = json.dumps(data, ensure_ascii=False).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=POST_TIMEOUT) as answer:
                answer.read(CHUNK)
        except (OSError, ValueError) as error:
            if not self._failed:
                self._failed = True
                self._complain(f"casebook: --notify: {error}")
