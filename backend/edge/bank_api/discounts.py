"""Instant discounts at a bank's tills: quote, confirm, reverse, refund."""

from typing import Annotated, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from backend.domain.vouchers import ReasonCode
from backend.edge.bank_api.signature import current_partner
from backend.edge.shapes import AmountFen, DiscountFen, Request, RequestId
from backend.services import bank_tills, partner_discounts
from backend.services.orders import Amounts

blueprint = APIBlueprint("bank_discounts", __name__, tag="银行 bank")

CardToken = Annotated[str, Field(pattern=r"^[!-~]{1,128}$", description="银行的卡标记，不得为卡号")]
MerchantNumber = Annotated[
    str, Field(pattern=r"^[A-Z]{2}[0-9]{4,8}$", description="名单中的商户编号 merchant_id")
]
ReasonText = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,60}$", description="冲正原因")]


class TillQuote(Request):
    """卡标记、商户和消费金额（已减去商家让利和银行优惠）。"""

    card_token: CardToken
    merchant_id: MerchantNumber
    order_amount_fen: AmountFen


class TillPayment(Request):
    """卡标记、商户、消费金额和请求号；商家让利、银行优惠只作记录。"""

    request_number: RequestId
    card_token: CardToken
    merchant_id: MerchantNumber
    order_amount_fen: AmountFen
    merchant_discount_fen: DiscountFen = 0
    bank_discount_fen: DiscountFen = 0


class TillReversal(Request):
    """冲正自己的请求号，和要冲正的那笔付款的请求号。"""

    request_number: RequestId
    payment_number: RequestId
    reason: ReasonText


class TillRefund(Request):
    """退款自己的请求号、付款的请求号和退回商品的金额。"""

    request_number: RequestId
    payment_number: RequestId
    refund_amount_fen: AmountFen
    reason: ReasonText


class TillReason(BaseModel):
    """这项优惠为什么没有用上。"""

    campaign_name: str
    threshold_fen: int
    face_value_fen: int
    code: ReasonCode
    sentence: str


class TillQuoteShown(BaseModel):
    """试算：没有可用优惠时 discount_fen 为 0，按全款收取。"""

    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    campaign_id: str | None
    campaign_name: str | None
    reasons: list[TillReason]


class TillPaymentShown(BaseModel):
    """已确认：按 payable_fen 扣款，discount_fen 由补贴资金承担。"""

    request_number: str
    order_id: str
    status: str
    merchant_id: str
    order_amount_fen: int
    discount_fen: int
    payable_fen: int


class TillReversalShown(BaseModel):
    """reversed：已冲正 discount_fen；not_paid：该付款没有成立，以后到达的确认也会被拒绝。"""

    payment_number: str
    status: Literal["reversed", "not_paid"]
    discount_fen: int


class TillRefundShown(BaseModel):
    """已记账：customer_fen 由银行退还顾客，subsidy_fen 退回补贴资金。"""

    request_number: str
    payment_number: str
    refund_amount_fen: int
    customer_fen: int
    subsidy_fen: int


@blueprint.post("/discounts/quotes")
@blueprint.input(TillQuote)
@blueprint.output(TillQuoteShown)
def quote(json_data: TillQuote) -> dict[str, object]:
    """试算：不占用名额。"""
    found = bank_tills.quote(
        card_token=json_data.card_token,
        merchant_id=json_data.merchant_id,
        order_amount_fen=json_data.order_amount_fen,
    )
    return {
        "order_amount_fen": found.order_amount_fen,
        "discount_fen": found.discount_fen,
        "payable_fen": found.payable_fen,
        "campaign_id": found.voucher.campaign_id if found.voucher else None,
        "campaign_name": found.voucher.campaign_name if found.voucher else None,
        "reasons": [
            {
                "campaign_name": why.campaign_name,
                "threshold_fen": why.threshold_fen,
                "face_value_fen": why.face_value_fen,
                "code": why.code,
                "sentence": why.sentence,
            }
            for why in found.reasons
        ],
    }


@blueprint.post("/discounts/confirmations")
@blueprint.input(TillPayment)
@blueprint.output(TillPaymentShown)
def confirm(json_data: TillPayment) -> dict[str, object]:
    """确认：占用名额并记账，随后按 payable_fen 扣款；扣款不成须冲正。"""
    return partner_discounts.confirm(
        partner_id=current_partner().partner_id,
        request_number=json_data.request_number,
        card_token=json_data.card_token,
        merchant_id=json_data.merchant_id,
        amounts=Amounts(
            order_amount_fen=json_data.order_amount_fen,
            merchant_discount_fen=json_data.merchant_discount_fen,
            bank_discount_fen=json_data.bank_discount_fen,
        ),
    )


@blueprint.post("/discounts/reversals")
@blueprint.input(TillReversal)
@blueprint.output(TillReversalShown)
def reverse(json_data: TillReversal) -> dict[str, object]:
    """冲正当天的付款；确认没有收到答复时也可直接冲正。"""
    return partner_discounts.reverse(
        partner_id=current_partner().partner_id,
        request_number=json_data.request_number,
        payment_number=json_data.payment_number,
        reason=json_data.reason,
    )


@blueprint.post("/discounts/refunds")
@blueprint.input(TillRefund)
@blueprint.output(TillRefundShown)
def refund(json_data: TillRefund) -> dict[str, object]:
    """退款：全部或部分，按比例退还顾客和补贴资金；同一请求号只退一次。"""
    return partner_discounts.refund(
        partner_id=current_partner().partner_id,
        request_number=json_data.request_number,
        payment_number=json_data.payment_number,
        amount_fen=json_data.refund_amount_fen,
        reason=json_data.reason,
    )
