"""Instant discounts that a partner bank asks for by its interface, each under its own number.

The bank's number of a payment is the order's (requested_by `bank:PARTNER`), so the bank's daily
file finds it again. A reversal has a number of its own and names that of the payment.
"""

from typing import Any

from backend.domain.errors import NotFound
from backend.domain.partners import DiscountUnavailable
from backend.domain.refusals import NoEligibleVoucher
from backend.services import bank_tills, partner_requests, refunds
from backend.services.orders import Amounts
from backend.services.partner_requests import Numbered
from backend.services.refunds import Goods
from backend.storage.models.orders import Order

CONFIRM, REVERSE, REFUND = "discount.confirm", "discount.reverse", "discount.refund"
WITHDRAWN_REASON = "先行冲正"


def confirm(
    *, partner_id: str, request_number: str, card_token: str, merchant_id: str, amounts: Amounts
) -> dict[str, Any]:
    """Take and redeem the best instant discount; the same number again is the same answer.

    Refusals as of bank_tills.confirm; PaymentWithdrawn when its reversal came first.
    """
    asked = Numbered(
        partner_id=partner_id,
        number=request_number,
        act=CONFIRM,
        body={"card_token": card_token, "merchant_id": merchant_id, **vars(amounts)},
    )

    def execute() -> dict[str, Any]:
        try:
            order = bank_tills.confirm(
                partner_id=partner_id,
                request_number=request_number,
                card_token=card_token,
                merchant_id=merchant_id,
                amounts=amounts,
            )
        except NoEligibleVoucher as refused:
            if _was_not_asked(refused):
                raise DiscountUnavailable(request_number) from refused
            raise
        return {"request_number": request_number, **_shown(order)}

    def undo() -> None:
        bank_tills.reverse(
            partner_id=partner_id, request_number=request_number, reason=WITHDRAWN_REASON
        )

    return partner_requests.answer(asked, execute, undo=undo)


def reverse(
    *, partner_id: str, request_number: str, payment_number: str, reason: str
) -> dict[str, Any]:
    """Undo a payment of today by its number, also one that never came.

    A payment whose confirmation had no answer yet is withdrawn: coming late it is refused. Without
    anything to undo the answer is `not_paid`.
    """
    asked = Numbered(
        partner_id=partner_id,
        number=request_number,
        act=REVERSE,
        body={"payment_number": payment_number, "reason": reason},
    )

    def execute() -> dict[str, Any]:
        partner_requests.withdraw(partner_id, payment_number, act=CONFIRM)
        try:
            order = bank_tills.reverse(
                partner_id=partner_id, request_number=payment_number, reason=reason
            )
        except NotFound:
            return {"payment_number": payment_number, "status": "not_paid", "discount_fen": 0}
        status = "reversed" if order.status == "reversed" else "not_paid"
        undone_fen = order.discount_fen if status == "reversed" else 0
        return {"payment_number": payment_number, "status": status, "discount_fen": undone_fen}

    return partner_requests.answer(asked, execute)


def refund(
    *, partner_id: str, request_number: str, payment_number: str, amount_fen: int, reason: str
) -> dict[str, Any]:
    """Refund goods of a payment, whole or in part; the bank gives `customer_fen` back itself.

    NotFound for a payment that is not this bank's; further what domain/refunds.py refuses.
    :param amount_fen: goods, of the payment's `order_amount_fen`
    """
    asked = Numbered(
        partner_id=partner_id,
        number=request_number,
        act=REFUND,
        body={"payment_number": payment_number, "amount_fen": amount_fen, "reason": reason},
    )

    def execute() -> dict[str, Any]:
        made = refunds.refund_by_partner(
            partner_id=partner_id,
            request_number=payment_number,
            goods=Goods(number=request_number, refund_amount_fen=amount_fen, reason=reason),
        ).refund
        return {
            "request_number": request_number,
            "payment_number": payment_number,
            "refund_amount_fen": made.refund_amount_fen,
            "customer_fen": made.customer_fen,
            "subsidy_fen": made.subsidy_fen,
        }

    return partner_requests.answer(asked, execute)


def _was_not_asked(refused: NoEligibleVoucher) -> bool:
    """Whether a discount is missing only since Valkey is down: that is no answer for good."""
    reasons = refused.details["reasons"]
    return isinstance(reasons, list) and any(why["code"] == "unavailable" for why in reasons)


def _shown(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.id,
        "status": order.status,
        "merchant_id": order.merchant_id,
        "order_amount_fen": order.order_amount_fen,
        "discount_fen": order.discount_fen,
        "payable_fen": order.payable_fen,
    }
