"""Quotes, orders and entries as phones and tills read them."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from backend.domain.money import yuan_text
from backend.domain.vouchers import Quote, ReasonCode, SubsidyKind
from backend.services import instant_campaigns, order_readings, paybacks, refunds

if TYPE_CHECKING:
    from backend.services.refunds import Shown
    from backend.storage.models.entries import Entry
    from backend.storage.models.orders import Order
    from backend.storage.models.refunds import Payback

PaybackStatus = Literal[
    "at_till", "none", "due", "processing", "unknown", "done", "failed", "by_hand"
]
# Where a customer's money stands, after the amount in yuan.
PAYBACK_SENTENCES: dict[str, str] = {
    "at_till": "元由商户当面退还",
    "done": "元已退回您的付款账户",
    "by_hand": "元已由工作人员退还",
    "failed": "元没有退成，工作人员会与您联系办理",
}
ON_ITS_WAY = "元正在退回您的付款账户，到账可能需要几天"


class ReasonShown(BaseModel):
    """这张券或这项刷卡满减（kind 为 instant，没有券号）为什么没有用上。"""

    kind: SubsidyKind
    voucher_id: int | None
    campaign_name: str
    threshold_fen: int
    face_value_fen: int
    code: ReasonCode
    sentence: str


class ChosenVoucher(BaseModel):
    """系统自动选用的补贴：卡包里的券，或刷卡满减（kind 为 instant，没有券号）。"""

    kind: SubsidyKind
    voucher_id: int | None
    campaign_name: str
    threshold_fen: int
    face_value_fen: int


class QuoteShown(BaseModel):
    """试算：自动使用优惠最大的可用券；没有可用券时 voucher 为空，按全款支付。"""

    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    voucher: ChosenVoucher | None
    reasons: list[ReasonShown]


class PaymentShown(BaseModel):
    """余款由谁收。client 交给 wx.requestPayment；code_url 做成二维码请顾客扫。

    unknown 表示结果正在确认，既不是成功也不是失败：稍后再查订单。
    """

    provider: str
    status: Literal["pending", "unknown", "paid", "closed", "failed"]
    client: dict[str, str] | None
    code_url: str | None


class RefundShown(BaseModel):
    """一笔退款：退货价值 = 退还顾客的 + 退回活动的补贴。

    payback_status 是顾客那部分的进度：at_till 由商户当面退，none 无需退，
    due、processing、unknown 都是还在退，done、by_hand 已退，failed 由工作人员处理。
    """

    refund_id: str
    refund_number: str
    refund_amount_fen: int
    customer_fen: int
    subsidy_fen: int
    voucher_restored: bool
    payback_status: PaybackStatus
    refunded_at: datetime
    sentence: str


class OrderShown(BaseModel):
    """订单。locked 表示券已锁定、等待付款；超过 lock_expires_at 未付款即 released。

    线上付款的订单到时仍无付款结果的，保持 locked，待收款方确认没有付款后才 released。
    """

    order_id: str
    merchant_id: str
    merchant_name: str
    kind: SubsidyKind
    voucher_id: int
    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    entry: Literal["placard", "payment_code", "amount_code", "bank_till"]
    status: Literal["locked", "redeemed", "released", "reversed", "refunded"]
    payment: PaymentShown
    payment_provider: str
    payment_status: Literal["pending", "unknown", "paid", "closed", "failed"]
    created_at: datetime
    lock_expires_at: datetime
    closed_at: datetime | None
    refunded_fen: int
    refunds: list[RefundShown]
    reversal_sentence: str | None


class OrderList(BaseModel):
    """订单，最新的在前。"""

    orders: list[OrderShown]


def present_quote(quote: Quote) -> dict[str, object]:
    """Return a quote as `QuoteShown`."""
    chosen = quote.voucher
    return {
        "order_amount_fen": quote.order_amount_fen,
        "discount_fen": quote.discount_fen,
        "payable_fen": quote.payable_fen,
        "voucher": None
        if chosen is None
        else {
            "kind": chosen.kind,
            "voucher_id": chosen.id if chosen.kind == "voucher" else None,
            "campaign_name": chosen.campaign_name,
            "threshold_fen": chosen.threshold_fen,
            "face_value_fen": chosen.face_value_fen,
        },
        "reasons": [asdict(reason) for reason in quote.reasons],
    }


def present_order(order: "Order", *, for_payer: bool = False) -> dict[str, object]:
    """Return an order as `OrderShown`, its status judged by the clock.

    What a wallet needs to pay it is for the phone of its resident alone: `for_payer`.
    """
    return {
        "order_id": order.id,
        "merchant_id": order.merchant_id,
        "merchant_name": order.merchant.name,
        "kind": "instant" if instant_campaigns.is_unit(order.voucher_id) else "voucher",
        "voucher_id": order.voucher_id,
        "order_amount_fen": order.order_amount_fen,
        "discount_fen": order.discount_fen,
        "payable_fen": order.payable_fen,
        "entry": order.entry,
        "status": order_readings.shown_status(order),
        "payment": {
            "provider": order.payment.provider,
            "status": order.payment.status,
            "client": order.payment.client if for_payer else None,
            "code_url": order.payment.code_url,
        },
        "payment_provider": order.payment.provider,
        "payment_status": order.payment.status,
        "created_at": order.created_at,
        "lock_expires_at": order.lock_expires_at,
        "closed_at": order.closed_at,
        "refunded_fen": order.refunded_fen,
        "refunds": [present_refund(one) for one in refunds.of_orders([order])[order.id]],
        "reversal_sentence": _reversal_sentence(order) if order.status == "reversed" else None,
    }


class EntryShown(BaseModel):
    """一次入园。counted 为免票入园；free 为本就免票，不计；undone 为已撤销。"""

    entry_id: str
    campaign_name: str
    merchant_name: str
    state: Literal["counted", "free", "undone"]
    amount_fen: Annotated[int, Field(description="免去的门票，单位分；本就免票的为 0")]
    month: Annotated[str, Field(description="计入哪个自然月，如 2023-05")]
    entered_at: datetime


class EntryList(BaseModel):
    """入园记录，最新的在前。"""

    entries: list[EntryShown]


def present_entry(entry: "Entry") -> dict[str, object]:
    """Return an entry as `EntryShown`."""
    return {
        "entry_id": entry.id,
        "campaign_name": entry.campaign.name,
        "merchant_name": entry.merchant.name,
        "state": entry.state,
        "amount_fen": entry.amount_fen,
        "month": entry.month,
        "entered_at": entry.entered_at,
    }


def present_refund(shown: "Shown") -> dict[str, object]:
    """Return a refund as `RefundShown`."""
    refund = shown.refund
    status = _payback_status(shown.payback, refund.customer_fen)
    parts = [_payback_sentence(status, refund.customer_fen)]
    if refund.restored:
        parts.append("消费券已退回卡包，有效期不变")
    elif refund.subsidy_fen:
        parts.append(f"{yuan_text(refund.subsidy_fen)} 元补贴退回活动，不退券")
    return {
        "refund_id": refund.id,
        "refund_number": refund.number,
        "refund_amount_fen": refund.refund_amount_fen,
        "customer_fen": refund.customer_fen,
        "subsidy_fen": refund.subsidy_fen,
        "voucher_restored": refund.restored,
        "payback_status": status,
        "refunded_at": refund.refunded_at,
        "sentence": "；".join(part for part in parts if part),
    }


def _reversal_sentence(order: "Order") -> str:
    status = _payback_status(paybacks.of_reversal(order.id), order.payable_fen)
    instant = instant_campaigns.is_unit(order.voucher_id)
    back = "立减优惠已撤销" if instant else "消费券已退回卡包，有效期不变"
    paid = _payback_sentence(status, order.payable_fen)
    return "；".join(part for part in (f"本单已冲正，{back}", paid) if part)


def _payback_status(payback: "Payback | None", customer_fen: int) -> str:
    if payback is not None:
        return payback.status
    return "at_till" if customer_fen else "none"


def _payback_sentence(status: str, customer_fen: int) -> str:
    if status == "none":
        return ""
    return f"{yuan_text(customer_fen)} {PAYBACK_SENTENCES.get(status, ON_ITS_WAY)}"
