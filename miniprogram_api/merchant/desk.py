"""The phone's side of a desk: the number that opens one, and where it is open."""

from dataclasses import asdict
from datetime import datetime

from apiflask import APIBlueprint
from pydantic import BaseModel

from backend.services import desk_sessions as service
from miniprogram_api.session import current_clerk

desk = APIBlueprint("desk_opening", __name__, tag="商户 merchant")


class DeskCode(BaseModel):
    """八位登录数字，两分钟内有效、只能用一次；同时画成二维码或条形码，供扫码枪扫。"""

    number: str
    expires_at: datetime


class DeskShown(BaseModel):
    """一台已登录的收银台。"""

    desk_id: int
    clerk_id: int
    clerk_name: str
    address: str
    browser: str
    opened_at: datetime
    seen_at: datetime


class DeskList(BaseModel):
    """已登录的收银台，最近的在前；店主看全店的，收银员看自己的。"""

    desks: list[DeskShown]


@desk.post("/desk-codes")
@desk.output(DeskCode, status_code=201)
def issue() -> dict[str, object]:
    """获取登录数字：在收银电脑的登录页输入或扫入，新的使旧的作废。"""
    return asdict(service.issue(current_clerk().id))


@desk.get("/desks")
@desk.output(DeskList)
def list_open() -> dict[str, object]:
    """查看已登录的收银台。"""
    return {
        "desks": [
            {
                "desk_id": row.id,
                "clerk_id": row.clerk_id,
                "clerk_name": row.clerk.name,
                "address": row.address,
                "browser": row.browser,
                "opened_at": row.created_at,
                "seen_at": row.seen_at,
            }
            for row in service.list_live(current_clerk())
        ]
    }


@desk.post("/desks/<int:desk_id>/end")
@desk.output({}, status_code=204)
def end(desk_id: int) -> str:
    """让一台收银台退出登录；重复操作结果相同。"""
    service.end(desk_id, clerk=current_clerk())
    return ""
