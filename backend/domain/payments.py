"""Who collects the rest of an order, when a provider is asked what became of it, what is final.

An unknown outcome is neither success nor failure: it is asked again until the provider gives a
final answer. Refusals of paying by a provider live here too.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final, Literal

from backend.domain.errors import HuiquanError

AT_TILL: Final = "at_till"
ProviderName = Literal["at_till", "wechat_pay", "unionpay"]
# Which provider charges a code that a wallet shows, by the wallet's name.
PROVIDER_OF_WALLET: dict[str, str] = {"wechat": "wechat_pay", "unionpay": "unionpay"}

OPEN: Final = ("pending", "unknown")
FIRST_QUERIES_S = (1, 2, 4, 8, 16, 32)  # then at a steady pace
REVERSE_NOT_BEFORE_S = 15  # WeChat Pay, codepay: a reversal sooner may cross the payment itself
LEASE = timedelta(seconds=60)  # longer than a provider takes to time out, asked three times

CaseKind = Literal[
    "wrong_amount",
    "paid_after_release",
    "merchant_disqualified",
    "foreign_refund",
    "payback_unfinished",
]
CASE_NAMES: dict[str, str] = {
    "wrong_amount": "实收与应收不符",
    "paid_after_release": "订单释放后才付款",
    "merchant_disqualified": "付款时商户已被取消资格",
    "foreign_refund": "收到并非本系统发起的退款",
    "payback_unfinished": "退回顾客的款项没有到账",
}
REFUND_NAMES: dict[str, str] = {
    "none": "无需退款",
    "due": "待退款",
    "processing": "退款中",
    "unknown": "退款结果待确认",
    "done": "已退款",
    "failed": "退款失败，须人工处理",
    "by_hand": "已人工退还",
}
REFUND_OPEN: Final = ("due", "processing", "unknown")


class PaymentProviderMissing(HuiquanError):
    """The installation has no such provider, or has it no more."""

    code = "payment_provider_missing"
    message = "这种收款方式尚未开通，请改用其他收款方式，或联系系统管理员"
    category = "rule"


class PaymentWayNotOffered(HuiquanError):
    """The merchant or the campaign has the rest collected in another way."""

    code = "payment_way_not_offered"
    message = "本单不能用这种方式收款，请按 details.provider 所列的方式收款，或请顾客扫码牌付款"
    category = "rule"


class PayerCodeMisread(HuiquanError):
    code = "payer_code_misread"
    message = "没有扫清顾客的钱包付款码，请再扫一次"
    category = "invalid"


class PaymentByProvider(HuiquanError):
    """Only the provider knows whether the customer paid: nobody's word replaces its answer."""

    code = "payment_by_provider"
    message = "本单由顾客线上付款，到账后系统自动完成核销，无需确认"
    category = "conflict"


class PaymentUnsettled(HuiquanError):
    """The provider has not said what became of the money."""

    code = "payment_unsettled"
    message = "付款结果正在确认，暂时不能取消；未付款的消费券会自动退回卡包，请稍后查看订单"
    category = "conflict"
    retry_after_s = 5


class PaymentCaseUnsettled(HuiquanError):
    code = "payment_case_unsettled"
    message = "这笔款项还没有退完，不能结案，请等退款有结果后再办理"
    category = "conflict"


class PaymentCaseClosed(HuiquanError):
    code = "payment_case_closed"
    message = "本案已经结案，结案人和理由不再更改"
    category = "conflict"


def chosen_provider(
    *,
    merchants: str,
    campaigns: str | None,
    at_placard: bool,
    wallet: str | None = None,
    code_wanted: bool = False,
) -> str:
    """Return which provider collects an order's rest, or refuse the way that was asked for.

    The campaign's own provider wins over the merchant's. A clerk collects at the till unless he
    scans the payer's wallet, which decides by itself, or asks for a code to be scanned. Money
    that a provider collects reaches a merchant that was set up for providers only.
    """
    wanted = campaigns or merchants
    if at_placard:
        return wanted
    if wallet is not None:
        name = PROVIDER_OF_WALLET.get(wallet)
        if name is None or wanted == AT_TILL or campaigns not in (None, name):
            raise PaymentWayNotOffered(f"{wallet} for {wanted}", details={"provider": wanted})
        return name
    if code_wanted:
        if wanted == AT_TILL:
            raise PaymentWayNotOffered("no code at a till", details={"provider": wanted})
        return wanted
    if campaigns not in (None, AT_TILL):
        raise PaymentWayNotOffered(f"campaign wants {campaigns}", details={"provider": wanted})
    return AT_TILL


def query_delay(attempts: int, *, every_s: int) -> timedelta:
    """Return how long to wait after so many queries: 1, 2, 4 … 32 s, then `every_s`."""
    first = FIRST_QUERIES_S[attempts] if attempts < len(FIRST_QUERIES_S) else every_s
    return timedelta(seconds=min(first, every_s))


def next_query_at(
    now: datetime, *, attempts: int, every_s: int, lock_expires_at: datetime
) -> datetime:
    """Return when to ask next: by the schedule, but at the lock's end at the latest.

    At the lock's end the charge is closed instead of queried, and its voucher waits for that.
    """
    at = now + query_delay(attempts, every_s=every_s)
    return min(at, lock_expires_at) if now < lock_expires_at else at


EndAct = Literal["query", "close", "reverse"]


def act_for(
    now: datetime, *, lock_expires_at: datetime, scanned: bool, charged_at: datetime, end: bool
) -> EndAct:
    """Say what a provider is asked of an open charge: what became of it, or to end it.

    `end` is a wish to end it before its lock does: a cancellation.
    """
    if now < lock_expires_at and not end:
        return "query"
    if not scanned:
        return "close"
    early = now < charged_at + timedelta(seconds=REVERSE_NOT_BEFORE_S)
    return "query" if early else "reverse"


def case_refund_id(order_id: str, kind: CaseKind) -> str:
    """Return the number of a case's refund: the same each time, 32 letters and digits.

    UnionPay takes no other signs, and its file cuts what is longer.
    """
    return hashlib.sha256(f"case:{order_id}:{kind}".encode()).hexdigest()[:32]
