"""Audit entries for tests, and hands in the database that no act of ours has."""

from datetime import datetime

from sqlalchemy import text

from backend import clock
from backend.extensions import db
from backend.services import audit
from backend.storage.models.audit import AuditEntry
from backend.storage.sql import transaction


def act(times: int = 1, subject: str = "Q2-MAY") -> None:
    """Let somebody act, each time in a transaction of its own."""
    for n in range(times):
        with transaction() as session:
            audit.record(session, actor="li.wei", action="test.act", subject=subject, n=n, 注="是")


def insert(id_: int, at: datetime | None = None) -> None:
    """Write an entry under an id of choice."""
    with transaction() as session:
        row = AuditEntry(id=id_, at=at or clock.now(), actor="li.wei", action="test.act")
        row.subject, row.details = "Q2-MAY", {}
        session.add(row)


def by_hand(statement: str) -> None:
    """Run raw SQL with the triggers and references that would refuse it switched off."""
    db.session.close()  # on SQLite it would go on seeing what it has begun to read
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text(statement))
            connection.execute(text("SET session_replication_role = origin"))
            connection.commit()
            return
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        triggers = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'"
        ).all()
        for name, _ in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(statement)
        for _, sql in triggers:
            connection.exec_driver_sql(sql)
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("BEGIN")
