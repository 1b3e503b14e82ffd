"""What the bot is asked to do, as plain data. Every text in it is after redaction."""

from dataclasses import dataclass
from typing import Literal

from kb.types import Frozen, Lang

Kind = Literal["question", "reply", "check", "person"]
Value = Literal["yes", "no", "unknown"]  # of a check
Stage = Literal["waiting", "working", "posting", "done"]
SECRET_KINDS = ("key", "token", "password", "private-key")  # of a redaction that the owner should be told about


class FileRef(Frozen):
    """An attached file as Slack describes it; `size` in bytes."""

    id: str = ""
    name: str = "file"
    size: int = 0
    kind: str = ""  # Slack's filetype, such as text, log, python
    mime: str = ""
    url: str = ""


class Job(Frozen):
    """One thing to do. `key` is its identity: whatever Slack delivers twice has the same key.

    `thread` is the time stamp of the message that the answer goes under; empty for an answer only its asker sees.
    `reads_before`: the messages of the thread that came before belong to the question.
    """

    key: str
    kind: Kind
    team: str
    channel: str
    user: str
    author: str = ""  # of the message, where somebody else asks about it
    ts: str
    thread: str = ""
    text: str = ""
    files: tuple[FileRef, ...] = ()
    secrets: int = 0  # found in the text by redaction
    reads_before: bool = False
    response_url: str = ""
    case: str = ""
    check: str = ""
    value: Value = "unknown"
    message: str = ""  # time stamp of the answer whose button was pressed

    @property
    def place(self) -> str:
        """The conversation that the job belongs to; jobs of one place are done one after the other."""
        return f"{self.team}:{self.channel}:{self.thread or self.key}"

    @property
    def private(self) -> bool:
        """Whether only the asker sees the answer."""
        return not self.thread


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job came; `tries` counts its beginnings, this one included."""

    tries: int
    stage: Stage
    case: str = ""
    turn: int = 0
    ts: str = ""  # of the answer's message, once it is known


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation and its case. `read_to`: time stamp of the last message that was read for it."""

    place: str
    case: str
    owner: str
    asker: str
    language: Lang
    read_to: str = ""

    @property
    def channel(self) -> str:
        """The channel's id."""
        return self.place.split(":")[1]

    @property
    def team(self) -> str:
        """The workspace's id."""
        return self.place.split(":", maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is: its workspace, its user and its bot id."""

    team: str
    user: str
    bot: str = ""
    name: str = "casebook"
    scopes: frozenset[str] = frozenset()
