"""The redemption list of a shop (核销记录)."""

import datetime as dt
from dataclasses import asdict
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from backend import clock
from backend.services import redemptions as service
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import Day, Digits, Query

redemptions = APIBlueprint("redemptions", __name__, tag="商户 merchant")


class DayQuery(Query):
    """哪一天（默认今天）、哪位收银员（默认全部）、第几页。"""

    day: Day | None = None
    clerk_id: Annotated[int, Field(ge=1, le=2_147_483_647), Digits] | None = None
    page: Annotated[int, Field(ge=1, le=100_000), Digits] = 1
    page_size: Annotated[int, Field(ge=1, le=100), Digits] = 20


class RedemptionShown(BaseModel):
    """一笔核销。"""

    redemption_id: str
    voucher_id: int
    campaign_id: str
    clerk_id: int | None  # 空：居民用手机付款
    clerk_name: str | None
    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    redeemed_at: dt.datetime


class Totals(BaseModel):
    """所选条件下全部页的合计。"""

    count: int
    order_amount_fen: int
    discount_fen: int
    payable_fen: int


class RedemptionList(BaseModel):
    """一天的核销记录，最新的在前。"""

    day: dt.date
    page: int
    page_size: int
    totals: Totals
    redemptions: list[RedemptionShown]


@redemptions.get("/redemptions")
@redemptions.input(DayQuery, location="query")
@redemptions.output(RedemptionList)
def list_day(query_data: DayQuery) -> dict[str, object]:
    """核销记录：按日、按收银员筛选，带当日合计。"""
    day = query_data.day or clock.today()
    rows, totals = service.of_day(
        merchant_id=current_clerk().merchant_id,
        day=day,
        clerk_id=query_data.clerk_id,
        page=query_data.page,
        page_size=query_data.page_size,
    )
    return {
        "day": day,
        "page": query_data.page,
        "page_size": query_data.page_size,
        "totals": asdict(totals),
        "redemptions": [
            {
                "redemption_id": row.id,
                "voucher_id": row.voucher_id,
                "campaign_id": row.campaign_id,
                "clerk_id": row.clerk_id,
                "clerk_name": row.clerk.name if row.clerk else None,
                "order_amount_fen": row.order_amount_fen,
                "discount_fen": row.discount_fen,
                "payable_fen": row.payable_fen,
                "redeemed_at": row.redeemed_at,
            }
            for row in rows
        ],
    }
