"""The ledger's proof for payments: no redemption without money, no money without a trace."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.domain.postings import Difference
from backend.storage.models.orders import Order, Payment
from backend.storage.models.payments import PaymentCase

ENDED_WELL = ("redeemed", "reversed", "refunded")


def differences(session: Session) -> Iterable[Difference]:
    """Compare payments with orders: what a provider collected either redeemed or is a case.

    A payment at the till is the clerk's word: it says paid, and no amount of its own.
    """
    yield from _unpaid(session)
    yield from _untraced(session)


def _unpaid(session: Session) -> Iterable[Difference]:
    """An order is redeemed only when its payment says paid, and of exactly what was payable."""
    collected = func.coalesce(Payment.collected_fen, Order.payable_fen)
    for order_id, payable_fen, status, found_fen in session.execute(
        select(Order.id, Order.payable_fen, Payment.status, collected)
        .join(Payment, Payment.order_id == Order.id)
        .where(
            Order.status.in_(
                ("redeemed", "refunded")
            ),  # of a reversed one the money went back as well
            (Payment.status != "paid") | (collected != Order.payable_fen),
        )
        .order_by(Order.id)
    ):
        yield Difference(
            where=f"order {order_id}",
            what="redeemed: what was payable and what was collected",
            expected_fen=payable_fen,
            found_fen=found_fen if status == "paid" else 0,
        )


def _untraced(session: Session) -> Iterable[Difference]:
    """Money that a provider collected for an order that was not redeemed belongs to a case."""
    held = select(PaymentCase.id).where(
        PaymentCase.order_id == Payment.order_id,
        PaymentCase.collected_fen == Payment.collected_fen,
        PaymentCase.kind != "foreign_refund",
    )
    for order_id, collected_fen in session.execute(
        select(Payment.order_id, Payment.collected_fen)
        .join(Order, Order.id == Payment.order_id)
        .where(
            Payment.status == "paid",
            Order.status.not_in(ENDED_WELL),
            ~held.correlate(Payment).exists(),
        )
        .order_by(Payment.order_id)
    ):
        yield Difference(
            where=f"order {order_id}",
            what="collected, not redeemed, and in no case",
            expected_fen=0,
            found_fen=collected_fen or 0,
        )
