"""What a question is made of: the message, the messages of the thread before it, the files of all of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.slack.client import Client, SlackError, Stopped
from app.slack.events import earlier, files_of, message_key, secrets, words_of
from app.slack.files import Files, NotRead
from app.slack.model import FileRef, Job, Me, Talk
from app.slack.state import State
from kb.evidence import Input
from kb.evidence.decode import Notes, to_text
from kb.redact import redact
from kb.types import Lang

MAX_THREAD = 400_000  # characters of earlier messages; of more the last are read
MAX_PAGES = 25  # of 200 messages
MAX_FILES = 20  # of a whole thread; the last
SEARCHED = 4 << 20  # bytes of a file's head in which its owner's secrets are looked for
logger = logging.getLogger("casebook")


@dataclass
class Material:
    """Inputs of one turn. `leaks`: how many secrets each person has shown; `unread`: why which file was left out."""

    inputs: list[Input] = field(default_factory=list)
    leaks: dict[str, int] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    read_to: str = ""


@dataclass
class Reader:
    """Gathers the material of jobs. Safe for threads."""

    client: Client
    state: State
    files: Files
    me: Me

    def gather(self, job: Job, talk: Talk | None, lang: Lang) -> Material:
        """The material of a job. Messages that were read for the same case before are not read again."""
        material = Material(read_to=job.ts)
        wanted: list[tuple[str, FileRef]] = []
        if job.reads_before:
            self._before(job, talk, material, wanted)
        if job.text:
            material.inputs.append(Input("message", job.text))
        author = job.author or job.user
        _add(material.leaks, author, job.secrets)
        wanted += [(author, file) for file in job.files]
        for owner, file in wanted[-MAX_FILES:]:
            self._file(owner, file, material, lang)
        return material

    def _before(self, job: Job, talk: Talk | None, material: Material, wanted: list[tuple[str, FileRef]]) -> None:
        messages = self._unread(job, talk)
        texts: list[str] = []
        for message in messages:
            redacted = redact(words_of(message, self.me))
            _add(material.leaks, message.get("user", ""), secrets(redacted))
            texts.append(redacted.text)
            wanted += [(message.get("user", ""), file) for file in files_of(message)]
        text = "\n\n".join(text for text in texts if text)[-MAX_THREAD:]
        if text:
            material.inputs.append(Input("thread", text))

    def _unread(self, job: Job, talk: Talk | None) -> Sequence[Mapping[str, Any]]:
        try:
            after = talk.read_to if talk else None
            messages = self.client.thread(job.channel, job.thread, after=after, pages=MAX_PAGES)
        except Stopped:
            raise
        except SlackError as error:
            logger.warning("a thread could not be read: %s", error)
            return []
        found = list(earlier(messages, self.me, talk.read_to if talk else "", job.ts))
        if talk is None:
            return found
        keys = {message_key(self.me.team, job.channel, m["ts"]): m for m in found}
        known = self.state.known(list(keys)[-500:])
        return [m for key, m in keys.items() if key not in known]

    def _file(self, owner: str, file: FileRef, material: Material, lang: Lang) -> None:
        try:
            if not file.url and file.id:  # of a channel shared with another workspace
                file = files_of({"files": [self.client.call("files.info", file=file.id)["file"]]})[0]
            content = self.files.read(file)
        except NotRead as error:
            material.unread.append(self.files.excuse(file, error, lang))
            return
        except Stopped:
            raise
        except SlackError:
            material.unread.append(self.files.excuse(file, NotRead("file_failed"), lang))
            return
        if content.strip():
            material.inputs.append(Input(file.name, content))
            _add(material.leaks, owner, secrets(redact(to_text(content[:SEARCHED], Notes()))))


def _add(leaks: dict[str, int], who: str, count: int) -> None:
    if who and count:
        leaks[who] = leaks.get(who, 0) + count
