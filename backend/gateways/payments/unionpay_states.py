"""UnionPay's messages as the states, refunds and notifications of our protocol."""

import re
from datetime import timedelta

from backend import clock
from backend.gateways.payments import unionpay_results
from backend.gateways.payments.protocol import Charge, Notice, PaymentState, RefundState
from backend.gateways.payments.unionpay_messages import (
    Fields,
    MessageRefused,
    amount_fen,
    reserved_fen,
)
from backend.gateways.payments.unionpay_results import Result

CONSUME, REFUND, CANCEL, REVERSAL, FILE = "01", "04", "31", "99", "76"  # txnType
CURRENCY_YUAN = "156"
PAY_TIMEOUT_MARGIN = timedelta(seconds=60)  # between our clock and UnionPay's, and on the way
_NUMBER = re.compile(r"[0-9A-Za-z]{8,32}")


def number(our_id: str) -> str:
    """Return an id of ours as orderId; ValueError if UnionPay would not take it as it is.

    Letters and digits only. 40 are allowed, but the ZM file keeps 32 and would cut the rest.
    """
    if not _NUMBER.fullmatch(our_id):
        raise ValueError("an id for UnionPay wants 8 to 32 letters and digits")
    return our_id


def cancel_number(order_id: str) -> str:
    """Return the orderId of an order's cancellation, the same each time.

    Our ids are hexadecimal in lower case, so that a capital C is nobody else's.
    """
    return number(f"C{order_id[-31:]}")


def query_result(answer: Fields) -> Result:
    """Return what the answer of a query says of its transaction."""
    return unionpay_results.of_query(answer.get("respCode"), answer.get("origRespCode"))


def payment_state(result: Result, fields: Fields) -> PaymentState:
    """Return a payment's state; MessageRefused for one that is paid without saying how much."""
    if result == "paid":
        return PaymentState(
            status="paid",
            reference=_reference(fields),
            amount_fen=_amount_fen(fields),
            provider_discount_fen=reserved_fen(fields, "discountAmt"),
        )
    return PaymentState(
        status="failed" if result == "failed" else "unknown", reference=fields.get("queryId")
    )


def closed(state: PaymentState) -> PaymentState:
    """Return the state of a charge that holds no money and takes none any more."""
    return PaymentState(status="closed", reference=state.reference)


def never_paid(charge: Charge, result: Result | None) -> bool:
    """Whether no money can come of it any more: it failed, or is unknown when its time is over."""
    over = clock.now() >= charge.expires_at + PAY_TIMEOUT_MARGIN
    return result == "failed" or (result == "absent" and over)


def refund_state(result: Result, fields: Fields) -> RefundState:
    """Return a refund's state; MessageRefused as above."""
    if result == "paid":
        return RefundState(
            status="done", reference=_reference(fields), amount_fen=_amount_fen(fields)
        )
    return RefundState(
        status="failed" if result == "failed" else "unknown", reference=fields.get("queryId")
    )


def notice(fields: Fields) -> Notice:
    """Return what a verified notification tells, or raise MessageRefused.

    Refunds, cancellations and reversals bring the order's id back in reqReserved. For the latter
    two it tells only that there is news of the order: the query says which.
    """
    kind = fields.get("txnType")
    event_id = f"{kind}.{_reference(fields)}"
    result = unionpay_results.of_notice(fields.get("respCode"))
    if fields.get("currencyCode", CURRENCY_YUAN) != CURRENCY_YUAN:
        raise MessageRefused("not in yuan")
    own_id = fields.get("orderId", "")
    if not own_id:
        raise MessageRefused("names no order")
    if kind == CONSUME:
        return Notice(event_id=event_id, order_id=own_id, payment=payment_state(result, fields))
    order_id = fields.get("reqReserved", "")
    if not order_id:
        raise MessageRefused("names no order of ours")
    if kind == REFUND:
        given_back = refund_state(result, fields)
        return Notice(event_id=event_id, order_id=order_id, refund_id=own_id, refund=given_back)
    if kind in (CANCEL, REVERSAL):
        return Notice(event_id=event_id, order_id=order_id, payment=PaymentState(status="unknown"))
    raise MessageRefused("of a kind that we never asked for")


def _reference(fields: Fields) -> str:
    reference = fields.get("queryId")
    if not reference:
        raise MessageRefused("names no queryId")
    return reference


def _amount_fen(fields: Fields) -> int:
    fen = amount_fen(fields.get("txnAmt"))
    if fen is None:
        raise MessageRefused("names no amount")
    return fen
