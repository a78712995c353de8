"""Refunds in SQL: what an order has given back moves by compare-and-set, its refunds are added."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.domain.refunds import Parts
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.refunds import Refund
from backend.storage.queries.payments import changed


def lock_order(session: Session, order_id: str) -> Order | None:
    """Return an order that nobody else changes until the transaction ends, or None."""
    locked = select(Order.id).where(Order.id == order_id).with_for_update()
    if session.scalar(locked) is None:
        return None
    return session.get_one(Order, order_id, populate_existing=True)


def get_redemption(session: Session, order_id: str, *, merchant_id: str) -> Redemption | None:
    """Return a merchant's own redemption, or None."""
    return session.scalar(
        select(Redemption).where(Redemption.id == order_id, Redemption.merchant_id == merchant_id)
    )


def get_by_number(session: Session, numbered_by: str, number: str) -> Refund | None:
    """Return the refund that a caller's number made, or None."""
    return session.scalar(
        select(Refund).where(Refund.numbered_by == numbered_by, Refund.number == number)
    )


def add_to_order(session: Session, order: Order, refund_amount_fen: int, parts: Parts) -> bool:
    """Count a refund in its order, from the value one saw; False when it has changed since.

    The schema lets no sum pass what was paid, no 51st part in, and no order be refunded that is
    not redeemed.
    """
    whole = order.refunded_fen + refund_amount_fen == order.order_amount_fen
    return changed(
        session,
        update(Order)
        .where(
            Order.id == order.id,
            Order.status == "redeemed",
            Order.refund_count == order.refund_count,
            Order.refunded_fen == order.refunded_fen,
        )
        .values(
            refund_count=Order.refund_count + 1,
            refunded_fen=Order.refunded_fen + refund_amount_fen,
            customer_refunded_fen=Order.customer_refunded_fen + parts.customer_fen,
            status="refunded" if whole else "redeemed",
        )
        .returning(Order.id),
    )


def list_of_orders(session: Session, order_ids: Sequence[str]) -> list[Refund]:
    """Return the refunds of some orders, each order's in their order."""
    return list(
        session.scalars(
            select(Refund)
            .where(Refund.order_id.in_(order_ids))
            .order_by(Refund.order_id, Refund.part)
        )
    )
