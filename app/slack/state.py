"""What must outlast a restart: the questions accepted, how far each answer came, which conversation has which case.

The tables lie in the database of cases. A job is recorded before Slack gets its acknowledgement; its text is deleted
once it is answered, its key stays, so that a later delivery is recognised.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from app import database as db
from app.slack.model import Job, Progress, Stage, Talk

Accepted = Literal["accepted", "known", "full", "user_limit", "channel_limit"]
HOUR = timedelta(hours=1)
_LOCK_NUMBER = 7_227_301  # of PostgreSQL's advisory lock; beside that of app/database.py
PURGE_EVERY = 6 * HOUR

_tables = sa.MetaData()
_jobs = sa.Table(
    "slack_jobs",
    _tables,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("place", sa.String(200), nullable=False, index=True),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("user", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("created", sa.Float, nullable=False, index=True),  # seconds since 1970
    sa.Column("stage", sa.String(10), nullable=False, index=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("case", sa.String(64), nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("ts", sa.String(40), nullable=False),
)
_talks = sa.Table(
    "slack_talks",
    _tables,
    sa.Column("place", sa.String(200), primary_key=True),
    sa.Column("case", sa.String(64), nullable=False, index=True),
    sa.Column("owner", sa.String(300), nullable=False),
    sa.Column("asker", sa.String(40), nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("read_to", sa.String(40), nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
)


class State:
    """The queue and the conversations. Safe for threads."""

    def __init__(self, url: str, days: int = 30) -> None:
        """Open the database and make the tables; keep what is done for `days`. Raises UnavailableError."""
        self._name, self._days, self._purged = db.shown(url), days, 0.0
        with db.failures(self._name):
            self._engine = db.open_engine(url)
            self._writing = self._engine.execution_options(casebook_write=True)
            with self._writing.begin() as connection:
                _tables.create_all(connection)

    # --- the queue

    def accept(self, job: Job, *, queue: int, user_hourly: int, channel_hourly: int) -> Accepted:
        """Record a job, once; what is beyond a limit is not recorded. Raises UnavailableError."""
        now = datetime.now(UTC).timestamp()
        if now - self._purged > PURGE_EVERY.total_seconds():
            self.purge(now)
        with self._writes() as connection:
            _one_at_a_time(connection)
            if connection.scalar(sa.select(_jobs.c.key).where(_jobs.c.key == job.key)) is not None:
                return "known"
            if _count(connection, _jobs.c.stage != "done") >= queue:
                return "full"
            asked = _jobs.c.created > now - HOUR.total_seconds(), _jobs.c.kind == "question"
            if job.kind == "question":
                if _count(connection, _jobs.c.user == job.user, *asked) >= user_hourly:
                    return "user_limit"
                if _count(connection, _jobs.c.channel == job.channel, *asked) >= channel_hourly:
                    return "channel_limit"
            connection.execute(_new(job, now, "waiting"))
        return "accepted"

    def once(self, job: Job) -> bool:
        """Whether this is the first time that something is done which needs no queue."""
        with self._writes() as connection:
            _one_at_a_time(connection)
            if connection.scalar(sa.select(_jobs.c.key).where(_jobs.c.key == job.key)) is not None:
                return False
            connection.execute(_new(job, datetime.now(UTC).timestamp(), "done"))
        return True

    def open_jobs(self) -> list[Job]:
        """What was accepted and is not done, in the order of its acceptance."""
        wanted = sa.select(_jobs.c.job).where(_jobs.c.stage != "done").order_by(_jobs.c.created)
        with self._reads() as connection:
            return [Job.model_validate_json(text) for text in connection.scalars(wanted)]

    def begin(self, key: str) -> Progress:
        """Count one more try; how far the job came before."""
        with self._writes() as connection:
            row = connection.execute(sa.select(_jobs).where(_jobs.c.key == key)).one()
            stage: Stage = "working" if row.stage == "waiting" else row.stage
            connection.execute(_update(key, tries=row.tries + 1, stage=stage))
        return Progress(row.tries + 1, stage, row.case if row.turn else "", row.turn, row.ts)

    def note(self, key: str, **fields: str | int) -> None:
        """Record how far a job came: stage, case, turn, ts."""
        with self._writes() as connection:
            connection.execute(_update(key, **fields))

    def done(self, key: str) -> None:
        """The job is answered; its text is forgotten."""
        self.note(key, stage="done", job="")

    def known(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that were accepted at some time."""
        with self._reads() as connection:
            return set(connection.scalars(sa.select(_jobs.c.key).where(_jobs.c.key.in_(keys))))

    def answers(self, place: str) -> set[str]:
        """The time stamps of the bot's answers in a conversation."""
        with self._reads() as connection:
            return set(connection.scalars(sa.select(_jobs.c.ts).where(_jobs.c.place == place, _jobs.c.ts != "")))

    def counts(self) -> dict[str, int]:
        """How many jobs there are of each stage."""
        counted = sa.select(_jobs.c.stage, sa.func.count()).group_by(_jobs.c.stage)
        with self._reads() as connection:
            return {row[0]: row[1] for row in connection.execute(counted)}

    # --- conversations

    def talk(self, place: str) -> Talk | None:
        """The conversation of a place."""
        return self._talk(_talks.c.place == place)

    def talk_of_case(self, case: str) -> Talk | None:
        """The conversation of a case; of several, the last used."""
        return self._talk(_talks.c.case == case)

    def asker(self, place: str) -> str | None:
        """Who asked first in a conversation, also while the first answer is still to come."""
        first = sa.select(_jobs.c.user).where(_jobs.c.place == place).order_by(_jobs.c.created).limit(1)
        with self._reads() as connection:
            asker = connection.scalar(sa.select(_talks.c.asker).where(_talks.c.place == place))
            return asker if asker is not None else connection.scalar(first)

    def keep_talk(self, talk: Talk) -> None:
        """Record a conversation's case."""
        row = {name: getattr(talk, name) for name in ("place", "case", "owner", "asker", "language", "read_to")}
        with self._writes() as connection:
            connection.execute(sa.delete(_talks).where(_talks.c.place == talk.place))
            connection.execute(sa.insert(_talks).values(**row, updated=datetime.now(UTC).timestamp()))

    def purge(self, now: float) -> None:
        """Forget what was done and said too long ago; `now` in seconds since 1970."""
        self._purged, before = now, now - timedelta(days=self._days).total_seconds()
        with self._writes() as connection:
            connection.execute(sa.delete(_jobs).where(_jobs.c.stage == "done", _jobs.c.created < before))
            connection.execute(sa.delete(_talks).where(_talks.c.updated < before))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _talk(self, where: sa.ColumnElement[bool]) -> Talk | None:
        wanted = sa.select(_talks).where(where).order_by(_talks.c.updated.desc()).limit(1)
        with self._reads() as connection:
            row = connection.execute(wanted).one_or_none()
        return Talk(row.place, row.case, row.owner, row.asker, row.language, row.read_to) if row else None

    @contextmanager
    def _reads(self) -> Iterator[sa.Connection]:
        with db.failures(self._name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writes(self) -> Iterator[sa.Connection]:
        with db.failures(self._name), self._writing.begin() as connection:
            yield connection


def _count(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(_jobs).where(*where)) or 0


def _one_at_a_time(connection: sa.Connection) -> None:
    """Between looking and recording nobody else records; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_NUMBER)))


def _new(job: Job, now: float, stage: Stage) -> sa.Insert:
    row = {"key": job.key, "place": job.place, "channel": job.channel, "user": job.user, "kind": job.kind}
    new = {"created": now, "stage": stage, "tries": 0, "case": job.case, "turn": 0, "ts": ""}
    return sa.insert(_jobs).values(**row, **new, job="" if stage == "done" else job.model_dump_json())


def _update(key: str, **fields: Any) -> sa.Update:
    return sa.update(_jobs).where(_jobs.c.key == key).values(**fields)
