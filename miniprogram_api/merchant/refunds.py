"""Giving money back at a shop: refunds of goods, and reversals of today's mistakes."""

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from backend.services import refunds as service
from backend.services import reversals
from backend.services.refunds import Goods
from miniprogram_api.presenters import (
    OrderShown,
    RefundShown,
    present_order,
    present_refund,
)
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import AmountFen, Request

refunds = APIBlueprint("refunds", __name__, tag="商户 merchant")

RefundNumber = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z_-]{8,64}$",
        description="收银台生成的退款单号；重试须用同一号，结果相同",
    ),
]
Reason = Annotated[
    str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$", description="原因，写入记录，不要写个人信息")
]


class RefundBody(Request):
    """退货的价值（按消费金额计，部分或全部）、退款单号和原因。顾客应得多少由服务器计算。"""

    refund_number: RefundNumber
    refund_amount_fen: AmountFen
    reason: Reason


class ReversalBody(Request):
    """冲正原因。只能整笔冲正当天的核销。"""

    reason: Reason


class RefundList(BaseModel):
    """一笔核销的全部退款，最早的在前；left_fen 是还能退的价值。"""

    redemption_id: str
    order_amount_fen: int
    refunded_fen: int
    left_fen: int
    refunds: list[RefundShown]


@refunds.post("/redemptions/<order_id:redemption_id>/refunds")
@refunds.input(RefundBody)
@refunds.output(RefundShown, status_code=201)
def refund(redemption_id: str, json_data: RefundBody) -> dict[str, object]:
    """退款：顾客退货，按付款比例退还顾客，其余补贴退回活动。

    线上付款的原路退回；当面收款的由商户把 customer_fen 当面退给顾客。
    """
    clerk = current_clerk()
    made = service.refund_at_merchant(
        redemption_id=redemption_id,
        merchant_id=clerk.merchant_id,
        clerk_id=clerk.id,
        goods=Goods(
            number=json_data.refund_number,
            refund_amount_fen=json_data.refund_amount_fen,
            reason=json_data.reason,
        ),
    )
    return present_refund(made)


@refunds.get("/redemptions/<order_id:redemption_id>/refunds")
@refunds.output(RefundList)
def list_refunds(redemption_id: str) -> dict[str, object]:
    """一笔核销的退款记录。"""
    order, found = service.of_redemption(
        redemption_id=redemption_id, merchant_id=current_clerk().merchant_id
    )
    return {
        "redemption_id": order.id,
        "order_amount_fen": order.order_amount_fen,
        "refunded_fen": order.refunded_fen,
        "left_fen": order.order_amount_fen - order.refunded_fen,
        "refunds": [present_refund(one) for one in found],
    }


@refunds.post("/redemptions/<order_id:redemption_id>/reversal")
@refunds.input(ReversalBody)
@refunds.output(OrderShown)
def reverse(redemption_id: str, json_data: ReversalBody) -> dict[str, object]:
    """冲正：撤销当天误做的核销，券退回顾客卡包，顾客付的钱退还。"""
    clerk = current_clerk()
    order = reversals.reverse_at_merchant(
        redemption_id=redemption_id,
        merchant_id=clerk.merchant_id,
        clerk_id=clerk.id,
        reason=json_data.reason,
    )
    return present_order(order)
