"""Whose placard was scanned."""

from apiflask import APIBlueprint
from pydantic import BaseModel

from backend.services import merchants as service
from miniprogram_api.resident.orders import PlacardText
from miniprogram_api.session import current_resident
from miniprogram_api.shapes import Query

merchants = APIBlueprint("resident_merchants", __name__, tag="居民 resident")


class ScannedPlacard(Query):
    """扫到的链接或码牌号。"""

    placard: PlacardText


class ScannedMerchant(BaseModel):
    """码牌所属商户，请与店名核对。"""

    merchant_id: str
    name: str
    domain_id: str
    domain_name: str
    area: str | None


@merchants.get("/scanned-merchant")
@merchants.input(ScannedPlacard, location="query")
@merchants.output(ScannedMerchant)
def scanned(query_data: ScannedPlacard) -> dict[str, object]:
    """识别码牌：伪造、停用或不在名单内的都会说明原因。"""
    current_resident()
    merchant = service.scanned(query_data.placard)
    return {
        "merchant_id": merchant.id,
        "name": merchant.name,
        "domain_id": merchant.domain_id,
        "domain_name": merchant.domain.name,
        "area": merchant.area,
    }
