"""Undoing a redemption (冲正): on its own day, before anything is settled."""

from datetime import date

from backend.domain.errors import HuiquanError


class ReversalTooLate(HuiquanError):
    code = "reversal_too_late"
    message = "只有当天的交易可以冲正，隔日请办理退款"
    category = "conflict"


def refuse_late(*, redeemed_on: date, today: date) -> None:
    """Refuse to undo a redemption of another day: settlement may have paid it, a refund is due.

    Settlement is by business days (T+1), so what is undone on its day stands in the same sheet.
    """
    if today != redeemed_on:
        raise ReversalTooLate(f"redeemed on {redeemed_on}, today is {today}")
