"""How a service writes to SQL: one explicit transaction, and settings that survive a power cut."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import DateTime, Dialect, Engine, Table, event, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeDecorator

from backend.clock import CHINA
from backend.extensions import db


class ChinaTime(TypeDecorator[datetime]):
    """An aware time: TIMESTAMPTZ on PostgreSQL, UTC text that sorts on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: it would be read as another hour elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        as_utc = value.astimezone(UTC)
        return as_utc.replace(tzinfo=None) if dialect.name == "sqlite" else as_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in China."""
        if value is None:
            return None
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).astimezone(CHINA)


def configure(engine: Engine) -> None:
    """Make every connection durable and its transactions explicit."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _configure_postgresql)


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL loses acknowledged payments on a power cut
        "foreign_keys=ON",
        "busy_timeout=10000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: upgrading a read lock later fails under a race."""
    writes = connection.get_execution_options().get("huiquan_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _configure_postgresql(connection: Any, _record: Any) -> None:
    previous, connection.autocommit = connection.autocommit, True
    connection.execute("SET statement_timeout = '10s'")
    connection.execute("SET lock_timeout = '5s'")
    connection.execute("SET idle_in_transaction_session_timeout = '30s'")
    connection.autocommit = previous


def table_of(model: type[DeclarativeBase]) -> Table:
    """Return a model's table, for statements that every payment runs.

    Put together once and on the table, a statement takes a tenth of the time that Python needs for
    one built anew on the model (docs/benchmarks.md).
    """
    return cast(Table, model.__table__)


def follow(row: DeclarativeBase, **written: object) -> None:
    """Let a row in memory say what a statement has just written, without reading it again."""
    for name, value in written.items():
        set_committed_value(row, name, value)


def allow_long_statements(session: Session) -> None:
    """Let this transaction's statements run for two minutes: those of whole sheets and files.

    Ten seconds is what PostgreSQL gives a statement of a request.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = '120s'"))


@contextmanager
def exclusively(name: str) -> Iterator[bool]:
    """Run the block as the only one of its name on this database; False when another runs.

    The lock goes with its process, however that dies: PostgreSQL gives an advisory lock back with
    its connection, and beside SQLite, which serves one machine, the lock is that of a file.
    """
    if db.engine.dialect.name == "sqlite":
        with _file_lock(f"{db.engine.url.database}.{name}.lock") as locked:
            yield locked
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = func.hashtextextended(name, 0)
        locked = bool(connection.scalar(select(func.pg_try_advisory_lock(key))))
        try:
            yield locked
        finally:
            if locked:
                connection.execute(select(func.pg_advisory_unlock(key)))


@contextmanager
def _file_lock(path: str) -> Iterator[bool]:
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def serialise(session: Session, name: str) -> None:
    """Let transactions of one name follow each other; SQLite's writers do so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


@contextmanager
def transaction() -> Iterator[Session]:
    """Run the block in one SQL transaction: committed at its end, undone by any exception.

    Transactions do not nest: a service that needs another's rows calls a helper that takes the
    session instead. Whatever was read before belongs to an older snapshot and is forgotten.
    """
    session: Session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("transactions do not nest")
    session.close()  # rows read before stay readable, but belong to no transaction any more
    session.info["in_transaction"] = True
    try:
        session.connection(execution_options={"huiquan_writes": True})
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["in_transaction"] = False
