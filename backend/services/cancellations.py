"""Giving an order up before it is paid: the voucher is back at once."""

from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.payments import AT_TILL
from backend.extensions import db
from backend.services import payment_asking, releases
from backend.storage.models.orders import Order
from backend.storage.queries import orders as queries
from backend.storage.sql import transaction


def cancel_by_resident(*, order_id: str, resident_id: int) -> Order:
    """Give a resident's own order up before it is paid; again is the same answer.

    Raises PaymentUnsettled while the provider has not said that it can be paid no more.
    """
    order = queries.get_of_resident(db.session(), order_id, resident_id)
    return _cancel(order, reason="cancelled_by_resident")


def cancel_by_merchant(*, order_id: str, merchant_id: str) -> Order:
    """Give a merchant's own order up before it is paid, as `cancel_by_resident`."""
    order = queries.get_of_merchant(db.session(), order_id, merchant_id)
    return _cancel(order, reason="cancelled_by_merchant")


def _cancel(order: Order | None, *, reason: str) -> Order:
    if order is None:
        raise NotFound("order")
    if order.payment.provider != AT_TILL and order.status == "locked":
        db.session.close()
        payment_asking.end_early(order.id, reason=reason)
    with transaction() as session:
        return _released(session, session.get_one(Order, order.id), reason=reason)


def _released(session: Session, order: Order, *, reason: str) -> Order:
    at_till = order.payment.provider == AT_TILL
    if not at_till or not releases.release_locked(
        session, order, at=clock.now(), overdue=False, reason=reason
    ):
        session.refresh(order)
        if order.status in ("redeemed", "reversed", "refunded"):
            raise refusals.OrderRedeemed(f"order {order.id}")
        return order  # released already, or overdue and about to be
    session.refresh(order)
    session.refresh(order.payment)
    return order
