"""Notifications of WeChat Pay: believed when signed, fresh, decrypted and about us, else refused.

A copy that is sent again keeps its event id, which makes it one event to the caller; a recorded
one is too old after five minutes. Source: WeChat Pay API v3, 支付成功回调通知, 退款结果回调通知.
"""

from collections.abc import Mapping

from backend.gateways.payments.protocol import Notice, NoticeRefused
from backend.gateways.payments.wechat_pay_answers import (
    NotOurs,
    refund_words,
    transaction_state,
)
from backend.gateways.payments.wechat_pay_http import Account, Exchange, SignatureRefused

_PAID = "TRANSACTION.SUCCESS"
_REFUNDS = {"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"}


def read(exchange: Exchange, account: Account, headers: Mapping[str, str], body: bytes) -> Notice:
    """Return what a notification tells; `body` is the bytes as they came.

    :raises NoticeRefused: forged, too old, damaged, for another app or merchant, or of a kind that
        we never asked for
    """
    event = _opened(exchange, headers, body)
    event_id, kind, resource = event.get("id"), event.get("event_type"), event.get("resource")
    if not isinstance(event_id, str) or not event_id or not isinstance(resource, Mapping):
        raise NoticeRefused("no event id, or nothing in it")
    if kind == _PAID:
        return _payment(event_id, resource, account)
    if kind in _REFUNDS:
        return _refund(event_id, resource, account)
    raise NoticeRefused("a kind of event that is not ours")


def _opened(exchange: Exchange, headers: Mapping[str, str], body: bytes) -> Mapping[str, object]:
    try:
        signed = exchange.check_signature(headers, body)
        event = exchange.callback(signed, body)
    except SignatureRefused as refused:
        raise NoticeRefused(str(refused)) from None
    except Exception as error:  # the package lets out whatever its parts raise, none of it usable
        raise NoticeRefused(f"damaged: {type(error).__name__}") from None
    if not isinstance(event, dict):
        raise NoticeRefused("cannot be decrypted")
    return event


def _payment(event_id: str, resource: Mapping[str, object], account: Account) -> Notice:
    try:
        order_id, state = transaction_state(resource, account)
    except NotOurs as reason:
        raise NoticeRefused(str(reason)) from None
    if state.status != "paid" or not order_id:
        raise NoticeRefused("a success that says something else")
    return Notice(event_id=event_id, order_id=order_id, payment=state)


def _refund(event_id: str, resource: Mapping[str, object], account: Account) -> Notice:
    if resource.get("mchid") != account.mchid:
        raise NoticeRefused("another merchant")
    order_id, refund_id, state, _ = refund_words(resource, status_field="refund_status")
    if not order_id or not refund_id or state.amount_fen is None or state.status == "unknown":
        raise NoticeRefused("a refund without number, amount or state")
    return Notice(event_id=event_id, order_id=order_id, refund_id=refund_id, refund=state)
