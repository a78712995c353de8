"""Undoing a redemption (冲正): whole, on its own day, before anything is settled. It is no refund.

What is undone was a mistake, so whatever the campaign says of refunds, the voucher is unused again
within its validity, and the unit of an instant discount is back in its tier.
"""

from datetime import date

from backend.domain.errors import HuiquanError


class ReversalTooLate(HuiquanError):
    code = "reversal_too_late"
    message = "只有当天的交易可以冲正，隔日请办理退款"
    category = "conflict"


class ReversalNotPossible(HuiquanError):
    """The order was never redeemed: it is cancelled, not reversed."""

    code = "reversal_not_possible"
    message = "本单没有完成核销，无需冲正；未付款的订单请取消"
    category = "conflict"


class ReversalAfterRefund(HuiquanError):
    code = "reversal_after_refund"
    message = "本单已办理过退款，不能再冲正，余下的金额请继续办理退款"
    category = "conflict"


def refuse_late(*, redeemed_on: date, today: date) -> None:
    """Refuse to undo a redemption of another day: settlement may have paid it, a refund is due.

    Settlement is by business days (T+1), so what is undone on its day stands in the same sheet.
    """
    if today != redeemed_on:
        raise ReversalTooLate(f"redeemed on {redeemed_on}, today is {today}")


def refuse_refunded(*, refunded_fen: int, order_id: str) -> None:
    """Refuse to undo an order of which a part has gone back: a reversal is of the whole."""
    if refunded_fen:
        raise ReversalAfterRefund(f"order {order_id}: {refunded_fen} fen refunded")
