"""Cases and feedback, kept in the tables of app/database.py.

What arrives here was redacted before. A case belongs to one owner; for any other owner it does not exist.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from app import database as db
from app.casefile import Feedback, Outcome, Question, SavedCase, SavedInput, SavedTurn
from app.database import failures
from app.diagnosis import Diagnosis, GivenAnswer
from kb.errors import NotFound, UnavailableError

IN_MEMORY = "sqlite://"
MAX_IN_MEMORY = 1000  # cases of a store that leaves nothing on disk
PURGE_EVERY = timedelta(hours=1)


class CaseStore:
    """Keeps cases for `retention_days` after their last turn. Safe for threads and for several processes."""

    def __init__(self, url: str, retention_days: int = 30) -> None:
        """Open or make the database. Raises UnavailableError that names it, without its password."""
        self._days, self._purged = retention_days, datetime.min.replace(tzinfo=UTC)
        self._in_memory = url == IN_MEMORY
        with failures(db.shown(url)):
            self._engine = db.open_engine(url)
            self.name = self._engine.url.render_as_string(hide_password=True)
            self._writing = self._engine.execution_options(casebook_write=True)
            with self._writing.begin() as connection:
                db.bring_up_to_date(connection, self.name)
        self.purge()

    # --- cases

    def turns(self, case: str, owner: str) -> int | None:
        """How many turns the owner's case has; None where there is none such."""
        counted = sa.select(sa.func.count(db.turns.c.number)).select_from(db.cases.outerjoin(db.turns))
        counted = counted.where(*_owned(case, owner)).group_by(db.cases.c.case)
        with self._reading() as connection:
            return connection.scalar(counted)

    def add_turn(self, case: str, owner: str, turn: SavedTurn) -> None:
        """Keep one turn, and make the case with the first. Raises UnavailableError where it is there already."""
        diagnosis = turn.diagnosis
        now = {"updated": turn.created, "language": diagnosis.language}
        row = {
            "case": case,
            "number": turn.number,
            "created": turn.created,
            "question": turn.question,
            "inputs": [i.model_dump() for i in turn.inputs],
            "reason_code": diagnosis.reason_code,
            "base_version": diagnosis.kb.version,
            "diagnosis": diagnosis.model_dump(mode="json"),
        }
        with self._writes() as connection:
            if not connection.execute(sa.update(db.cases).where(*_owned(case, owner)).values(now)).rowcount:
                connection.execute(sa.insert(db.cases).values(case=case, owner=owner, created=turn.created, **now))
            connection.execute(sa.insert(db.turns).values(row))
            for answer in {a.check: a for a in turn.answers}.values():
                values = {"case": case, "number": turn.number, "check": answer.check, "value": answer.value}
                connection.execute(sa.insert(db.answers).values(values))
        if turn.created - self._purged > PURGE_EVERY or self._in_memory:
            self.purge(turn.created)

    def set_diagnosis(self, case: str, number: int, diagnosis: Diagnosis) -> None:
        """Replace the diagnosis of a turn, once its answer is written."""
        with self._writes() as connection:
            where = (db.turns.c.case == case, db.turns.c.number == number)
            connection.execute(sa.update(db.turns).where(*where).values(diagnosis=diagnosis.model_dump(mode="json")))

    def load(self, case: str, owner: str) -> SavedCase:
        """The owner's case. Raises NotFound."""
        with self._reading() as connection:
            head = connection.execute(sa.select(db.cases).where(*_owned(case, owner))).one_or_none()
            if head is None:
                raise NotFound(f"case {case[:40]!r}: not known here")
            given: dict[int, list[GivenAnswer]] = {}
            for row in connection.execute(sa.select(db.answers).where(db.answers.c.case == case)):
                given.setdefault(row.number, []).append(GivenAnswer(check=row.check, value=row.value))
            rows = connection.execute(
                sa.select(db.turns).where(db.turns.c.case == case).order_by(db.turns.c.number)
            ).all()
            said = connection.execute(
                sa.select(db.feedback).where(db.feedback.c.case == case).order_by(db.feedback.c.id)
            )
            feedback = tuple(_as_feedback(row) for row in said)
        turns = tuple(_as_turn(row, tuple(given.get(row.number, ()))) for row in rows)
        return SavedCase(case=case, created=head.created, language=head.language, turns=turns, feedback=feedback)

    def owned(self, owner: str | None = None) -> list[str]:
        """The ids of an owner's cases, of all where None; the last used first."""
        wanted = sa.select(db.cases.c.case).order_by(db.cases.c.updated.desc())
        with self._reading() as connection:
            return list(connection.scalars(wanted if owner is None else wanted.where(db.cases.c.owner == owner)))

    def fixed(self) -> list[tuple[str, str]]:
        """Id and owner of every case with the word that a fix helped, the last used first."""
        helped = sa.select(db.feedback.c.case).where(db.feedback.c.outcome == "fixed")
        wanted = sa.select(db.cases.c.case, db.cases.c.owner).where(db.cases.c.case.in_(helped))
        with self._reading() as connection:
            rows = connection.execute(wanted.order_by(db.cases.c.updated.desc()))
            return [(row.case, row.owner) for row in rows]

    def delete(self, case: str, owner: str) -> None:
        """Delete the owner's case with its feedback. Raises NotFound."""
        with self._writes() as connection:
            if connection.scalar(sa.select(db.cases.c.case).where(*_owned(case, owner))) is None:
                raise NotFound(f"case {case[:40]!r}: not known here")
            connection.execute(sa.delete(db.feedback).where(db.feedback.c.case == case))
            connection.execute(sa.delete(db.cases).where(db.cases.c.case == case))

    def purge(self, now: datetime | None = None) -> int:
        """Delete the cases whose time is over and return their number; of feedback only the bare outcome stays."""
        self._purged = now or datetime.now(UTC)
        if self._in_memory:
            old = sa.select(db.cases.c.case).order_by(db.cases.c.updated.desc()).limit(-1).offset(MAX_IN_MEMORY)
        else:
            old = sa.select(db.cases.c.case).where(db.cases.c.updated < self._purged - timedelta(days=self._days))
        with self._writes() as connection:
            forget = sa.update(db.feedback).where(db.feedback.c.case.in_(old)).values(case=None, note=None)
            connection.execute(forget)
            return connection.execute(sa.delete(db.cases).where(db.cases.c.case.in_(old))).rowcount

    # --- feedback

    def add_feedback(self, case: str, owner: str, feedback: Feedback) -> None:
        """Keep what became of a case; a later word on the same incident replaces the earlier. Raises NotFound."""
        same = sa.delete(db.feedback).where(
            db.feedback.c.case == case, db.feedback.c.incident.is_not_distinct_from(feedback.incident)
        )
        with self._writes() as connection:
            if connection.scalar(sa.select(db.cases.c.case).where(*_owned(case, owner))) is None:
                raise NotFound(f"case {case[:40]!r}: not known here")
            connection.execute(same)
            connection.execute(sa.insert(db.feedback).values(case=case, **feedback.model_dump()))

    def outcomes(self) -> Mapping[str, Mapping[Outcome, int]]:
        """How often each outcome was reported, by incident."""
        columns = db.feedback.c.incident, db.feedback.c.outcome
        counted = sa.select(*columns, sa.func.count().label("times")).where(columns[0].is_not(None)).group_by(*columns)
        found: dict[str, dict[Outcome, int]] = {}
        with self._reading() as connection:
            for row in connection.execute(counted):
                found.setdefault(row.incident, {})[row.outcome] = row.times
        return found

    def questions(self) -> list[Question]:
        """The last question of each case that found no answer, or whose answer was voted down; the newest first."""
        turns, votes = db.turns.c, db.feedback.c
        last = sa.select(turns.case, sa.func.max(turns.number).label("number")).group_by(turns.case).subquery()
        down = sa.and_(votes.case == turns.case, votes.outcome.in_(("not_mine", "other")))
        unanswered = turns.reason_code.in_(("too_little", "unknown_problem"))
        wanted = (
            sa.select(turns.case, turns.question, turns.created, db.cases.c.language, votes.outcome, votes.note)
            .join(last, sa.and_(turns.case == last.c.case, turns.number == last.c.number))
            .join(db.cases, db.cases.c.case == turns.case)
            .outerjoin(db.feedback, down)
            .where(sa.or_(unanswered, votes.outcome.is_not(None)))
            .order_by(turns.created.desc())
        )
        with self._reading() as connection:
            found = {row.case: _as_question(row) for row in connection.execute(wanted)}
        return list(found.values())

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with failures(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writes(self) -> Iterator[sa.Connection]:
        with failures(self.name), self._writing.begin() as connection:
            yield connection


def _owned(case: str, owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    return db.cases.c.case == case, db.cases.c.owner == owner


def _as_turn(row: Any, answers: tuple[GivenAnswer, ...]) -> SavedTurn:
    try:
        diagnosis = Diagnosis.model_validate(row.diagnosis)
    except ValidationError as error:
        raise UnavailableError(f"case {row.case}: kept by another version of casebook and not readable") from error
    inputs = tuple(SavedInput.model_validate(i) for i in row.inputs)
    return SavedTurn(
        number=row.number,
        created=row.created,
        question=row.question,
        inputs=inputs,
        answers=answers,
        diagnosis=diagnosis,
    )


def _as_question(row: Any) -> Question:
    return Question(
        text=row.question,
        language=row.language,
        why="down_voted" if row.outcome else "unanswered",
        created=row.created,
        note=row.note,
    )


def _as_feedback(row: Any) -> Feedback:
    return Feedback.model_validate({name: getattr(row, name) for name in Feedback.model_fields})
