"""Notices of providers: written once, applied once."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from backend.storage.models.payments import PaymentNotice
from backend.storage.queries.payments import ALONE


def add(session: Session, **values: Any) -> int | None:
    """Write a notice; None when this event of the provider is there already."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    insert = insert_on_sqlite if sqlite else insert_on_postgresql
    statement = insert(PaymentNotice).values(**values)
    return session.scalar(statement.on_conflict_do_nothing().returning(PaymentNotice.id))


def get(session: Session, provider: str, event_id: str) -> PaymentNotice | None:
    """Return a provider's notice of an event, or None."""
    return session.scalar(
        select(PaymentNotice).where(
            PaymentNotice.provider == provider, PaymentNotice.event_id == event_id
        )
    )


def take(session: Session, notice_id: int, *, at: datetime) -> PaymentNotice | None:
    """Mark a notice applied and return it; None when it was applied before.

    The row stays locked until the commit, so whoever asks meanwhile waits and gets None; what
    came of it is written by `set_outcome` before the commit.
    """
    taken = session.scalar(
        update(PaymentNotice)
        .where(PaymentNotice.id == notice_id, PaymentNotice.applied_at.is_(None))
        .values(applied_at=at, outcome="applying")
        .execution_options(**ALONE)
        .returning(PaymentNotice.id)
    )
    if taken is None:
        return None
    return session.get_one(PaymentNotice, notice_id, populate_existing=True)


def set_outcome(session: Session, notice_id: int, outcome: str) -> None:
    """Write what came of a notice that this transaction has taken."""
    session.execute(
        update(PaymentNotice)
        .where(PaymentNotice.id == notice_id)
        .values(outcome=outcome)
        .execution_options(**ALONE)
    )


def tries(session: Session, notice_id: int) -> int:
    """Return how often a notice could not be applied."""
    return session.get_one(PaymentNotice, notice_id).tries


def list_left_over(session: Session, *, at: datetime, limit: int) -> list[int]:
    """Return the notices that were stored, not applied, and are to be tried now."""
    return list(
        session.scalars(
            select(PaymentNotice.id)
            .where(PaymentNotice.applied_at.is_(None), PaymentNotice.next_try_at <= at)
            .order_by(PaymentNotice.next_try_at, PaymentNotice.id)
            .limit(limit)
        )
    )


def put_off(session: Session, notice_id: int, *, next_try_at: datetime) -> None:
    """Let a notice that could not be applied be tried again later."""
    session.execute(
        update(PaymentNotice)
        .where(PaymentNotice.id == notice_id, PaymentNotice.applied_at.is_(None))
        .values(tries=PaymentNotice.tries + 1, next_try_at=next_try_at)
        .execution_options(**ALONE)
    )


def list_of_order(session: Session, order_id: str) -> list[PaymentNotice]:
    """Return what a provider told us of an order, in the order of arrival."""
    return list(
        session.scalars(
            select(PaymentNotice)
            .where(PaymentNotice.order_id == order_id)
            .order_by(PaymentNotice.received_at, PaymentNotice.id)
        )
    )


def count_left_over(session: Session) -> int:
    """Return how many notices were stored and not applied."""
    counted = select(func.count()).select_from(PaymentNotice)
    return int(session.scalar(counted.where(PaymentNotice.applied_at.is_(None))) or 0)
