"""Rows of exports: read, taken and moved on by compare-and-set."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from backend.storage.models.exports import Export

SHOWN = 50


def get_open(session: Session, *, asked_by: str, table_name: str, digest: str) -> Export | None:
    """Return the one that is under way for the same wish, if there is one."""
    return session.scalar(
        select(Export).where(
            Export.asked_by == asked_by,
            Export.table_name == table_name,
            Export.query_digest == digest,
            Export.state.in_(("queued", "running")),
        )
    )


def list_of(session: Session, asked_by: str) -> Sequence[Export]:
    """Return the newest of one person."""
    mine = select(Export).where(Export.asked_by == asked_by)
    return session.scalars(mine.order_by(Export.asked_at.desc(), Export.id).limit(SHOWN)).all()


def list_due(session: Session, now: datetime) -> Sequence[str]:
    """Return the ids that wait, and those whose writer is dead, the oldest first."""
    abandoned = and_(Export.state == "running", Export.leased_until < now)
    due = select(Export.id).where(or_(Export.state == "queued", abandoned))
    return session.scalars(due.order_by(Export.asked_at, Export.id)).all()


def take(session: Session, export_id: str, *, now: datetime, until: datetime) -> Export | None:
    """Lease one that is due; None when somebody else was first. Each taking is an attempt."""
    abandoned = and_(Export.state == "running", Export.leased_until < now)
    return session.scalar(
        update(Export)
        .where(Export.id == export_id, or_(Export.state == "queued", abandoned))
        .values(state="running", leased_until=until, rows_done=0, attempts=Export.attempts + 1)
        .returning(Export)
    )


def keep_on(session: Session, taken: Export, *, rows_done: int, until: datetime) -> bool:
    """Tell how far it is and lease it on; False when the lease was lost to another."""
    return _move(session, taken, rows_done=rows_done, leased_until=until)


def finish(session: Session, taken: Export, *, state: str, rows_done: int, at: datetime) -> bool:
    """End one that is running; False when the lease was lost to another."""
    return _move(
        session, taken, state=state, rows_done=rows_done, leased_until=None, finished_at=at
    )


def list_old(session: Session, before: datetime) -> Sequence[str]:
    """Return the ids of files that have been kept long enough."""
    old = select(Export.id).where(Export.state == "done", Export.finished_at < before)
    return session.scalars(old.order_by(Export.id)).all()


def forget(session: Session, export_id: str) -> None:
    """Say that the file is gone."""
    session.execute(
        update(Export)
        .where(Export.id == export_id, Export.state == "done")
        .values(state="forgotten")
    )


def _move(session: Session, taken: Export, **values: object) -> bool:
    """Change a running one that still is at the attempt that was taken."""
    done = session.execute(
        update(Export)
        .where(Export.id == taken.id, Export.state == "running", Export.attempts == taken.attempts)
        .values(**values)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1
