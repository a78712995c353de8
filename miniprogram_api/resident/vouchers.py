"""Claiming vouchers, and the wallet."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from backend.domain.claim_rules import Position
from backend.services import claims, receipts
from backend.services import vouchers as wallets
from miniprogram_api.session import current_resident
from miniprogram_api.shapes import Request, RequestId

vouchers = APIBlueprint("vouchers", __name__, tag="居民 resident")


class Claim(Request):
    """领哪一档，以及本次请求的号。"""

    tier_position: Annotated[int, Field(ge=1, le=99, description="档级，从1开始")]
    request_id: RequestId
    latitude: Annotated[
        float | None,
        Field(ge=-90, le=90, description="纬度（gcj02），只有限定领取区域的活动才需要；不保存"),
    ] = None
    longitude: Annotated[
        float | None,
        Field(ge=-180, le=180, description="经度（gcj02），与纬度同时提供；不保存"),
    ] = None

    ticket: Annotated[
        str | None,
        Field(
            pattern=r"^[!-~]{1,128}$",
            description="活动页给出的领券票，原样提交；每次领券用一张新的",
        ),
    ] = None

    @property
    def position(self) -> Position | None:
        """Where the phone says it is, or None when it does not say both."""
        if self.latitude is None or self.longitude is None:
            return None
        return Position(latitude=self.latitude, longitude=self.longitude)


class Receipt(Request):
    """领券时得到的领取凭证，原样提交。"""

    receipt: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{32,128}$")]


class ClaimedVoucher(BaseModel):
    """领到的券。replayed 表示同一请求此前已成功，券是同一张。"""

    voucher_id: int
    campaign_id: str
    campaign_name: str
    tier_position: int
    threshold_fen: int
    face_value_fen: int
    claimed_at: datetime
    valid_from: datetime
    valid_until: datetime
    replayed: bool
    receipt: Annotated[
        str, Field(description="领取凭证：请保存在手机中，万一系统丢失数据，凭它找回这张券")
    ]


class WalletVoucher(BaseModel):
    """卡包里的一张券；valid_until 为开区间，到该时刻即过期。"""

    voucher_id: int
    campaign_id: str
    campaign_name: str
    threshold_fen: int
    face_value_fen: int
    claimed_at: datetime
    valid_from: datetime
    valid_until: datetime
    status: Literal["unused", "locked", "used", "expired"]


class Wallet(BaseModel):
    """complete 为 false 时，刚领到的券可能稍后才显示，不会丢失。"""

    vouchers: list[WalletVoucher]
    complete: bool


@vouchers.post("/campaigns/<campaign_id:campaign_id>/claims")
@vouchers.input(Claim)
@vouchers.output(ClaimedVoucher, status_code=201)
def claim(campaign_id: str, json_data: Claim) -> dict[str, object]:
    """领券：同一请求号重试得到同一张券。"""
    claimed = claims.claim_voucher(
        campaign_id=campaign_id,
        tier_position=json_data.tier_position,
        resident_id=current_resident().id,
        request_id=json_data.request_id,
        position=json_data.position,
        ticket=json_data.ticket,
        address=request.remote_addr or "",
    )
    return asdict(claimed)


@vouchers.post("/receipts")
@vouchers.input(Receipt)
@vouchers.output(ClaimedVoucher)
def honour_receipt(json_data: Receipt) -> dict[str, object]:
    """凭领取凭证找回丢失的券：重复提交得到同一张券。"""
    return asdict(receipts.honour(json_data.receipt, resident_id=current_resident().id))


@vouchers.get("/vouchers")
@vouchers.output(Wallet)
def wallet() -> dict[str, object]:
    """卡包：可用的在前，快到期的在前。"""
    return asdict(wallets.wallet(current_resident().id))


@vouchers.get("/vouchers/<int(max=9007199254740991):voucher_id>")
@vouchers.output(WalletVoucher)
def voucher(voucher_id: int) -> dict[str, object]:
    """查看一张自己的券。"""
    return asdict(wallets.get(current_resident().id, voucher_id))
