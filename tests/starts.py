"""What tests start from: a state of both stores, made once and put back in milliseconds."""

import sqlite3
from collections.abc import Callable
from typing import Any

import redis
from flask import current_app
from sqlalchemy import text

from backend.extensions import db
from backend.services import blocks, campaigns, card_holders, sign_ins


class Start:
    """A copy of all that the application's database and Valkey hold; no key of it expires.

    Made and put back within the application's context. It holds what the services wrote, so
    nothing that they do is left out by starting from it.
    """

    def __init__(self, name: str) -> None:
        """:param name: the copy's within a database, where an earlier one of that name goes."""
        with _valkey() as client:
            self._keys = {key: client.dump(key) for key in client.keys()}
        sqlite = db.engine.dialect.name == "sqlite"
        self._put_back_sql = _copied_sqlite() if sqlite else _copied_postgresql(f"start_{name}")

    def put_back(self) -> None:
        """Make both stores what they were, and forget what this process has read of them."""
        self._put_back_sql()
        with _valkey() as client, client.pipeline(transaction=False) as pipe:
            pipe.flushall()
            for key, value in self._keys.items():
                pipe.restore(key, 0, value)
            pipe.execute()
        campaigns.forget_snapshots()
        blocks.SNAPSHOTS.forget()
        card_holders.forget()
        sign_ins.REVOKED.forget()


def _valkey() -> redis.Redis:
    """The applications' own client reads text; a dump is bytes."""
    return redis.Redis.from_url(current_app.config["REDIS_URL"])


def _copied_sqlite() -> Callable[[], None]:
    copy = sqlite3.connect(":memory:", check_same_thread=False)

    def between(make: Callable[[Any], None]) -> None:
        connection = db.engine.raw_connection()
        try:
            make(connection.driver_connection)
        finally:
            connection.close()

    between(lambda database: database.backup(copy))
    return lambda: between(copy.backup)


def _copied_postgresql(schema: str) -> Callable[[], None]:
    """Rows are deleted: TRUNCATE makes new files for every table, which takes 100 times as long.

    To a replica neither foreign keys nor the triggers that forbid it apply.
    """
    tables = db.metadata.sorted_tables
    with db.engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        filled = [
            table.name
            for table in tables
            if connection.scalar(text(f"SELECT EXISTS (TABLE {table.name})"))
        ]
        for name in filled:
            connection.execute(text(f"CREATE TABLE {schema}.{name} AS TABLE {name}"))
        numbers = connection.execute(
            text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
        ).all()
    statements = [
        "SET LOCAL session_replication_role = replica",
        *(str(table.delete()) for table in tables),
        *(f"INSERT INTO {name} TABLE {schema}.{name}" for name in filled),
        *(
            f"SELECT setval('{name}', {last or 1}, {str(last is not None).lower()})"
            for name, last in numbers
        ),
    ]
    script = text("; ".join(statements))

    def put_back() -> None:
        with db.engine.begin() as connection:
            connection.execute(script)

    return put_back
