"""Paying at a placard or by an amount code: quote, order, and following it to its end."""

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from backend.services import cancellations, order_readings, orders, quotes
from backend.services.orders import Amounts
from miniprogram_api.presenters import (
    OrderList,
    OrderShown,
    QuoteShown,
    present_order,
    present_quote,
)
from miniprogram_api.session import current_resident
from miniprogram_api.shapes import AmountFen, Request, RequestId

resident_orders = APIBlueprint("resident_orders", __name__, tag="居民 resident")

PlacardText = Annotated[
    str,
    Field(
        # Whatever a phone may read: a code of another system is refused by its name.
        pattern=r"^[^\x00-\x1f\x7f]{1,512}$",
        description="扫码得到的整条内容，或其中的码牌号、金额码",
    ),
]


ScannedAmount = Annotated[
    AmountFen | None,
    Field(description="消费金额，单位分；扫金额码时可不填，填了须与码上相同"),
]


class PlacardQuote(Request):
    """扫到的码牌和消费金额，或商户出示的金额码。"""

    placard: PlacardText
    order_amount_fen: ScannedAmount = None


class PlacardOrder(Request):
    """扫到的码牌和消费金额，或商户出示的金额码；另加请求号。优惠由服务器计算。"""

    placard: PlacardText
    order_amount_fen: ScannedAmount = None
    request_id: RequestId


@resident_orders.post("/quotes")
@resident_orders.input(PlacardQuote)
@resident_orders.output(QuoteShown)
def quote(json_data: PlacardQuote) -> dict[str, object]:
    """试算：能用哪张券、付多少、其他券为什么不能用。"""
    found = quotes.at_placard(
        resident_id=current_resident().id,
        placard_code=json_data.placard,
        order_amount_fen=json_data.order_amount_fen,
    )
    return present_quote(found)


@resident_orders.post("/orders")
@resident_orders.input(PlacardOrder)
@resident_orders.output(OrderShown, status_code=201)
def create(json_data: PlacardOrder) -> dict[str, object]:
    """下单：锁定优惠最大的券；向收银员付余款，或按 payment 线上付款后即完成。"""
    told_fen = json_data.order_amount_fen
    order = orders.create_at_placard(
        resident_id=current_resident().id,
        request_id=json_data.request_id,
        placard_code=json_data.placard,
        amounts=Amounts(order_amount_fen=told_fen) if told_fen else None,
        wechat_user_id=current_resident().wechat_user_id,
    )
    return present_order(order, for_payer=True)


@resident_orders.get("/orders")
@resident_orders.output(OrderList)
def list_own() -> dict[str, object]:
    """我的订单。"""
    found = order_readings.list_of_resident(current_resident().id)
    return {"orders": [present_order(order, for_payer=True) for order in found]}


@resident_orders.get("/orders/<order_id:order_id>")
@resident_orders.output(OrderShown)
def get_own(order_id: str) -> dict[str, object]:
    """查看一笔自己的订单。"""
    order = order_readings.get_of_resident(order_id, current_resident().id)
    return present_order(order, for_payer=True)


@resident_orders.post("/orders/<order_id:order_id>/cancel")
@resident_orders.output(OrderShown)
def cancel(order_id: str) -> dict[str, object]:
    """取消未付款的订单，券立即退回卡包。"""
    order = cancellations.cancel_by_resident(order_id=order_id, resident_id=current_resident().id)
    return present_order(order)
