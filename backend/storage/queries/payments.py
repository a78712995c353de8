"""Payments by providers: changed only from the state one expects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from backend.domain.payments import OPEN
from backend.storage.models.orders import Order, Payment
from backend.storage.models.residents import WeChatUser
from backend.storage.sql import ChinaTime, table_of

ALONE = {"synchronize_session": False}
ORDERS, PAYMENTS = table_of(Order), table_of(Payment)
_DUE = (
    select(PAYMENTS.c.order_id)
    .where(
        PAYMENTS.c.next_query_at <= bindparam("moment"),
        or_(PAYMENTS.c.leased_until.is_(None), PAYMENTS.c.leased_until <= bindparam("moment")),
    )
    .order_by(PAYMENTS.c.next_query_at, PAYMENTS.c.order_id)
    .limit(bindparam("most"))
)
_OVERDUE_OF_ONE = _DUE.join(ORDERS, ORDERS.c.id == PAYMENTS.c.order_id).where(
    ORDERS.c.resident_id == bindparam("resident_id"),
    ORDERS.c.lock_expires_at <= bindparam("moment"),
)


def set_charged(
    session: Session, order_id: str, *, scanned: bool, at: datetime, next_query_at: datetime
) -> bool:
    """Note that a provider is about to be asked for the money; True for the first alone."""
    return changed(
        session,
        update(Payment)
        .where(
            Payment.order_id == order_id,
            Payment.status == "pending",
            Payment.charged_at.is_(None),
        )
        .values(charged_at=at, scanned=scanned, next_query_at=next_query_at, updated_at=at)
        .returning(Payment.order_id),
    )


def keep_answer(
    session: Session,
    order_id: str,
    *,
    status: str,
    reference: str | None,
    client: Mapping[str, str] | None,
    code_url: str | None,
    at: datetime,
) -> bool:
    """Keep an answer that is not final; False when a final one came before it."""
    told: dict[str, Any] = {"reference": reference, "client": client, "code_url": code_url}
    return changed(
        session,
        update(Payment)
        .where(Payment.order_id == order_id, Payment.status.in_(OPEN))
        .values(status=status, updated_at=at, **{k: v for k, v in told.items() if v is not None})
        .returning(Payment.order_id),
    )


def finish(
    session: Session,
    order_id: str,
    *,
    expected: Sequence[str],
    status: str,
    at: datetime,
    reference: str | None = None,
    collected_fen: int | None = None,
    uncharged: bool = False,
) -> bool:
    """Move a payment from one of the expected states to a final one; False when it was in none.

    With `uncharged`, only while no provider was asked for the money.
    """
    conditions = [Payment.order_id == order_id, Payment.status.in_(expected)]
    if uncharged:
        conditions.append(Payment.charged_at.is_(None))
    return changed(
        session,
        update(Payment)
        .where(*conditions)
        .values(
            status=status,
            reference=func.coalesce(reference, Payment.reference),
            collected_fen=collected_fen,
            client=None,
            code_url=None,
            next_query_at=None,
            leased_until=None,
            updated_at=at,
        )
        .returning(Payment.order_id),
    )


def list_due(
    session: Session, *, at: datetime, limit: int, resident_id: int | None = None
) -> list[str]:
    """Return the orders whose provider is to be asked now; all, or one resident's overdue ones."""
    named: dict[str, Any] = {"moment": at, "most": limit}
    if resident_id is None:
        return list(session.scalars(_DUE, named))
    return list(session.scalars(_OVERDUE_OF_ONE, {**named, "resident_id": resident_id}))


def lease(session: Session, order_id: str, *, at: datetime, until: datetime) -> bool:
    """Take the next question about a payment for oneself; False when somebody else has it."""
    return changed(
        session,
        update(Payment)
        .where(
            Payment.order_id == order_id,
            Payment.next_query_at <= at,
            free(Payment.leased_until, at),
        )
        .values(leased_until=until)
        .returning(Payment.order_id),
    )


def ask_again(session: Session, order_id: str, *, next_query_at: datetime) -> None:
    """Give the question back, to be asked again later."""
    session.execute(
        update(Payment)
        .where(Payment.order_id == order_id, Payment.status.in_(OPEN))
        .values(attempts=Payment.attempts + 1, next_query_at=next_query_at, leased_until=None)
        .execution_options(**ALONE)
    )


def ask_now(session: Session, order_id: str, *, at: datetime) -> None:
    """Let the next run ask about a payment that is still open."""
    session.execute(
        update(Payment)
        .where(Payment.order_id == order_id, Payment.next_query_at > at)
        .values(next_query_at=at)
        .execution_options(**ALONE)
    )


def open_counts(session: Session) -> list[tuple[str, str, int, datetime]]:
    """Return (provider, status, count, the oldest's time) of payments that are asked about."""
    oldest = func.min(func.coalesce(Payment.charged_at, Payment.updated_at), type_=ChinaTime)
    rows = session.execute(
        select(Payment.provider, Payment.status, func.count(), oldest)
        .where(Payment.next_query_at.is_not(None))
        .group_by(Payment.provider, Payment.status)
    )
    return [(provider, status, int(count), since) for provider, status, count, since in rows]


def openid(session: Session, resident_id: int, wechat_user_id: int | None) -> str | None:
    """Return the openid of a resident's WeChat user, by default the newest; None without one."""
    query = select(WeChatUser.openid).where(WeChatUser.resident_id == resident_id)
    if wechat_user_id is not None:
        query = query.where(WeChatUser.id == wechat_user_id)
    return session.scalar(query.order_by(WeChatUser.id.desc()).limit(1))


def free(leased_until: Any, at: datetime) -> Any:
    """Return the condition that nobody holds a lease at a time."""
    return or_(leased_until.is_(None), leased_until <= at)


def changed(session: Session, statement: Any) -> bool:
    """Run a conditional update of one row that returns its id; True when it found the row."""
    return session.scalar(statement.execution_options(**ALONE)) is not None
