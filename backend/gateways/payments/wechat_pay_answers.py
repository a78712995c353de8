"""What WeChat Pay's signed words about a transaction or a refund mean for us.

Final are: `paid` (SUCCESS, and REFUND, which a transaction only reaches after SUCCESS), `closed`
(CLOSED, REVOKED: WeChat Pay takes no money for that number any more) and `failed` (PAYERROR: the
scanned code is used up, and a number is charged once). All else is asked again. Ids and amounts
are compared first: words about another order are no news of ours.
Source: WeChat Pay API v3, 查询订单 and 查询单笔退款.
"""

from collections.abc import Mapping

import structlog

from backend.gateways.payments.protocol import (
    Charge,
    PaymentState,
    PaymentStatus,
    RefundRequest,
    RefundState,
    RefundStatus,
)
from backend.gateways.payments.wechat_pay_http import Account

CODE_PAYMENT = "MICROPAY"  # a trade type: the till scanned the payer's code
UNKNOWN = PaymentState(status="unknown")
UNKNOWN_REFUND = RefundState(status="unknown")

_PAYMENT: dict[object, PaymentStatus] = {
    "SUCCESS": "paid",
    "REFUND": "paid",
    "NOTPAY": "pending",
    "USERPAYING": "pending",
    "CLOSED": "closed",
    "REVOKED": "closed",
    "PAYERROR": "failed",
}
# ABNORMAL: the payer's card took nothing back. The money waits at WeChat Pay until a person sends
# it another way under the same refund number, so a new refund would pay twice.
_REFUND: dict[object, RefundStatus] = {
    "SUCCESS": "done",
    "PROCESSING": "processing",
    "ABNORMAL": "processing",
    "CLOSED": "failed",
}

log = structlog.get_logger()


class NotOurs(Exception):
    """The words are about another app, merchant or number, or lack what they must say."""


def transaction_state(body: Mapping[str, object], account: Account) -> tuple[str, PaymentState]:
    """Return (our order's id, its state) of a transaction object; amounts in fen.

    :raises NotOurs: another app or merchant, or `paid` without number, amount or CNY
    """
    if (body.get("appid"), body.get("mchid")) != (account.appid, account.mchid):
        raise NotOurs("another app or merchant")
    status = _PAYMENT.get(body.get("trade_state"), "unknown")
    reference = _text(body.get("transaction_id"))
    total_fen = _fen(body, "total")
    if status == "paid" and (reference is None or total_fen is None):
        raise NotOurs("paid, and no number or amount is told")
    state = PaymentState(status=status, reference=reference, amount_fen=total_fen)
    return str(body.get("out_trade_no", "")), state


def payment_state(body: Mapping[str, object], account: Account, charge: Charge) -> PaymentState:
    """Return what a transaction object says of a charge; `unknown` when it is about another.

    Another amount than the charge's is returned as it is: whoever asked compares it.
    """
    try:
        order_id, state = transaction_state(body, account)
    except NotOurs as reason:
        return _mismatch(charge, str(reason))
    if order_id != charge.order_id:
        return _mismatch(charge, "another order")
    if state.amount_fen not in (None, charge.amount_fen):
        log.error("wechat_pay_mismatch", order=charge.order_id, reason="another amount")
    return state  # with its amount: money that is not what we asked for becomes a case


def refund_words(
    body: Mapping[str, object], *, status_field: str
) -> tuple[str, str, RefundState, int | None]:
    """Return (order, refund, state, order's total in fen) of a refund object.

    :param status_field: `status` in answers, `refund_status` in notifications
    """
    said = body.get(status_field)
    if said == "ABNORMAL":
        log.error("wechat_pay_refund_abnormal", refund=str(body.get("out_refund_no")))
    state = RefundState(
        status=_REFUND.get(said, "unknown"),
        reference=_text(body.get("refund_id")),
        amount_fen=_fen(body, "refund"),
    )
    order_id, refund_id = str(body.get("out_trade_no", "")), str(body.get("out_refund_no", ""))
    return order_id, refund_id, state, _fen(body, "total")


def refund_state(body: Mapping[str, object], refund: RefundRequest) -> RefundState:
    """Return what an answer says of a refund; `unknown` when it is about another."""
    order_id, refund_id, state, total_fen = refund_words(body, status_field="status")
    told = (order_id, refund_id, state.amount_fen, total_fen)
    if told != (refund.order_id, refund.refund_id, refund.amount_fen, refund.total_fen):
        log.error("wechat_pay_mismatch", refund=refund.refund_id, reason="another refund or amount")
        return UNKNOWN_REFUND
    return state


def _mismatch(charge: Charge, reason: str) -> PaymentState:
    log.error("wechat_pay_mismatch", order=charge.order_id, reason=reason)
    return UNKNOWN


def _fen(body: Mapping[str, object], name: str) -> int | None:
    """Return an amount in fen, or None for anything but a whole number above 0 of CNY."""
    amount = body.get("amount")
    if not isinstance(amount, Mapping) or amount.get("currency", "CNY") != "CNY":
        return None
    fen = amount.get(name)
    return fen if type(fen) is int and fen > 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
