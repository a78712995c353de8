"""A campaign's page: what there is to claim, what the resident holds, and his ticket."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from backend import clock
from backend.edge.public import campaign_facts
from backend.edge.public.campaign_facts import CampaignFacts
from backend.services import tickets
from backend.services import vouchers as wallets
from miniprogram_api.resident.vouchers import WalletVoucher
from miniprogram_api.session import current_resident

resident_campaigns = APIBlueprint("resident_campaigns", __name__, tag="居民 resident")


class CampaignPage(BaseModel):
    """活动页：活动与各档剩余、本人已领的券、本次领券用的票，以及服务器时间。"""

    campaign: CampaignFacts
    held: Annotated[list[WalletVoucher], Field(description="本人在本场活动领到的券")]
    held_complete: Annotated[
        bool, Field(description="为 false 时，刚领到的券可能稍后才显示，不会丢失")
    ]
    ticket: Annotated[
        str, Field(description="领券票：领券时原样提交；一张票领一次，再领前请刷新本页")
    ]
    ticket_expires_at: Annotated[datetime, Field(description="到该时刻请刷新本页换票")]
    now: datetime
    now_ms: Annotated[int, Field(description="服务器时间，倒计时以此为准")]


@resident_campaigns.get("/campaigns/<campaign_id:campaign_id>")
@resident_campaigns.output(CampaignPage)
def page(campaign_id: str) -> dict[str, object]:
    """活动页：登录后查看，附领券票。"""
    resident_id = current_resident().id
    campaign = campaign_facts.one_public(campaign_id, clock.now())
    wallet = wallets.wallet(resident_id)
    ticket = tickets.issue(campaign_id=campaign.id, resident_id=resident_id)
    now_ms = clock.now_ms()
    return {
        "campaign": campaign,
        "held": [asdict(v) for v in wallet.vouchers if v.campaign_id == campaign.id],
        "held_complete": wallet.complete,
        "ticket": ticket.text,
        "ticket_expires_at": ticket.expires_at,
        "now": clock.from_ms(now_ms),
        "now_ms": now_ms,
    }
