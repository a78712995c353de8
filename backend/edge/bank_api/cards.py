"""Card notices: a card was bound or unbound in the bank's own app."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from backend.edge.bank_api.discounts import CardToken
from backend.edge.bank_api.signature import current_partner
from backend.edge.shapes import Request, RequestId
from backend.services import partner_cards

blueprint = APIBlueprint("bank_cards", __name__, tag="银行 bank")


class CardNotice(Request):
    """在银行 App 中绑定（bind）或解绑（unbind）了一张卡；晚到的旧通知不改变现状。"""

    request_number: RequestId
    act: Annotated[str, Field(pattern=r"^(bind|unbind)$")]
    phone: Annotated[str, Field(pattern=r"^1[3-9][0-9]{9}$", description="持卡人的手机号")]
    card_token: CardToken
    last4: Annotated[str, Field(pattern=r"^[0-9]{4}$", description="卡号末四位")]
    happened_at_s: Annotated[
        int,
        Field(ge=1_600_000_000, le=4_102_444_800, description="发生时间，自 1970 年起的秒数"),
    ]


class CardNoticeShown(BaseModel):
    """已记下。"""

    request_number: str
    act: Literal["bind", "unbind"]
    last4: str


@blueprint.post("/cards/notices")
@blueprint.input(CardNotice)
@blueprint.output(CardNoticeShown)
def take(json_data: CardNotice) -> dict[str, object]:
    """绑卡、解绑通知：手机号须已在小程序登记，否则 404。"""
    return partner_cards.take(
        partner_id=current_partner().partner_id,
        request_number=json_data.request_number,
        act="bind" if json_data.act == "bind" else "unbind",
        phone=json_data.phone,
        card_token=json_data.card_token,
        last4=json_data.last4,
        happened_at=datetime.fromtimestamp(json_data.happened_at_s, UTC),
    )
