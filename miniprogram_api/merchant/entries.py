"""The gate of a scenic spot (免首道门票): record an entry by the visitor's payment code."""

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from backend.services import entries as service
from miniprogram_api.merchant.charges import ScannedText
from miniprogram_api.presenters import EntryList, EntryShown, present_entry
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import Request, RequestId

entries = APIBlueprint("entries", __name__, tag="商户 merchant")

Reason = Annotated[
    str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$", description="原因，写给复核的人看")
]


class GateEntry(Request):
    """游客的付款码和请求号；本就免票的人（如老人、军人）只登记、不计。"""

    payment_code: ScannedText
    request_id: RequestId
    already_free: Annotated[bool, Field(description="本就免票，不占用免票资金")] = False


class EntryUndoing(Request):
    """撤销的原因。"""

    reason: Reason


@entries.post("/entries")
@entries.input(GateEntry)
@entries.output(EntryShown, status_code=201)
def record(json_data: GateEntry) -> dict[str, object]:
    """免票入园：扫游客付款码登记，每人每自然月按活动规定的次数。"""
    clerk = current_clerk()
    entry = service.record(
        clerk_id=clerk.id,
        merchant_id=clerk.merchant_id,
        request_id=json_data.request_id,
        code=json_data.payment_code,
        already_free=json_data.already_free,
    )
    return present_entry(entry)


@entries.get("/entries")
@entries.output(EntryList)
def list_today() -> dict[str, object]:
    """今天登记的入园，最新的在前。"""
    found = service.list_of_today(current_clerk().merchant_id)
    return {"entries": [present_entry(entry) for entry in found]}


@entries.post("/entries/<order_id:entry_id>/undo")
@entries.input(EntryUndoing)
@entries.output(EntryShown)
def undo(entry_id: str, json_data: EntryUndoing) -> dict[str, object]:
    """撤销今天登记错的入园：金额退回活动，该游客本月可再登记。"""
    clerk = current_clerk()
    entry = service.undo(
        entry_id=entry_id,
        reason=json_data.reason,
        actor=f"clerk:{clerk.id}",
        merchant_id=clerk.merchant_id,
    )
    return present_entry(entry)
