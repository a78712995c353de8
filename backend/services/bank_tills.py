"""Instant discounts at a partner bank's tills (银行收银): quote, confirm, reverse, refund.

The bank's till knows the card and moves the money; we say what is taken off. Its request number
names the payment from first to last, so each call may be sent again. Vouchers are not used here:
who shows a card at the bank's till has shown neither a placard nor a payment code.
"""

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.vouchers import Quote
from backend.services import cards, orders, quotes, redemptions, refunds, releases, reversals
from backend.services.orders import Amounts
from backend.services.refunds import Goods, Shown
from backend.storage.models.orders import Order
from backend.storage.queries import orders as queries
from backend.storage.queries import refunds as refund_queries
from backend.storage.sql import transaction


def quote(*, card_token: str, merchant_id: str, order_amount_fen: int) -> Quote:
    """Say what a card's holder saves at a merchant, and why not more. Takes nothing.

    Raises CardRequired for a card that is nobody's, and what an order's quote raises.
    """
    return quotes.at_bank_till(
        resident_id=cards.owner(card_token),
        merchant_id=merchant_id,
        order_amount_fen=order_amount_fen,
    )


def confirm(
    *, partner_id: str, request_number: str, card_token: str, merchant_id: str, amounts: Amounts
) -> Order:
    """Take the best instant discount and redeem it, in one call: the bank has the money.

    The same number again is the same order; with other contents it is refused (RequestReused).
    Killed in between, the same call goes on; if nobody calls, the lock runs out and the unit goes
    back. Without a discount nothing is written: NoEligibleVoucher tells the reasons.
    """
    order = orders.create_at_bank_till(
        partner_id=partner_id,
        request_id=request_number,
        card_token=card_token,
        merchant_id=merchant_id,
        amounts=amounts,
    )
    return redemptions.confirm_by_partner(order_id=order.id, partner_id=partner_id)


def reverse(*, partner_id: str, request_number: str, reason: str) -> Order:
    """Undo a payment of today under its number: the unit is back, and nothing is owed.

    Also one that is not redeemed yet. Again is the same answer. Raises NotFound, ReversalTooLate,
    ReversalAfterRefund.
    """
    with transaction() as session:
        found = queries.get_by_request(session, f"bank:{partner_id}", request_number)
        order = found and refund_queries.lock_order(session, found.id)
        if order is None:
            raise NotFound(f"no order {request_number} of {partner_id}")
        if order.status == "locked":
            at = clock.now()
            overdue = at >= order.lock_expires_at
            releases.release_locked(session, order, at=at, overdue=overdue, reason="reversed")
            session.refresh(order)
        if order.status in ("redeemed", "refunded"):
            reversals.undo(session, order, reason=reason, made_by=f"bank:{partner_id}")
        session.refresh(order)
        session.refresh(order.payment)
    reversals.finish(order)
    return order


def refund(*, partner_id: str, request_number: str, goods: Goods) -> Shown:
    """Refund a payment or a part of it, on any day; the bank gives the customer's part back.

    The refund has a number of its own (`goods.number`): the same one is the same refund.
    """
    return refunds.refund_by_partner(
        partner_id=partner_id, request_number=request_number, goods=goods
    )
