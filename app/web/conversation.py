"""One conversation of one browser tab as a value: events of a turn come in, the next state of the page comes out."""

import logging
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Literal

from app import chinese
from app.casebook import Casebook
from app.casefile import Outcome
from app.diagnosis import Diagnosis, DiagnosisReady, Done, GivenAnswer, Request, SentenceReady
from app.texts import say
from app.web.markup import disarmed, literal
from app.web.panels import Catalog, cited
from app.web.texts import tell
from kb.errors import CasebookError, NotFound
from kb.evidence import Input
from kb.llm.stop import Stop, Stopped
from kb.redact import Redactor
from kb.types import LANGS, Lang

SHOWN_LINES, SHOWN_CHARACTERS = 14, 4000  # of a paste, in the conversation
_SHOWN_BESIDE = re.compile(
    r"\n\n(?:\*\*(?:{below})\*\*\n.*?(?=\n\n\*\*|\Z)| {{3}}\*\*(?:{reasons})\*\*\n.*?(?=\n\n\S|\Z))".format(
        below="|".join(re.escape(say(key, lang)) for key in ("next", "sources") for lang in LANGS),
        reasons="|".join(re.escape(say(key, lang)) for key in ("why", "against") for lang in LANGS),
    ),
    re.DOTALL,
)  # fmt: skip
logger = logging.getLogger("casebook")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the page shows it: safe Markdown."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Session:
    """What a tab shows: the messages, the case as last diagnosed, and what became of it."""

    messages: tuple[Message, ...] = ()
    diagnosis: Diagnosis | None = None
    outcome: Outcome | None = None

    def said(self, role: Literal["user", "assistant"], content: str) -> "Session":
        """With one more message."""
        return replace(self, messages=(*self.messages, Message(role, content)))

    def corrected(self, content: str) -> "Session":
        """With the last message's text replaced."""
        return replace(self, messages=(*self.messages[:-1], Message("assistant", content)))


@dataclass(frozen=True, slots=True)
class Desk:
    """Who talks to what: the casebook, the interface language, whose cases these are, and what stops a turn."""

    casebook: Casebook
    lang: Lang
    owner: str
    stop: Stop = field(default_factory=Stop)

    def ask(self, session: Session, inputs: Sequence[Input], text: str) -> Generator[Session, None, None]:
        """One turn: a sentence, a paste, files."""
        asked = session.said("user", shown(text, inputs, self.lang))
        yield from self._turn(asked, inputs, Request(case=session.diagnosis.case if session.diagnosis else None))

    def answer(self, session: Session, check: str, value: str) -> Generator[Session, None, None]:
        """The same case with one check answered: yes, no or unknown."""
        if session.diagnosis is None or value not in ("yes", "no", "unknown"):
            return
        asked = next((c.do for c in session.diagnosis.next_checks if c.id == check), None)
        if asked is None:
            return
        answered = session.said("user", f"{disarmed(asked)} **{tell(value, self.lang)}**")
        given = GivenAnswer.model_validate({"check": check, "value": value})
        yield from self._turn(answered, (), Request(case=session.diagnosis.case, answers=(given,)))

    def feedback(self, session: Session, outcome: Outcome, incident: str | None, note: str | None) -> Session:
        """The session with its outcome kept."""
        if session.diagnosis is None:
            return session
        try:
            known = {c.incident for c in session.diagnosis.causes}
            chosen = incident if incident in known else next(iter(known)) if len(known) == 1 else None
            self.casebook.feedback(
                session.diagnosis.case, outcome, incident=chosen, note=note or None, owner=self.owner
            )
        except CasebookError as error:
            return session.said("assistant", self._failure(error))
        return replace(session, outcome=outcome)

    def forget(self, session: Session) -> Session:
        """A fresh session; the case is deleted."""
        if session.diagnosis is not None:
            try:
                self.casebook.forget(session.diagnosis.case, owner=self.owner)
            except CasebookError as error:
                return session.said("assistant", self._failure(error))
        return Session().said("assistant", tell("deleted", self.lang))

    def _turn(self, session: Session, inputs: Sequence[Input], request: Request) -> Generator[Session, None, None]:
        session = replace(session, outcome=None).said("assistant", f"*{tell('reading', self.lang)}*")
        yield session
        try:
            yield from self._events(session, inputs, request)
        except NotFound as error:  # its time is over, or the program was started anew: begin again
            if not inputs:
                yield replace(session, diagnosis=None).corrected(self._failure(error))
                return
            yield from self._events(session, inputs, request.model_copy(update={"case": None}))
        except Stopped:
            return
        except CasebookError as error:
            yield session.corrected(self._failure(error))
        except Exception as error:
            logger.exception("the page failed")
            yield session.corrected(f"⚠ {tell('bug', self.lang, kind=type(error).__name__)}")

    def _events(self, session: Session, inputs: Sequence[Input], request: Request) -> Generator[Session, None, None]:
        incidents = self.casebook.incidents()
        said: list[str] = []
        events = self.casebook.stream(inputs, request, default_language=self.lang, owner=self.owner, stop=self.stop)
        with closing(events):  # which ends the model's work
            for event in events:
                match event:
                    case DiagnosisReady(diagnosis):
                        session = replace(session, diagnosis=diagnosis)
                        session = session.corrected(f"*{literal(diagnosis.reason)}*")
                    case SentenceReady(text):
                        said.append(text)
                        session = session.corrected(self._written("".join(said), session.diagnosis, incidents))
                    case Done(diagnosis):
                        session = replace(session, diagnosis=diagnosis).corrected(
                            self._written(diagnosis.answer, diagnosis, incidents) + self._remark(diagnosis)
                        )
                yield session

    def _written(self, answer: str, diagnosis: Diagnosis | None, incidents: Catalog) -> str:
        answer = shortened(answer)
        return disarmed(cited(answer, diagnosis, incidents) if diagnosis else answer)

    def _remark(self, diagnosis: Diagnosis) -> str:
        reason = diagnosis.writer.fallback_reason
        return f"\n\n*{tell('fallback', self.lang, reason=literal(reason))}*" if reason else ""

    def _failure(self, error: CasebookError) -> str:
        return f"⚠ {literal(chinese.line(str(error)) if self.lang == 'zh' else str(error))}"


def shortened(answer: str) -> str:
    """The answer without checks, sources and the rivals' reasons: the page shows them beside it, and with buttons."""
    return _SHOWN_BESIDE.sub("", answer)


def shown(text: str, inputs: Sequence[Input], lang: Lang) -> str:
    """What the user sent, letter by letter but for secrets; long pastes are shortened, files named."""
    lines = Redactor().redact(text[: 2 * SHOWN_CHARACTERS]).text.strip("\n").split("\n")
    if (count := text.strip("\n").count("\n") + 1) > SHOWN_LINES:
        lines = [*lines[:SHOWN_LINES], tell("more_lines", lang, count=count - SHOWN_LINES)]
    names = [f"`{i.name.replace('`', '')}`" for i in inputs if i.name != "text"]
    files = f"📎 {' '.join(names)}" if names else ""
    body = literal("\n".join(lines)[:SHOWN_CHARACTERS]) if text.strip() else ""
    return "\n\n".join(part for part in (body, files) if part)
