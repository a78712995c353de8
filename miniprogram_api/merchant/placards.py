"""A shop's placard, to be shown or printed."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from backend.services import placards as service
from merchant_qr.sheet import Size
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import Query

placards = APIBlueprint("placards", __name__, tag="商户 merchant")


class Placard(BaseModel):
    """本店在用的码牌。"""

    merchant_id: str
    serial: int
    code: str
    url: str
    issued_at: datetime


class Print(Query):
    """打印的纸张大小。"""

    size: Size = "A5"


class Shop(BaseModel):
    """当前收银员和所在商户。"""

    clerk_id: int
    clerk_name: str
    merchant_id: str
    merchant_name: str


def _picture(content_type: str) -> Any:  # APIFlask types this parameter too narrowly
    content = {content_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": "码牌图片", "content": content}}


@placards.get("/me")
@placards.output(Shop)
def me() -> dict[str, object]:
    """查看自己是哪家店的收银员。"""
    clerk = current_clerk()
    return {
        "clerk_id": clerk.id,
        "clerk_name": clerk.name,
        "merchant_id": clerk.merchant_id,
        "merchant_name": clerk.merchant.name,
    }


@placards.get("/placard")
@placards.output(Placard)
def current() -> dict[str, object]:
    """本店在用的码牌。"""
    return asdict(service.current(current_clerk().merchant_id))


@placards.get("/placard.png")
@placards.doc(responses=_picture("image/png"))
def png() -> Response:
    """码牌二维码（PNG）。"""
    return Response(service.draw(current_clerk().merchant_id, "png"), mimetype="image/png")


@placards.get("/placard.svg")
@placards.doc(responses=_picture("image/svg+xml"))
def svg() -> Response:
    """码牌二维码（SVG）。"""
    return Response(service.draw(current_clerk().merchant_id, "svg"), mimetype="image/svg+xml")


@placards.get("/placard.pdf")
@placards.input(Print, location="query")
@placards.doc(responses=_picture("application/pdf"))
def pdf(query_data: Print) -> Response:
    """可打印的 A5 或 A6 码牌（PDF）。"""
    drawn = service.draw(current_clerk().merchant_id, "pdf", size=query_data.size)
    return Response(drawn, mimetype="application/pdf")
