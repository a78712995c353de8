"""Whose placard or amount code was scanned."""

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from backend.services import amount_codes as service
from miniprogram_api.resident.orders import PlacardText
from miniprogram_api.session import current_resident
from miniprogram_api.shapes import Query

merchants = APIBlueprint("resident_merchants", __name__, tag="居民 resident")


class ScannedPlacard(Query):
    """扫到的链接、码牌号或金额码。"""

    placard: PlacardText


class ScannedMerchant(BaseModel):
    """码所属商户，请与店名核对。"""

    merchant_id: str
    name: str
    domain_id: str
    domain_name: str
    area: str | None
    order_amount_fen: Annotated[
        int | None, Field(description="金额码上的消费金额，单位分；码牌为 null，由居民输入")
    ]


@merchants.get("/scanned-merchant")
@merchants.input(ScannedPlacard, location="query")
@merchants.output(ScannedMerchant)
def scanned(query_data: ScannedPlacard) -> dict[str, object]:
    """识别码牌或金额码：伪造、停用、过期、用过或商户不在名单内的都会说明原因。"""
    current_resident()
    merchant, said = service.scanned(query_data.placard)
    return {
        "merchant_id": merchant.id,
        "name": merchant.name,
        "domain_id": merchant.domain_id,
        "domain_name": merchant.domain.name,
        "area": merchant.area,
        "order_amount_fen": said.order_amount_fen if said else None,
    }
