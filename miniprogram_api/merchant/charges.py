"""The clerk's side of an order: scan a payment code, collect the rest, confirm."""

from typing import Annotated, Self

from apiflask import APIBlueprint
from pydantic import Field, model_validator

from backend.services import cancellations, order_readings, orders, quotes, redemptions
from backend.services.orders import Amounts
from miniprogram_api.presenters import (
    OrderList,
    OrderShown,
    QuoteShown,
    present_order,
    present_quote,
)
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import AmountFen, DiscountFen, Request, RequestId

charges = APIBlueprint("charges", __name__, tag="商户 merchant")

# What a scanner gun may type: digits, full-width digits, grouping blanks, a closing CR, LF or Tab.
ScannedText = Annotated[
    str, Field(pattern=r"^[0-9０-９ \t\r\n]{1,64}$", description="扫码枪读到的付款码")
]


class CodeQuote(Request):
    """付款码和消费金额（已减去商家让利和银行优惠）。"""

    payment_code: ScannedText
    order_amount_fen: AmountFen


class CodeOrder(Request):
    """付款码、消费金额和请求号；商家让利、银行优惠只作记录。

    余款默认当面收取。也可以再扫顾客钱包的付款码（payer_code，微信 18 位或云闪付 19 位），
    或要一个请顾客扫的收款码（code_wanted）；两者只用其一。
    """

    payment_code: ScannedText
    order_amount_fen: AmountFen
    merchant_discount_fen: DiscountFen = 0
    bank_discount_fen: DiscountFen = 0
    payer_code: ScannedText | None = None
    code_wanted: bool = False
    request_id: RequestId

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.code_wanted and self.payer_code is not None:
            raise ValueError("payer_code and code_wanted exclude each other")
        return self


@charges.post("/quotes")
@charges.input(CodeQuote)
@charges.output(QuoteShown)
def quote(json_data: CodeQuote) -> dict[str, object]:
    """试算：不占用付款码。"""
    found = quotes.by_code(
        merchant_id=current_clerk().merchant_id,
        code=json_data.payment_code,
        order_amount_fen=json_data.order_amount_fen,
    )
    return present_quote(found)


@charges.post("/orders")
@charges.input(CodeOrder)
@charges.output(OrderShown, status_code=201)
def create(json_data: CodeOrder) -> dict[str, object]:
    """扫付款码收款：锁定顾客优惠最大的券，payable_fen 即应收金额；余款当面收，或由收款方收。"""
    clerk = current_clerk()
    order = orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=clerk.merchant_id,
        request_id=json_data.request_id,
        code=json_data.payment_code,
        amounts=Amounts(
            order_amount_fen=json_data.order_amount_fen,
            merchant_discount_fen=json_data.merchant_discount_fen,
            bank_discount_fen=json_data.bank_discount_fen,
        ),
        payer_code=json_data.payer_code,
        code_wanted=json_data.code_wanted,
    )
    return present_order(order)


@charges.get("/orders")
@charges.output(OrderList)
def list_open() -> dict[str, object]:
    """待收款的订单（含顾客扫码牌下的单）。"""
    found = order_readings.list_open_of_merchant(current_clerk().merchant_id)
    return {"orders": [present_order(order) for order in found]}


@charges.get("/orders/<order_id:order_id>")
@charges.output(OrderShown)
def get_one(order_id: str) -> dict[str, object]:
    """查看本店的一笔订单。"""
    return present_order(order_readings.get_of_merchant(order_id, current_clerk().merchant_id))


@charges.post("/orders/<order_id:order_id>/confirm")
@charges.output(OrderShown)
def confirm(order_id: str) -> dict[str, object]:
    """确认已当面收到余款，完成核销；重复确认结果相同。线上付款的订单自动核销，不能确认。"""
    clerk = current_clerk()
    order = redemptions.confirm_paid(
        order_id=order_id, merchant_id=clerk.merchant_id, clerk_id=clerk.id
    )
    return present_order(order)


@charges.post("/orders/<order_id:order_id>/cancel")
@charges.output(OrderShown)
def cancel(order_id: str) -> dict[str, object]:
    """取消未收款的订单，券立即退回顾客卡包。"""
    order = cancellations.cancel_by_merchant(
        order_id=order_id, merchant_id=current_clerk().merchant_id
    )
    return present_order(order)
