"""The shop's code with the amount, which a resident scans."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from backend.edge.public.pages import document
from backend.services import amount_codes as service
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import AmountFen, Request, RequestId

amount_codes = APIBlueprint("amount_codes", __name__, tag="商户 merchant")


class AmountCodeOrder(Request):
    """顾客应付的消费金额（已减去商家让利和银行优惠）和请求号。"""

    order_amount_fen: AmountFen
    request_id: RequestId


class AmountCode(BaseModel):
    """金额码：5 分钟内有效，只能用一次。url 即二维码内容。"""

    number: int
    url: str
    order_amount_fen: int
    issued_at: datetime
    expires_at: datetime
    order_id: Annotated[str | None, Field(description="顾客扫码下的订单；null 为还没有下单")]


@amount_codes.post("/amount-codes")
@amount_codes.input(AmountCodeOrder)
@amount_codes.output(AmountCode, status_code=201)
def create(json_data: AmountCodeOrder) -> dict[str, object]:
    """出示金额码：顾客扫码即按此金额下单；同一请求号得到同一个码。"""
    clerk = current_clerk()
    shown = service.issue(
        merchant_id=clerk.merchant_id,
        clerk_id=clerk.id,
        order_amount_fen=json_data.order_amount_fen,
        request_id=json_data.request_id,
    )
    return asdict(shown)


@amount_codes.get("/amount-codes/<int:number>")
@amount_codes.output(AmountCode)
def get_one(number: int) -> dict[str, object]:
    """查看本店的一个金额码，及顾客是否已下单。"""
    return asdict(service.get(number, merchant_id=current_clerk().merchant_id))


@amount_codes.get("/amount-codes/<int:number>.svg")
@amount_codes.doc(responses=document("金额码二维码", "image/svg+xml"))
def svg(number: int) -> Response:
    """金额码二维码（SVG）。"""
    picture = service.draw(number, merchant_id=current_clerk().merchant_id)
    return Response(picture, mimetype="image/svg+xml")
