"""Reversals (冲正): a redemption of today was a mistake and is undone, whole.

The redemption's row stays, and a row names it as undone: it counts in no day's totals and in no
limit, and settlement has both. The voucher is unused again; what the customer paid goes back.
"""

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refunds as refund_domain
from backend.domain import reversals as domain
from backend.domain.errors import NotFound
from backend.domain.payments import AT_TILL
from backend.domain.postings import campaign_posting
from backend.domain.reversals import ReversalNotPossible
from backend.services import clerks, instant_campaigns, instant_returns, paybacks, refunds
from backend.storage.models.orders import Order, Redemption, Reversal
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import orders as queries
from backend.storage.queries import refunds as refund_queries
from backend.storage.sql import transaction

log = structlog.get_logger()


def reverse_at_merchant(
    *, redemption_id: str, merchant_id: str, clerk_id: int, reason: str
) -> Order:
    """Undo a redemption of today that a clerk made by mistake; again is the same answer.

    Raises NotFound, OwnShop, ReversalTooLate, ReversalAfterRefund.
    """
    with transaction() as session:
        order = refund_queries.lock_order(session, redemption_id)
        if order is None or order.merchant_id != merchant_id:
            raise NotFound(f"redemption {redemption_id!r}")
        if order.status != "reversed":
            clerks.refuse_own_shop(session, clerk_id=clerk_id, resident_id=order.resident_id)
            undo(session, order, reason=reason, made_by=f"clerk:{clerk_id}")
            session.refresh(order)
            session.refresh(order.payment)
    finish(order)
    return order


def undo(session: Session, order: Order, *, reason: str, made_by: str) -> None:
    """Undo an order's redemption inside the caller's transaction, which holds the order's lock.

    The one place where it happens: the order leaves `redeemed`, the discount is unspent, voucher
    and money are on their way back.
    """
    redemption = session.get(Redemption, order.id)
    if redemption is None:
        raise ReversalNotPossible(f"order {order.id} is {order.status}")
    now = clock.now()
    domain.refuse_refunded(refunded_fen=order.refunded_fen, order_id=order.id)
    domain.refuse_late(redeemed_on=redemption.business_day, today=now.date())
    if not queries.reverse_redeemed(session, order.id, at=now):
        raise ReversalNotPossible(f"order {order.id} is {order.status}")
    undone = campaign_posting(
        "reversal", redemption.campaign_id, order.discount_fen, id=f"reversal:{order.id}"
    )
    ledger_queries.add_transfer(session, undone, at=now)
    session.add(
        Reversal(
            id=order.id,
            merchant_id=order.merchant_id,
            campaign_id=redemption.campaign_id,
            discount_fen=order.discount_fen,
            reversed_at=now,
            business_day=now.date(),
            reason=reason,
            made_by=made_by,
            transfer_id=undone.id,
        )
    )
    session.flush()
    refunds.restore_voucher(session, order, rest_id=f"restoration:{order.id}")
    if instant_campaigns.is_unit(order.voucher_id):
        instant_returns.return_unit(session, order.voucher_id, expected="unused", at=now)
    if order.payment.provider == AT_TILL:  # the till itself hands the money back
        queries.set_payment(session, order.payment, status="closed", reference=None, at=now)
    paybacks.open_payback(
        session,
        order,
        payback_id=refund_domain.reversal_payback_id(order.id),
        kind="reversal",
        amount_fen=order.payable_fen,
        at=now,
    )


def finish(order: Order) -> None:
    """Do what follows the commit of an undone redemption; the jobs do it too, and twice is once."""
    instant_returns.give_back(order.resident_id)
    paybacks.settle(refund_domain.reversal_payback_id(order.id))
    log.info("order_reversed", order_id=order.id, status=order.status)
