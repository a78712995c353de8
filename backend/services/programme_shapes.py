"""The shape of a programme file: which keys it has, of which type, and what they become.

Amounts in the file are whole yuan, dates are days in China. Rules between values are the domain's.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from backend.domain.claim_rules import ClaimArea, ClaimWindow
from backend.domain.payments import ProviderName
from backend.domain.programmes import (
    COMPLAINT_ANSWER_DAYS,
    HOTLINE,
    Campaign,
    Defaults,
    Domain,
    Fund,
    Merchant,
    MerchantStatus,
    Mode,
    Partners,
    Programme,
    Quarter,
    QuarterName,
    RefundPolicy,
    ReturnTarget,
    Tier,
)
from backend.services.programme_values import (
    Centre,
    FirstDay,
    Hours,
    LastDay,
    Minute,
    MinuteOfDay,
    said,
)

_FEN_PER_YUAN = 100


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HeadShape(_Shape):
    id: str
    name: str
    timezone: str
    total: int
    lead_office: str
    hotline: str = HOTLINE
    complaint_answer_days: int = COMPLAINT_ANSWER_DAYS


class FundShape(_Shape):
    id: str
    name: str
    amount: int
    lead_office: str | None = None
    quarter_ceilings: dict[QuarterName, int] = {}
    quarter_floors: dict[QuarterName, int] = {}

    @field_validator("quarter_floors")
    @classmethod
    def _floors_have_ceilings(
        cls, floors: dict[QuarterName, int], info: ValidationInfo
    ) -> dict[QuarterName, int]:
        # A floor without its ceiling would have no quarter to stand in, and be lost.
        if (
            "quarter_ceilings" in info.data
            and not floors.keys() <= info.data["quarter_ceilings"].keys()
        ):
            raise said("每个写了下限的季度，都须在 quarter_ceilings 里写上限")
        return floors

    def to_fund(self) -> Fund:
        quarters = tuple(
            Quarter(
                name=name,
                ceiling_fen=ceiling * _FEN_PER_YUAN,
                floor_fen=self.quarter_floors.get(name, 0) * _FEN_PER_YUAN,
            )
            for name, ceiling in sorted(self.quarter_ceilings.items())
        )
        return Fund(
            id=self.id,
            name=self.name,
            amount_fen=self.amount * _FEN_PER_YUAN,
            lead_office=self.lead_office,
            quarters=quarters,
        )


class DomainShape(_Shape):
    id: str
    name: str


class ValidityShape(_Shape):
    days: int
    claim_day_counts: bool


class PersonLimitShape(_Shape):
    per_natural_month: int


class TierShape(_Shape):
    threshold: int
    face: int
    count: int


class WindowShape(_Shape):
    weekdays: list[int] = [1, 2, 3, 4, 5, 6, 7]
    hours: Hours

    def to_window(self) -> ClaimWindow:
        return ClaimWindow(
            weekdays=tuple(self.weekdays), from_minute=self.hours[0], until_minute=self.hours[1]
        )


class AreaShape(_Shape):
    name: str
    centre: Centre
    radius_m: int

    def to_area(self) -> ClaimArea:
        return ClaimArea(
            name=self.name,
            latitude_e6=self.centre[0],
            longitude_e6=self.centre[1],
            radius_m=self.radius_m,
        )


class DefaultsShape(_Shape):
    subsidies_per_payment: int
    per_person_per_tier: int
    per_person_per_merchant_per_day: int
    on_full_refund: RefundPolicy
    returned_money_goes_to: ReturnTarget
    payment_code_ttl_s: int
    voucher_lock_ttl_s: int


class CampaignShape(_Shape):
    id: str
    name: str
    mode: Mode  # before the two that it decides between
    claim_opens: Minute | None = Field(default=None, validate_default=True)
    starts: FirstDay | None = Field(default=None, validate_default=True)
    ends: LastDay
    fund: str
    quarter: QuarterName | None = None
    domains: list[str]
    tiers: list[TierShape]
    amount: int
    validity: ValidityShape | None = None
    one_tier_per_day: bool = False
    per_person_per_tier: int | None = None
    per_person: int | None = None
    per_person_per_day: int | None = None
    per_person_per_merchant_per_day: int | None = None
    person_limit: PersonLimitShape | None = None
    daily_release: int | None = None
    carry_over: bool = False
    recycle_expired: bool = False
    card_required: bool = False
    release_at: MinuteOfDay | None = None
    claim_windows: list[WindowShape] = []
    claim_area: AreaShape | None = None
    area: str | None = None
    hours: Hours | None = None
    evidence: list[str] = []
    merchant: str | None = None
    payment_provider: ProviderName | None = None
    on_full_refund: RefundPolicy | None = None

    @field_validator("claim_opens", "starts")
    @classmethod
    def _opens_as_the_mode_says(
        cls, value: datetime | None, info: ValidationInfo
    ) -> datetime | None:
        """Leave exactly one of the two: a claim opens at an hour, all else with its first day."""
        if "mode" not in info.data:
            return value
        wanted = "claim_opens" if info.data["mode"] == "claim" else "starts"
        if info.field_name == wanted and value is None:
            raise said(
                f"须写明{'开始领券的时刻' if wanted == 'claim_opens' else '开始日期'} {wanted}"
            )
        if info.field_name != wanted and value is not None:
            raise said(f"这一类活动（mode: {info.data['mode']}）的开始请写 {wanted}")
        return value

    def to_campaign(self, defaults: DefaultsShape) -> Campaign:
        return Campaign(
            id=self.id,
            name=self.name,
            mode=self.mode,
            fund_id=self.fund,
            quarter=self.quarter,
            domain_ids=tuple(self.domains),
            opens_at=next(at for at in (self.claim_opens, self.starts) if at is not None),
            ends_at=self.ends,
            validity_days=self.validity.days if self.validity else None,
            claim_day_counts=self.validity.claim_day_counts if self.validity else None,
            tiers=tuple(
                Tier(
                    position=position,
                    threshold_fen=tier.threshold * _FEN_PER_YUAN,
                    face_value_fen=tier.face * _FEN_PER_YUAN,
                    count=tier.count,
                )
                for position, tier in enumerate(self.tiers, start=1)
            ),
            amount_fen=self.amount * _FEN_PER_YUAN,
            one_tier_per_day=self.one_tier_per_day,
            per_person_per_tier=_own(self.per_person_per_tier, defaults.per_person_per_tier),
            per_person=self.per_person,
            per_person_per_day=self.per_person_per_day,
            per_person_per_merchant_per_day=_own(
                self.per_person_per_merchant_per_day, defaults.per_person_per_merchant_per_day
            ),
            person_per_natural_month=(
                self.person_limit.per_natural_month if self.person_limit else None
            ),
            daily_release=self.daily_release,
            carry_over=self.carry_over,
            recycle_expired=self.recycle_expired,
            card_required=self.card_required,
            release_minute=self.release_at,
            claim_windows=tuple(window.to_window() for window in self.claim_windows),
            claim_area=self.claim_area.to_area() if self.claim_area else None,
            area=self.area,
            hours=self.hours,
            evidence=tuple(self.evidence),
            merchant_id=self.merchant,
            payment_provider=self.payment_provider,
            on_full_refund=self.on_full_refund or defaults.on_full_refund,
        )


class MerchantShape(_Shape):
    id: str
    name: str
    domain: str
    status: MerchantStatus
    area: str | None = None
    uscc: str | None = None
    merchant_number: str | None = None


class PartnersShape(_Shape):
    bank: str
    superior_bank: str
    network: str


class FileShape(_Shape):
    programme: HeadShape
    funds: list[FundShape]
    domains: list[DomainShape]
    campaigns: list[CampaignShape]
    merchants: list[MerchantShape]
    partners: PartnersShape
    defaults: DefaultsShape

    def to_programme(self) -> Programme:
        """Return the same in fen and China time; the domain's rules are not checked here."""
        head = self.programme
        return Programme(
            id=head.id,
            name=head.name,
            timezone=head.timezone,
            total_fen=head.total * _FEN_PER_YUAN,
            lead_office=head.lead_office,
            hotline=head.hotline,
            complaint_answer_days=head.complaint_answer_days,
            funds=tuple(fund.to_fund() for fund in self.funds),
            domains=tuple(Domain(id=domain.id, name=domain.name) for domain in self.domains),
            campaigns=tuple(campaign.to_campaign(self.defaults) for campaign in self.campaigns),
            merchants=tuple(
                Merchant(domain_id=m.domain, **m.model_dump(exclude={"domain"}))
                for m in self.merchants
            ),
            partners=Partners(**self.partners.model_dump()),
            defaults=Defaults(**self.defaults.model_dump()),
        )


def _own(own: int | None, default: int) -> int:
    """The campaign's own limit, also when it is a (faulty) 0."""
    return default if own is None else own
