"""Cases of money that went astray, and the refunds that send it back."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.domain.payments import REFUND_OPEN
from backend.storage.models.payments import PaymentCase
from backend.storage.queries.payments import changed, free


def list_all(session: Session, *, state: str | None = None) -> list[PaymentCase]:
    """Return cases, the oldest first; all, or those in a state."""
    query = select(PaymentCase).order_by(PaymentCase.id)
    if state is not None:
        query = query.where(PaymentCase.state == state)
    return list(session.scalars(query))


def list_of_order(session: Session, order_id: str) -> list[PaymentCase]:
    """Return an order's cases, the oldest first."""
    return list(
        session.scalars(
            select(PaymentCase).where(PaymentCase.order_id == order_id).order_by(PaymentCase.id)
        )
    )


def get_by_refund(session: Session, refund_id: str) -> PaymentCase | None:
    """Return the case that a refund belongs to, or None."""
    return session.scalar(select(PaymentCase).where(PaymentCase.refund_id == refund_id))


def count_open(session: Session) -> int:
    """Return how many cases staff have still to look into."""
    counted = select(func.count()).select_from(PaymentCase).where(PaymentCase.state == "open")
    return int(session.scalar(counted) or 0)


def list_due(session: Session, *, at: datetime, limit: int) -> list[int]:
    """Return the cases whose refund is to be asked for or about now."""
    return list(
        session.scalars(
            select(PaymentCase.id)
            .where(
                PaymentCase.refund_status.in_(REFUND_OPEN),
                PaymentCase.next_refund_at <= at,
                free(PaymentCase.leased_until, at),
            )
            .order_by(PaymentCase.next_refund_at, PaymentCase.id)
            .limit(limit)
        )
    )


def lease(session: Session, case_id: int, *, at: datetime, until: datetime) -> bool:
    """Take the next question about a refund for oneself; False when somebody else has it."""
    return changed(
        session,
        update(PaymentCase)
        .where(
            PaymentCase.id == case_id,
            PaymentCase.refund_status.in_(REFUND_OPEN),
            PaymentCase.next_refund_at <= at,
            free(PaymentCase.leased_until, at),
        )
        .values(leased_until=until)
        .returning(PaymentCase.id),
    )


def keep_refund(
    session: Session,
    refund_id: str,
    *,
    status: str,
    reference: str | None,
    next_refund_at: datetime | None,
) -> bool:
    """Keep what became of a case's refund, unless a final answer came before."""
    return changed(
        session,
        update(PaymentCase)
        .where(PaymentCase.refund_id == refund_id, PaymentCase.refund_status.in_(REFUND_OPEN))
        .values(
            refund_status=status,
            refund_reference=func.coalesce(reference, PaymentCase.refund_reference),
            refund_tries=PaymentCase.refund_tries + 1,
            next_refund_at=next_refund_at,
            leased_until=None,
        )
        .returning(PaymentCase.id),
    )


def close(session: Session, case_id: int, *, by: str, reason: str, at: datetime) -> bool:
    """Close a case whose refund is settled; False when it is not so, or closed already."""
    return changed(
        session,
        update(PaymentCase)
        .where(
            PaymentCase.id == case_id,
            PaymentCase.state == "open",
            PaymentCase.refund_status.not_in(REFUND_OPEN),
        )
        .values(state="closed", closed_at=at, closed_by=by, close_reason=reason)
        .returning(PaymentCase.id),
    )
