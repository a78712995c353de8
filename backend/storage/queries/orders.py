"""Orders and redemptions: found by request, changed only from the state one expects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from backend.storage.models.orders import Order, Payment, Redemption, Reversal
from backend.storage.queries.vouchers import UsedVoucher
from backend.storage.sql import follow, table_of

ORDERS, PAYMENTS, REDEMPTIONS = table_of(Order), table_of(Payment), table_of(Redemption)


def _closing(*conditions: ColumnElement[bool]) -> ReturningUpdate[tuple[str]]:
    return (
        update(ORDERS)
        .where(ORDERS.c.id == bindparam("order_id"), ORDERS.c.status == "locked", *conditions)
        .values(
            status=bindparam("new_status"),
            closed_at=bindparam("moment"),
            release_reason=bindparam("reason"),
        )
        .returning(ORDERS.c.id)
    )


# By what is known of the lock: run out, not yet, or either.
_CLOSE_LOCKED = {
    True: _closing(ORDERS.c.lock_expires_at <= bindparam("moment")),
    False: _closing(ORDERS.c.lock_expires_at > bindparam("moment")),
    None: _closing(),
}
_SET_PAYMENT = (
    update(PAYMENTS)
    .where(PAYMENTS.c.order_id == bindparam("of_order"))
    .values(
        status=bindparam("new_status"),
        reference=bindparam("new_reference"),
        updated_at=bindparam("moment"),
    )
)
_BY_REQUEST = select(Order).where(
    Order.requested_by == bindparam("requested_by"), Order.request_id == bindparam("request_id")
)
_OF_MERCHANT = select(Order).where(
    Order.id == bindparam("order_id"), Order.merchant_id == bindparam("merchant_id")
)
_ADD_REDEMPTION = insert(REDEMPTIONS)
_OVERDUE = (
    select(Order)
    .join(Payment, Payment.order_id == Order.id)
    .where(
        Order.status == "locked",
        Order.lock_expires_at <= bindparam("moment"),
        Payment.provider == bindparam("provider"),
    )
    .order_by(Order.lock_expires_at, Order.id)
    .limit(bindparam("most"))
)
_OVERDUE_OF_ONE = _OVERDUE.where(Order.resident_id == bindparam("resident_id"))
_REDEEMED = select(func.count()).where(
    REDEMPTIONS.c.resident_id == bindparam("resident_id"),
    REDEMPTIONS.c.merchant_id == bindparam("merchant_id"),
    REDEMPTIONS.c.business_day == bindparam("day"),
    REDEMPTIONS.c.id.not_in(select(table_of(Reversal).c.id)),
)
_LOCKED = select(func.count()).where(
    ORDERS.c.resident_id == bindparam("resident_id"),
    ORDERS.c.merchant_id == bindparam("merchant_id"),
    ORDERS.c.status == "locked",
)
_COUNT_USES = select(_REDEEMED.scalar_subquery() + _LOCKED.scalar_subquery())


def get_by_request(session: Session, requested_by: str, request_id: str) -> Order | None:
    """Return the order a request number made, or None."""
    return session.scalar(_BY_REQUEST, {"requested_by": requested_by, "request_id": request_id})


def get_of_resident(session: Session, order_id: str, resident_id: int) -> Order | None:
    """Return a resident's own order, or None."""
    return session.scalar(
        select(Order).where(Order.id == order_id, Order.resident_id == resident_id)
    )


def get_of_merchant(session: Session, order_id: str, merchant_id: str) -> Order | None:
    """Return a merchant's own order, or None."""
    return session.scalar(_OF_MERCHANT, {"order_id": order_id, "merchant_id": merchant_id})


def list_of_resident(session: Session, resident_id: int, *, limit: int) -> list[Order]:
    """Return a resident's newest orders."""
    return list(
        session.scalars(
            select(Order)
            .where(Order.resident_id == resident_id)
            .order_by(Order.created_at.desc(), Order.id)
            .limit(limit)
        )
    )


def list_open_of_merchant(
    session: Session, merchant_id: str, *, at: datetime, limit: int
) -> list[Order]:
    """Return the orders a merchant is still to collect for, the newest first."""
    return list(
        session.scalars(
            select(Order)
            .where(
                Order.merchant_id == merchant_id,
                Order.status == "locked",
                Order.lock_expires_at > at,
            )
            .order_by(Order.created_at.desc(), Order.id)
            .limit(limit)
        )
    )


def list_overdue(
    session: Session,
    *,
    at: datetime,
    limit: int,
    provider: str,
    resident_id: int | None = None,
) -> list[Order]:
    """Return a provider's orders whose lock has run out unpaid; all, or one resident's."""
    named: dict[str, Any] = {"moment": at, "provider": provider, "most": limit}
    if resident_id is None:
        return list(session.scalars(_OVERDUE, named))
    return list(session.scalars(_OVERDUE_OF_ONE, {**named, "resident_id": resident_id}))


def close_locked(
    session: Session,
    order: Order,
    *,
    status: str,
    at: datetime,
    overdue: bool | None,
    reason: str | None = None,
) -> bool:
    """Move an order out of `locked`: in time, overdue or either (None); False when it was not."""
    named = {"order_id": order.id, "new_status": status, "moment": at, "reason": reason}
    if session.scalar(_CLOSE_LOCKED[overdue], named) is None:
        return False
    follow(order, status=status, closed_at=at, release_reason=reason)
    return True


def reverse_redeemed(session: Session, order_id: str, *, at: datetime) -> bool:
    """Move an order from `redeemed` to `reversed`; False when it was not redeemed."""
    closed = session.scalar(
        update(Order)
        .where(Order.id == order_id, Order.status == "redeemed")
        .values(status="reversed", closed_at=at)
        .execution_options(synchronize_session=False)
        .returning(Order.id)
    )
    return closed is not None


def set_payment(
    session: Session, payment: Payment, *, status: str, reference: str | None, at: datetime
) -> None:
    """Record what became of an order's payment."""
    named = {"of_order": payment.order_id, "new_status": status, "new_reference": reference}
    session.execute(_SET_PAYMENT, {**named, "moment": at})
    follow(payment, status=status, reference=reference, updated_at=at)


def add_redemption(
    session: Session,
    order: Order,
    voucher: UsedVoucher,
    *,
    clerk_id: int | None,
    transfer_id: str,
    at: datetime,
) -> None:
    """Write the redemption of an order; a second one of the same is an integrity error."""
    row = {
        "id": order.id,
        "voucher_id": order.voucher_id,
        "use_number": voucher.restored_count + 1,
        "campaign_id": voucher.campaign_id,
        "merchant_id": order.merchant_id,
        "resident_id": order.resident_id,
        "clerk_id": clerk_id,
        "order_amount_fen": order.order_amount_fen,
        "discount_fen": order.discount_fen,
        "payable_fen": order.payable_fen,
        "redeemed_at": at,
        "business_day": at.date(),
        "transfer_id": transfer_id,
    }
    session.execute(_ADD_REDEMPTION, row)


def count_uses(session: Session, *, resident_id: int, merchant_id: str, day: date) -> int:
    """Return a resident's uses of vouchers at a merchant on a day, open orders included."""
    named = {"resident_id": resident_id, "merchant_id": merchant_id, "day": day}
    return session.scalar(_COUNT_USES, named) or 0


@dataclass(frozen=True, kw_only=True)
class DayTotals:
    """What a merchant redeemed in a day. Amounts in fen."""

    count: int
    order_amount_fen: int
    discount_fen: int
    payable_fen: int


def redemptions_of_day(
    session: Session,
    *,
    merchant_id: str,
    day: date,
    clerk_id: int | None,
    page: int,
    page_size: int,
) -> tuple[Sequence[Redemption], DayTotals]:
    """Return one page of a day's redemptions, the newest first, and the totals of all pages.

    Those undone on their day are not among them.
    """
    chosen = [
        Redemption.merchant_id == merchant_id,
        Redemption.business_day == day,
        Redemption.id.not_in(select(Reversal.id)),
    ]
    if clerk_id is not None:
        chosen.append(Redemption.clerk_id == clerk_id)
    rows = session.scalars(
        select(Redemption)
        .where(*chosen)
        .order_by(Redemption.redeemed_at.desc(), Redemption.id)
        .limit(page_size)
        .offset((page - 1) * page_size)
    ).all()
    count, order_fen, discount_fen, payable_fen = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Redemption.order_amount_fen), 0),
            func.coalesce(func.sum(Redemption.discount_fen), 0),
            func.coalesce(func.sum(Redemption.payable_fen), 0),
        ).where(*chosen)
    ).one()
    return rows, DayTotals(
        count=int(count),
        order_amount_fen=int(order_fen),
        discount_fen=int(discount_fen),
        payable_fen=int(payable_fen),
    )
