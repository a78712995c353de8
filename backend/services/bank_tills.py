"""Instant discounts at a partner bank's tills (银行收银): quote, confirm, reverse.

The bank's till knows the card and moves the money; we say what is taken off. Its request number
names the payment from first to last, so each call may be sent again. Vouchers are not used here:
who shows a card at the bank's till has shown neither a placard nor a payment code.
"""

import structlog

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.postings import campaign_posting
from backend.domain.reversals import refuse_late
from backend.domain.vouchers import Quote
from backend.extensions import db
from backend.services import cards, instant_returns, orders, quotes, redemptions, releases
from backend.services.orders import Amounts
from backend.storage.models.orders import Order, Redemption, Reversal
from backend.storage.models.vouchers import Voucher
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import orders as queries
from backend.storage.sql import transaction

log = structlog.get_logger()


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

    Also one that is not redeemed yet. Again is the same answer. Raises NotFound, ReversalTooLate.
    """
    with transaction() as session:
        order = queries.get_by_request(session, f"bank:{partner_id}", request_number)
        if order is None:
            raise NotFound(f"no order {request_number} of {partner_id}")
        if order.status == "locked":
            at = clock.now()
            overdue = at >= order.lock_expires_at
            releases.release_locked(session, order, at=at, overdue=overdue, reason="reversed")
            session.refresh(order)
        if order.status == "redeemed" and _close_redeemed(order):
            _undo(order, reason=reason)
        session.refresh(order)
        session.refresh(order.payment)
    instant_returns.give_back(order.resident_id)
    log.info("order_reversed", order_id=order.id, status=order.status)
    return order


def _close_redeemed(order: Order) -> bool:
    """Move the order from redeemed to reversed, once."""
    session = db.session()
    redemption = session.get_one(Redemption, order.id)
    refuse_late(redeemed_on=redemption.business_day, today=clock.now().date())
    return queries.reverse_redeemed(session, order.id, at=clock.now())


def _undo(order: Order, *, reason: str) -> None:
    """Write the counter-movements: the discount is unspent, the unit whole again and back."""
    session, now = db.session(), clock.now()
    unit = session.get_one(Voucher, order.voucher_id)
    undone = campaign_posting(
        "reversal", unit.campaign_id, order.discount_fen, id=f"reversal:{order.id}"
    )
    ledger_queries.add_transfer(session, undone, at=now)
    if rest_fen := unit.face_value_fen - order.discount_fen:
        rest = campaign_posting(
            "restoration", unit.campaign_id, rest_fen, id=f"restoration:{order.id}"
        )
        ledger_queries.add_transfer(session, rest, at=now)
    session.add(
        Reversal(
            id=order.id,
            merchant_id=order.merchant_id,
            campaign_id=unit.campaign_id,
            discount_fen=order.discount_fen,
            reversed_at=now,
            business_day=now.date(),
            reason=reason,
            transfer_id=undone.id,
        )
    )
    session.flush()
    if not instant_returns.return_unit(session, unit.id, expected="used", at=now):
        raise RuntimeError(f"order {order.id} has no used unit")  # rolls all back
    queries.set_payment(session, order.id, status="closed", reference=None, at=now)
