"""Money on its way back to customers: changed only from the state one expects."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.domain.payments import REFUND_OPEN
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback
from backend.storage.queries.payments import changed, free
from backend.storage.sql import ChinaTime


def list_all(session: Session, *, statuses: Sequence[str], limit: int) -> list[Payback]:
    """Return paybacks in some states, the oldest first."""
    return list(
        session.scalars(
            select(Payback)
            .where(Payback.status.in_(statuses))
            .order_by(Payback.requested_at, Payback.id)
            .limit(limit)
        )
    )


def list_of_orders(session: Session, order_ids: Sequence[str]) -> list[Payback]:
    """Return the paybacks of some orders, the oldest first."""
    return list(
        session.scalars(
            select(Payback)
            .where(Payback.order_id.in_(order_ids))
            .order_by(Payback.requested_at, Payback.id)
        )
    )


def open_counts(session: Session) -> list[tuple[str, str, int, datetime]]:
    """Return (provider, status, count, the oldest's time) of what has not reached its customer."""
    oldest = func.min(Payback.requested_at, type_=ChinaTime)
    rows = session.execute(
        select(Payback.provider, Payback.status, func.count(), oldest)
        .where(Payback.status.in_((*REFUND_OPEN, "failed")))
        .group_by(Payback.provider, Payback.status)
    )
    return [(provider, status, int(count), since) for provider, status, count, since in rows]


def list_due(session: Session, *, at: datetime, limit: int) -> list[str]:
    """Return the paybacks that a provider is to be asked for or about now."""
    return list(
        session.scalars(
            select(Payback.id)
            .where(
                Payback.status.in_(REFUND_OPEN),
                Payback.next_try_at <= at,
                free(Payback.leased_until, at),
            )
            .order_by(Payback.next_try_at, Payback.id)
            .limit(limit)
        )
    )


def list_overdue(session: Session, *, before: datetime, limit: int) -> list[str]:
    """Return the paybacks that are open since before a moment and that no case speaks of."""
    case = select(PaymentCase.id).where(PaymentCase.refund_id == Payback.id)
    return list(
        session.scalars(
            select(Payback.id)
            .where(
                Payback.status.in_(REFUND_OPEN),
                Payback.requested_at < before,
                ~case.exists(),
            )
            .order_by(Payback.requested_at, Payback.id)
            .limit(limit)
        )
    )


def lease(session: Session, payback_id: str, *, at: datetime, until: datetime) -> bool:
    """Take the next question about a payback for oneself; False when somebody else has it."""
    return changed(
        session,
        update(Payback)
        .where(
            Payback.id == payback_id,
            Payback.status.in_(REFUND_OPEN),
            Payback.next_try_at <= at,
            free(Payback.leased_until, at),
        )
        .values(leased_until=until)
        .returning(Payback.id),
    )


def keep(
    session: Session,
    payback_id: str,
    *,
    status: str,
    reference: str | None,
    at: datetime,
    next_try_at: datetime | None,
) -> bool:
    """Keep what a provider said of a payback, unless a final answer came before."""
    accepted = at if status in ("processing", "done") else None
    return changed(
        session,
        update(Payback)
        .where(Payback.id == payback_id, Payback.status.in_(REFUND_OPEN))
        .values(
            status=status,
            reference=func.coalesce(reference, Payback.reference),
            accepted_at=func.coalesce(Payback.accepted_at, accepted),
            ended_at=at if status == "done" else None,
            tries=Payback.tries + 1,
            next_try_at=next_try_at,
            leased_until=None,
        )
        .returning(Payback.id),
    )


def ask_again(session: Session, payback_id: str, *, at: datetime) -> bool:
    """Have a payback asked for now that failed or waits for its next question."""
    failed = changed(
        session,
        update(Payback)
        .where(Payback.id == payback_id, Payback.status == "failed")
        .values(status="unknown", next_try_at=at, tries=0)
        .returning(Payback.id),
    )
    return failed or changed(
        session,
        update(Payback)
        .where(Payback.id == payback_id, Payback.status.in_(REFUND_OPEN))
        .values(next_try_at=at)
        .returning(Payback.id),
    )


def pay_by_hand(session: Session, payback_id: str, *, by: str, proof: str, at: datetime) -> bool:
    """Note that a failed payback was paid by hand; False when it had not failed."""
    return changed(
        session,
        update(Payback)
        .where(Payback.id == payback_id, Payback.status == "failed")
        .values(status="by_hand", hand_by=by, hand_proof=proof, ended_at=at)
        .returning(Payback.id),
    )


def hurry(session: Session, payback_id: str, *, at: datetime) -> None:
    """Let the next run ask about a payback that is still open."""
    session.execute(
        update(Payback)
        .where(Payback.id == payback_id, Payback.next_try_at > at)
        .values(next_try_at=at)
        .execution_options(synchronize_session=False)
    )
