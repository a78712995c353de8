"""Giving a locked voucher back: nobody paid in time, or the order was cancelled."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend import clock
from backend.domain.payments import AT_TILL
from backend.extensions import db
from backend.services import instant_returns, payments
from backend.storage.models.orders import Order
from backend.storage.queries import orders as queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.sql import transaction

RELEASE_BATCH = 200


def release_overdue(resident_id: int | None = None) -> int:
    """Release orders that no till confirmed in time, all or one resident's; return how many.

    The provider is asked to close the charge first, outside any transaction: an order that can
    still be paid is not released. Other providers are asked on a schedule (payment_asking).
    """
    overdue = [
        (order.payment.provider, payments.charge_of(order))
        for order in queries.list_overdue(
            db.session(),
            at=clock.now(),
            limit=RELEASE_BATCH,
            provider=AT_TILL,
            resident_id=resident_id,
        )
    ]
    db.session.close()
    released = 0
    for name, charge in overdue:
        if payments.ask(name, "close", charge).status != "closed":
            continue
        with transaction() as session:
            order = session.get_one(Order, charge.order_id)
            released += release_locked(
                session, order, at=clock.now(), overdue=True, reason="timeout"
            )
    return released


def release_locked(
    session: Session,
    order: Order,
    *,
    at: datetime,
    overdue: bool | None,
    reason: str,
    payment_status: str | None = "closed",
) -> bool:
    """Give a locked order's voucher back, unless somebody else closed the order first.

    `overdue` says whether its lock must have run out, None that it does not matter; a
    `payment_status` of None leaves the payment as its provider has said.

    A voucher that ran out while it was locked goes back as unused, and the expiry that follows
    returns its money (decision 4 of the rules). The unit of an instant discount goes back to its
    tier.
    """
    if not queries.close_locked(
        session, order, status="released", at=at, overdue=overdue, reason=reason
    ):
        return False
    if not instant_returns.on_release(session, order.voucher_id, at=at):
        voucher_queries.change_status(
            session, order.voucher_id, expected="locked", status="unused", order_id=None
        )
    if payment_status is not None:
        queries.set_payment(session, order.payment, status=payment_status, reference=None, at=at)
    return True
