"""Quotes, orders and entries as phones and tills read them."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from backend.domain.vouchers import Quote, ReasonCode, SubsidyKind
from backend.services import instant_campaigns, orders

if TYPE_CHECKING:
    from backend.storage.models.entries import Entry
    from backend.storage.models.orders import Order


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
    status: Literal["locked", "redeemed", "released", "reversed"]
    payment: PaymentShown
    payment_provider: str
    payment_status: Literal["pending", "unknown", "paid", "closed", "failed"]
    created_at: datetime
    lock_expires_at: datetime
    closed_at: datetime | None


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
        "status": orders.shown_status(order),
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
