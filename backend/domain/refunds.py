"""Refunds (退款): a customer gives goods back, whole or in part, and gets his part of their price.

What a refund is worth is said in goods: `refund_amount_fen` of the order amount. The customer gets
back what he paid of it, and the subsidy's part returns to the campaign. Undoing a redemption on its
own day is no refund but a reversal (domain/reversals.py).
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.errors import HuiquanError, InvalidRequest

NUMBER = re.compile(r"[0-9A-Za-z_-]{8,64}")
MAX_PARTS = 50
PERIOD = timedelta(days=365)
OVERDUE_AFTER = timedelta(days=3)  # a card takes some days; later than that somebody must look


class RefundAboveOrder(HuiquanError):
    """`details.left_fen` is what can still be refunded, in goods."""

    code = "refund_above_order"
    message = "退款金额超过本单尚可退的金额，请按 details.left_fen 所列余额办理"
    category = "rule"


class RefundTooManyParts(HuiquanError):
    code = "refund_too_many_parts"
    message = "一笔订单最多分 50 次退款，请与顾客另行结清，并联系工作人员"
    category = "rule"


class RefundTooLate(HuiquanError):
    code = "refund_too_late"
    message = "核销已超过 365 天，不能再退款，请与顾客另行协商"
    category = "rule"


class RefundNotPossible(HuiquanError):
    """The order was never redeemed, or its redemption was reversed: there is nothing to refund."""

    code = "refund_not_possible"
    message = "本单没有完成核销或已经冲正，没有可退的款项"
    category = "conflict"


class RefundNumberReused(HuiquanError):
    code = "refund_number_reused"
    message = "这个退款单号已用于另一笔退款，请核对后换一个新单号"
    category = "conflict"


class RefundProposalEnded(HuiquanError):
    code = "refund_proposal_ended"
    message = "这份退款申请已经办理或撤回，请先用 refunds proposals 查看"
    category = "conflict"


class PaybackNotFailed(HuiquanError):
    """Money that may still reach the customer by the provider is not paid by hand as well."""

    code = "payback_not_failed"
    message = "收款方还没有说退款失败，不能改用人工退还，否则可能退两次；请先查询结果"
    category = "conflict"


class PaybackEnded(HuiquanError):
    code = "payback_ended"
    message = "这笔款项已经退还顾客，无需再办"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Paid:
    """What an order came to and what of it has gone back so far, in fen."""

    order_amount_fen: int
    payable_fen: int
    refunded_fen: int = 0  # goods
    customer_refunded_fen: int = 0  # the customer's part of them

    @property
    def left_fen(self) -> int:
        """Goods that can still be refunded."""
        return self.order_amount_fen - self.refunded_fen


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A refund's two parts in fen: what the customer gets, what returns to the campaign."""

    customer_fen: int
    subsidy_fen: int


def split(paid: Paid, refund_amount_fen: int) -> Parts:
    """Divide a refund of goods by what each side paid for the order, to the fen.

    Source: decision 5 of the rules: refund × paid ÷ total, half up, and the last part takes the
    rest. Neither side gets more than it has left, which also gives the last part what remains: all
    parts of an order that goes back whole sum exactly to payable and discount.
    """
    if not 1 <= refund_amount_fen <= paid.left_fen:
        raise RefundAboveOrder(
            f"{refund_amount_fen} of {paid.left_fen}", details={"left_fen": paid.left_fen}
        )
    customer_left_fen = paid.payable_fen - paid.customer_refunded_fen
    subsidy_left_fen = paid.left_fen - customer_left_fen
    double = 2 * refund_amount_fen * paid.payable_fen + paid.order_amount_fen
    pro_rata_fen = double // (2 * paid.order_amount_fen)  # half up, in whole numbers
    customer_fen = max(min(pro_rata_fen, customer_left_fen), refund_amount_fen - subsidy_left_fen)
    return Parts(customer_fen=customer_fen, subsidy_fen=refund_amount_fen - customer_fen)


def check_number(number: str) -> None:
    """Refuse a refund's number that is not written as request numbers are."""
    if not NUMBER.fullmatch(number):
        raise InvalidRequest("refund number: 8 to 64 letters, digits, _ and -")


def refuse_late(*, redeemed_at: datetime, now: datetime) -> None:
    """Refuse a refund later than 365 days after the redemption; its last moment counts."""
    if now > redeemed_at + PERIOD:
        raise RefundTooLate(f"redeemed at {redeemed_at}")


def restores_voucher(
    *, policy: str, whole_at_once: bool, valid_until: datetime, now: datetime
) -> bool:
    """Whether a refund gives the voucher back, unused and valid as long as before.

    Source: decision 5 of the rules. With `voucher_stays_used` never; with `restore_within_validity`
    when the whole order goes back in one refund while the voucher still counts.
    """
    return policy == "restore_within_validity" and whole_at_once and now < valid_until


def refund_id(numbered_by: str, number: str) -> str:
    """Return a refund's id, which is its number at a provider too: 32 letters and digits."""
    return hashlib.sha256(f"refund:{numbered_by}:{number}".encode()).hexdigest()[:32]


def reversal_payback_id(order_id: str) -> str:
    """Return the number under which a reversed order's money goes back: the same each time."""
    return hashlib.sha256(f"reversal:{order_id}".encode()).hexdigest()[:32]
