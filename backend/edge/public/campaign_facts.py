"""What the public may know of a campaign; the pages and the API show the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import structlog
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from backend.domain.campaigns import MODES_WITH_QUOTA
from backend.domain.errors import NotFound
from backend.edge.public import words
from backend.services import campaigns

if TYPE_CHECKING:
    from backend.storage.models.campaigns import Campaign

log = structlog.get_logger()


class DomainFacts(BaseModel):
    """发放领域。"""

    id: str
    name: str


class WindowFacts(BaseModel):
    """可以领取的时段：星期几（1 为周一）的 [claim_from, claim_until)。"""

    weekdays: list[int]
    claim_from: str
    claim_until: str


class TierFacts(BaseModel):
    """一个档级：满 threshold_fen 减 face_value_fen，共 count 份。金额单位分。"""

    position: int
    threshold_fen: int
    face_value_fen: int
    count: int
    left: Annotated[
        int | None,
        Field(
            description="现在可领的份数，按日投放的活动为当日剩余；"
            "null 表示未在发放，或暂时查不到，不代表已领完"
        ),
    ] = None

    @property
    def text(self) -> str:
        """The tier in words, as 满100减30."""
        return words.tier(self.threshold_fen, self.face_value_fen)

    @property
    def face_yuan(self) -> str:
        """The face value in yuan."""
        return words.yuan(self.face_value_fen)


class CampaignFacts(BaseModel):
    """一档活动。时间为北京时间，[opens_at, ends_at) 内可领。"""

    id: str
    name: str
    mode: Literal["claim", "instant", "subsidy", "entry"]
    state: Literal["approved", "running", "paused", "stopped", "ended"]
    phase: Annotated[
        words.Phase, Field(description="结合服务器时间判断：未开始、进行中、已暂停、已结束")
    ]
    opens_at: datetime
    ends_at: datetime
    domains: list[DomainFacts]
    area: Annotated[str | None, Field(description="只在此区域的商户可用；null 为不限")]
    use_from: Annotated[str | None, Field(description="每日可用时段的起点 HH:MM；null 为全天")]
    use_until: Annotated[str | None, Field(description="每日可用时段的终点（不含），可为 24:00")]
    daily_release: Annotated[int | None, Field(description="每日每档投放的份数；null 为不分日")]
    next_release_at: Annotated[datetime | None, Field(description="下一次投放的时刻；null 为没有")]
    claim_windows: Annotated[list[WindowFacts], Field(description="领取时段；空为不限")]
    claim_area: Annotated[str | None, Field(description="须在此区域内领取；null 为不限")]
    card_required: Annotated[bool, Field(description="须先绑定银联卡")]
    tiers: list[TierFacts]

    @property
    def phase_name(self) -> str:
        """The phase in words."""
        return words.PHASE_NAMES[self.phase]

    @property
    def mode_name(self) -> str:
        """The mode in words."""
        return words.MODE_NAMES[self.mode]

    @property
    def opens_text(self) -> str:
        """The opening in words."""
        return words.moment(self.opens_at)

    @property
    def ends_text(self) -> str:
        """The end in words."""
        return words.end(self.ends_at)

    @property
    def domains_text(self) -> str:
        """The domains in words."""
        return "、".join(domain.name for domain in self.domains)


def list_public(at: datetime) -> list[CampaignFacts]:
    """Return all campaigns the public may know, in the order of their opening; no drafts."""
    return [facts(row, at) for row in campaigns.list_all() if row.state != "draft"]


def one_public(campaign_id: str, at: datetime) -> CampaignFacts:
    """Return a campaign the public may know, with the units left; NotFound for any other."""
    found = [campaign for campaign in list_public(at) if campaign.id == campaign_id]
    if not found:
        raise NotFound(f"no public campaign {campaign_id}")
    fill_left(found)
    return found[0]


def facts(row: "Campaign", at: datetime) -> CampaignFacts:
    """Return what the public may know of a campaign at a time. `left` is not asked here."""
    return CampaignFacts.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "mode": row.mode,
            "state": row.state,
            "phase": words.phase(row.state, opens_at=row.opens_at, ends_at=row.ends_at, at=at),
            "opens_at": row.opens_at,
            "ends_at": row.ends_at,
            "domains": [{"id": domain.id, "name": domain.name} for domain in row.domains],
            "area": row.area,
            "use_from": _minute(row.use_from_minute),
            "use_until": _minute(row.use_until_minute),
            "daily_release": row.daily_release,
            "next_release_at": campaigns.next_release(row, at),
            "claim_windows": [
                {
                    "weekdays": window["weekdays"],
                    "claim_from": words.minute_of_day(window["from_minute"]),
                    "claim_until": words.minute_of_day(window["until_minute"]),
                }
                for window in row.claim_windows or ()
            ],
            "claim_area": row.claim_area["name"] if row.claim_area else None,
            "card_required": row.card_required or row.mode == "instant",
            "tiers": [
                {
                    "position": tier.position,
                    "threshold_fen": tier.threshold_fen,
                    "face_value_fen": tier.face_value_fen,
                    "count": tier.count,
                }
                for tier in row.tiers
            ],
        }
    )


def fill_left(found: Sequence[CampaignFacts]) -> None:
    """Fill in the units left of campaigns that give out vouchers; null where nobody can say.

    The first silence of Valkey ends the asking: a reader should not wait once per campaign.
    """
    for campaign in found:
        if (
            campaign.mode not in MODES_WITH_QUOTA
            or campaign.state not in campaigns.STATES_WITH_QUOTA
        ):
            continue
        try:
            left = campaigns.left(campaign.id)
        except RedisError as error:
            log.warning("left_unknown", error=type(error).__name__)
            return
        for tier in campaign.tiers:
            tier.left = left.get(tier.position)


def _minute(minute: int | None) -> str | None:
    return None if minute is None else words.minute_of_day(minute)
