"""The cases in use, in memory and bounded, and behind them the store: redaction stands between the two."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from app.casefile import Feedback, Outcome, Question, SavedCase, SavedInput, SavedTurn
from app.diagnosis import Diagnosis, GivenAnswer
from app.settings import Settings
from kb.errors import InputError, NotFound, UnavailableError
from kb.evidence import Input
from kb.evidence.decode import Notes, to_text
from kb.redact import Redactor
from kb.types import Lang

if TYPE_CHECKING:
    from app.cases import CaseStore

MAX_CASES, MAX_BYTES = 200, 64 << 20  # held in memory, all cases together
MAX_TURNS = 50
MAX_END = 1 << 20  # kept of the head and of the tail of a long input
MAX_NOTE = 4000  # characters
logger = logging.getLogger("casebook")


@dataclass(slots=True)
class Case:
    """What a case has been given so far. Hold `lock` while a turn is worked out."""

    name: str
    owner: str
    inputs: list[Input] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    language: Lang | None = None
    turns: int = 0
    redactions: int = 0  # in what was redacted before it was read again from the store
    lock: threading.Lock = field(default_factory=threading.Lock)
    redactor: Redactor = field(default_factory=Redactor)


def open_cases(settings: Settings, keep: bool) -> "Cases":
    """The cases of a process. With a retention of 0 days nothing is left on disk, and what was there is deleted."""
    if not keep:
        return Cases(None)
    from app.cases import IN_MEMORY, CaseStore  # SQLAlchemy's import would be a quarter of a short run

    url = settings.database.get_secret_value() if settings.database else f"sqlite:///{settings.data / 'cases.db'}"
    if settings.retention_days > 0:
        return Cases(CaseStore(url, settings.retention_days))
    if settings.database or (settings.data / "cases.db").exists():
        CaseStore(url, 0).close()
    return Cases(CaseStore(IN_MEMORY))


class Cases:
    """Opens, continues, keeps and forgets cases. Safe for threads."""

    def __init__(self, store: "CaseStore | None") -> None:
        """`store` None: cases live as long as the process, feedback is refused."""
        self._store, self._lock = store, threading.Lock()
        self._open: OrderedDict[str, Case] = OrderedDict()

    def open(self, name: str | None, owner: str) -> Case:
        """A new case, or the owner's. Raises NotFound; InputError for one with MAX_TURNS turns."""
        case = Case(token_urlsafe(16), owner) if name is None else self._known(name, owner)
        if case.turns >= MAX_TURNS:
            raise InputError(f"case {case.name!r}: has {MAX_TURNS} turns; start a new one")
        with self._lock:
            self._open[case.name] = case
            self._open.move_to_end(case.name)
            self._shrink()
        return case

    def _known(self, name: str, owner: str) -> Case:
        with self._lock:
            case = self._open.get(name)
        if case is not None and case.owner == owner:
            with case.lock:  # not in the middle of a turn
                turns = case.turns if self._store is None else self._store.turns(name, owner)
                if turns == case.turns and all(i.text.exists() for i in case.inputs if isinstance(i.text, Path)):
                    return case
        if self._store is None or (case is not None and case.owner != owner):
            raise NotFound(f"case {name[:40]!r}: not known here; send the text again without a case")
        return _resumed(self._store.load(name, owner), owner)

    def _shrink(self) -> None:
        sizes = {name: sum(_size(i) for i in case.inputs) for name, case in self._open.items()}
        total = sum(sizes.values())
        while len(self._open) > MAX_CASES or (total > MAX_BYTES and len(self._open) > 1):
            total -= sizes[self._open.popitem(last=False)[0]]

    def keep(
        self, case: Case, inputs: Sequence[Input], answers: Sequence[GivenAnswer], diagnosis: Diagnosis, question: str
    ) -> None:
        """Store the turn that was just worked out, redacted; a failing store costs the record, not the answer."""
        if self._store is None:
            return
        turn = SavedTurn(
            number=case.turns,
            created=datetime.now(UTC),
            question=_clean(case.redactor, question),
            inputs=tuple(
                SavedInput(name=_encodable(i.name), text=case.redactor.redact(kept_text(i)).text) for i in inputs
            ),
            answers=tuple(a.model_copy(update={"check": _clean(case.redactor, a.check)[:200]}) for a in answers),
            diagnosis=diagnosis,
        )
        with _only_logged():
            self._store.add_turn(case.name, case.owner, turn)

    def finish(self, diagnosis: Diagnosis, turn: int) -> None:
        """Store the diagnosis of a turn with its answer as it was written at last."""
        if self._store is not None:
            with _only_logged():
                self._store.set_diagnosis(diagnosis.case, turn, diagnosis)

    def forget(self, name: str, owner: str) -> None:
        """Drop a case and all that was kept of it. Raises NotFound."""
        with self._lock:
            case = self._open.get(name)
            mine = case is not None and case.owner == owner
            if mine:
                del self._open[name]
        if self._store is not None:
            self._store.delete(name, owner)
        elif not mine:
            raise NotFound(f"case {name[:40]!r}: not known here")

    def load(self, name: str, owner: str) -> SavedCase:
        """All that was kept. Raises NotFound."""
        return self._kept().load(name, owner)

    def feedback(self, name: str, owner: str, outcome: Outcome, incident: str | None, note: str | None) -> None:
        """Keep what became of a case; without an incident it is about the first cause. Raises NotFound."""
        saved = self.load(name, owner)
        causes = saved.diagnosis.causes
        if incident is None and saved.diagnosis.verdict == "diagnosed":
            incident = causes[0].incident
        redacted = _clean(Redactor(), note.strip())[:MAX_NOTE] if note and note.strip() else None
        said = Feedback(
            created=datetime.now(UTC),
            outcome=outcome,
            incident=incident,
            note=redacted,
            base_version=saved.diagnosis.kb.version,
        )
        self._kept().add_feedback(name, owner, said)

    def outcomes(self) -> Mapping[str, Mapping[Outcome, int]]:
        """How often each outcome was reported, by incident."""
        return {} if self._store is None else self._store.outcomes()

    def questions(self) -> list[Question]:
        """What was not answered, or voted down."""
        return [] if self._store is None else self._store.questions()

    def fixed(self) -> list[SavedCase]:
        """The kept cases of all owners whose last word is that the fix helped; the last used first."""
        store = self._kept()
        return [case for name, owner in store.fixed() if _is_fixed(case := store.load(name, owner))]

    @property
    def place(self) -> str:
        """The database, without its password."""
        return self._kept().name

    def count(self) -> int:
        """How many cases are kept."""
        return len(self._kept().owned())

    def _kept(self) -> "CaseStore":
        if self._store is None:
            raise UnavailableError("cases are not kept here")
        return self._store

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()


def _is_fixed(case: SavedCase) -> bool:
    return bool(case.feedback) and case.feedback[-1].outcome == "fixed"


@contextmanager
def _only_logged() -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        logger.warning("case not kept: %s", error)


def _resumed(saved: SavedCase, owner: str) -> Case:
    last = saved.turns[-1]
    return Case(
        name=saved.case,
        owner=owner,
        inputs=[Input(i.name, i.text) for turn in saved.turns for i in turn.inputs],
        given={a.check: a.value for turn in saved.turns for a in turn.answers},
        language=saved.language,
        turns=last.number,
        redactions=last.diagnosis.evidence.redactions,
    )


def _size(given: Input) -> int:
    return 0 if isinstance(given.text, Path) else len(given.text)


def _clean(redactor: Redactor, text: str) -> str:
    return redactor.redact(_encodable(text.replace("\0", ""))).text


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def kept_text(given: Input) -> str:
    """The text of an input; of the middle of one over 2 MAX_END only the line breaks, so that numbers stay."""
    if isinstance(given.text, Path):
        return _kept_file(given.text)
    if isinstance(given.text, str) and len(given.text) <= 2 * MAX_END:
        return _encodable(given.text)
    data = given.text.encode("utf-8", "replace") if isinstance(given.text, str) else given.text
    if len(data) <= 2 * MAX_END:
        return to_text(data, Notes())
    return _ends(data[:MAX_END], data.count(b"\n", MAX_END, len(data) - MAX_END), data[-MAX_END:])


def _kept_file(path: Path) -> str:
    middle = path.stat().st_size - 2 * MAX_END
    with path.open("rb") as file:
        if middle <= 0:
            return to_text(file.read(), Notes())
        head, breaks = file.read(MAX_END), 0
        while middle > 0 and (chunk := file.read(min(MAX_END, middle))):
            breaks, middle = breaks + chunk.count(b"\n"), middle - len(chunk)
        return _ends(head, breaks, file.read())


def _ends(head: bytes, breaks: int, tail: bytes) -> str:
    """Both ends as whole lines: redaction would not know half of a secret."""
    head, _, _ = head.rpartition(b"\n")
    _, _, tail = tail.partition(b"\n")
    return to_text(head, Notes()) + "\n" * (breaks + 2) + to_text(tail, Notes())
