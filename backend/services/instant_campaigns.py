"""The instant campaigns (刷卡满减) that run, in memory: an order asks about them each time."""

from dataclasses import dataclass

from sqlalchemy import select

from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.vouchers import SERIALS_PER_TIER, Voucher
from backend.extensions import db
from backend.services.snapshots import Snapshots
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.queries import campaigns as queries


@dataclass(frozen=True, kw_only=True)
class InstantCampaign:
    """A running instant campaign: the terms of its quota, and where and when it may be used.

    :param per_merchant_per_day: a person's subsidies at one merchant on one day
    """

    terms: CampaignTerms
    domain_ids: frozenset[str]
    area: str | None
    use_minutes: tuple[int, int] | None
    per_merchant_per_day: int

    def facts(self, tier: TierTerms, *, voucher_id: int | None = None) -> Voucher:
        """Return a tier, or the unit of it that was taken, as the choice of a subsidy sees it.

        It counts to the end of its campaign, which is when the offer itself ends.
        """
        return Voucher(
            id=voucher_id or tier.id * SERIALS_PER_TIER,
            kind="instant",
            threshold_fen=tier.threshold_fen,
            face_value_fen=tier.face_value_fen,
            valid_from=self.terms.opens_at,
            valid_until=self.terms.ends_at,
            status="unused",
            campaign_id=self.terms.id,
            campaign_name=self.terms.name,
            domain_ids=self.domain_ids,
            area=self.area,
            use_minutes=self.use_minutes,
            card_required=True,
        )


def _read(_all: str) -> tuple[InstantCampaign, ...]:
    return tuple(
        InstantCampaign(
            terms=queries.terms_of(row),
            domain_ids=frozenset(domain.id for domain in row.domains),
            area=row.area,
            use_minutes=queries.use_minutes(row),
            per_merchant_per_day=row.per_person_per_merchant_per_day,
        )
        for row in queries.list_campaigns(db.session(), ("running",))
        if row.mode == "instant"
    )


ALL = "all"  # the only key: a year has a handful
SNAPSHOTS: Snapshots[str, tuple[InstantCampaign, ...]] = Snapshots(_read)
_kinds: dict[int, bool] = {}  # by tier id: a campaign's mode never changes


def running() -> tuple[InstantCampaign, ...]:
    """Return the instant campaigns that run, at most a second old."""
    return SNAPSHOTS.get(ALL)


def is_unit(voucher_id: int) -> bool:
    """Whether a voucher's number is that of a unit taken off at the till."""
    tier_id = voucher_id // SERIALS_PER_TIER
    if tier_id not in _kinds:
        mode = db.session.scalar(
            select(Campaign.mode)
            .join(Tier, Tier.campaign_id == Campaign.id)
            .where(Tier.id == tier_id)
        )
        _kinds[tier_id] = mode == "instant"
    return _kinds[tier_id]


def forget() -> None:
    """Read everything anew at the next order."""
    SNAPSHOTS.forget()
    _kinds.clear()
