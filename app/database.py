"""The tables of cases, and the SQLite or PostgreSQL database that holds them."""

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from kb.errors import UnavailableError

_LOCK_NUMBER = 7_227_300  # of PostgreSQL's advisory lock while tables are made; any number that others do not use
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class _Packed(sa.TypeDecorator[Any]):
    """JSON, compressed: pastes and diagnoses shrink to about a tenth."""

    impl, cache_ok = sa.LargeBinary, True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> bytes:
        return zlib.compress(json.dumps(value, separators=(",", ":")).encode())

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return json.loads(zlib.decompress(value))


class _Moment(sa.TypeDecorator[datetime]):
    """A time in UTC; SQLite has no time zones."""

    impl, cache_ok = sa.DateTime(timezone=True), True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def _of_case() -> sa.Column[str]:
    return sa.Column("case", sa.String(64), sa.ForeignKey("cases.case", ondelete="CASCADE"), primary_key=True)


_tables = sa.MetaData()
_version = sa.Table("schema_version", _tables, sa.Column("version", sa.Integer, nullable=False))
cases = sa.Table(
    "cases",
    _tables,
    sa.Column("case", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(300), nullable=False, index=True),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("created", _Moment, nullable=False),
    sa.Column("updated", _Moment, nullable=False, index=True),
)
turns = sa.Table(
    "turns",
    _tables,
    _of_case(),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("created", _Moment, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("inputs", _Packed, nullable=False),
    sa.Column("diagnosis", _Packed, nullable=False),
    sa.Column("reason_code", sa.String(40), nullable=False),
    sa.Column("base_version", sa.String(80), nullable=False),
)
answers = sa.Table(
    "answers",
    _tables,
    _of_case(),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("check", sa.String(200), primary_key=True),
    sa.Column("value", sa.String(10), nullable=False),
)
feedback = sa.Table(
    "feedback",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case", sa.String(64), sa.ForeignKey("cases.case"), index=True),  # null once the case has expired
    sa.Column("created", _Moment, nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("incident", sa.String(100), index=True),
    sa.Column("note", sa.Text),
    sa.Column("base_version", sa.String(80), nullable=False),
)
# From version n to n + 1, for databases made by an earlier Casebook; a new one gets the tables as they stand above.
MIGRATIONS: tuple[Sequence[str], ...] = ()
VERSION = 1 + len(MIGRATIONS)


def open_engine(url: str) -> sa.Engine:
    """The engine for a URL. Raises UnavailableError for one that is not SQLite or PostgreSQL."""
    parsed = sa.make_url(url)
    if parsed.drivername not in _DRIVERS:
        raise UnavailableError(f"{parsed.drivername}://…: not sqlite:// or postgresql:// (CASEBOOK_DATABASE)")
    parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    if parsed.database:
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # its WAL takes over the mode
        engine = sa.create_engine(parsed, connect_args={"timeout": 10})
    else:  # one connection, which holds the whole database, for one thread after the other
        engine = sa.create_engine(
            parsed, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
        )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # _begin_sqlite begins
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """A writer takes the lock at once: a reader that turns writer could fail at once instead of waiting its turn."""
    write = connection.get_execution_options().get("casebook_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def bring_up_to_date(connection: sa.Connection, name: str) -> None:
    """Make the tables, or bring those of an earlier Casebook to VERSION. Raises UnavailableError for a later one's."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_NUMBER)))
    if not sa.inspect(connection).has_table(_version.name):
        _tables.create_all(connection)
        connection.execute(sa.insert(_version).values(version=VERSION))
    found = connection.scalar(sa.select(_version.c.version)) or 0
    if found > VERSION:
        raise UnavailableError(f"{name}: made by a newer casebook (tables {found}, known {VERSION}); update casebook")
    for statement in (s for step in MIGRATIONS[found - 1 :] for s in step):
        connection.execute(sa.text(statement))
    connection.execute(sa.update(_version).values(version=VERSION))


@contextmanager
def failures(name: str) -> Iterator[None]:
    """What the database raises becomes UnavailableError with its name and reason."""
    try:
        yield
    except IntegrityError as error:
        raise UnavailableError("the case was continued elsewhere at the same moment; send it again") from error
    except (SQLAlchemyError, OSError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:200]
        raise UnavailableError(f"database {name}: {reason} (CASEBOOK_DATABASE)") from error


def shown(url: str) -> str:
    """The URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "CASEBOOK_DATABASE"
