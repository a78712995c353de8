"""What must hold within one campaign, whatever programme it belongs to."""

from collections.abc import Iterator, Sequence

from backend.domain.china import CHINA
from backend.domain.claim_rules import ClaimArea, ClaimWindow
from backend.domain.money import yuan_text
from backend.domain.programme_fields import (
    EVIDENCE_CODE,
    Path,
    amount_faults,
    form_faults,
    range_faults,
    text_faults,
)
from backend.domain.programmes import Campaign, Defaults, Fault, Tier

COUNT = range(1, 10_000_000)
VALIDITY_DAYS = range(1, 367)
MINUTES_OF_A_DAY = 1440
RADIUS_M = range(20, 100_001)  # a phone is often wrong by 20 m


def campaign_faults(path: Path, campaign: Campaign, defaults: Defaults) -> Iterator[Fault]:
    """Yield what is wrong with the campaign at `path`; what it takes from the defaults is not."""
    yield from amount_faults((*path, "amount"), campaign.amount_fen)
    yield from _time_faults(path, campaign)
    yield from _claim_rule_faults(path, campaign)
    yield from _validity_faults((*path, "validity"), campaign)
    yield from _evidence_faults((*path, "evidence"), campaign)
    yield from _limit_faults(path, campaign, defaults)
    if campaign.mode == "entry" and campaign.merchant_id is None:
        yield Fault(path=(*path, "merchant"), reason="门票活动须写明景区商户 merchant")
    yield from _tiers_faults((*path, "tiers"), campaign)
    tiers_fen = sum(tier.amount_fen for tier in campaign.tiers)
    if campaign.tiers and tiers_fen != campaign.amount_fen:
        yield Fault(
            path=(*path, "amount"),
            reason=f"各档面额×份数合计 {yuan_text(tiers_fen)} 元，"
            f"与活动金额 {yuan_text(campaign.amount_fen)} 元不相等",
        )


def _time_faults(path: Path, campaign: Campaign) -> Iterator[Fault]:
    if campaign.opens_at >= campaign.ends_at:
        yield Fault(path=(*path, "ends"), reason="结束日期不能早于开始日期")
    opens_in = f"Q{(campaign.opens_at.astimezone(CHINA).month + 2) // 3}"
    if campaign.quarter is not None and opens_in != campaign.quarter:
        yield Fault(
            path=(*path, "claim_opens" if campaign.mode == "claim" else "starts"),
            reason=f"开始时间在 {opens_in}，与所写季度 {campaign.quarter} 不一致",
        )
    if campaign.hours is not None:
        start_minute, end_minute = campaign.hours
        if not 0 <= start_minute < end_minute <= MINUTES_OF_A_DAY:
            reason = "时段的开始须早于结束，最晚到 24:00，不能跨零点"
            yield Fault(path=(*path, "hours"), reason=reason)


def _claim_rule_faults(path: Path, campaign: Campaign) -> Iterator[Fault]:
    """Release, windows and area of the claim: they bind where something is claimed."""
    if campaign.release_minute is not None and campaign.daily_release is None:
        yield Fault(path=(*path, "release_at"), reason="没有写每日投放量 daily_release，请删去")
    if campaign.mode != "claim":
        for key, value in (
            ("claim_windows", campaign.claim_windows),
            ("claim_area", campaign.claim_area),
            ("recycle_expired", campaign.recycle_expired),
        ):
            if value:
                reason = "只有领券活动才有领取时段、领取区域和过期回收，请删去"
                yield Fault(path=(*path, key), reason=reason)
        if campaign.card_required:
            reason = "领券活动才写是否须绑卡，刷卡满减本来就须绑卡，请删去"
            yield Fault(path=(*path, "card_required"), reason=reason)
    yield from _window_faults((*path, "claim_windows"), campaign.claim_windows)
    if campaign.claim_area is not None:
        yield from _area_faults((*path, "claim_area"), campaign.claim_area)


def _window_faults(path: Path, windows: Sequence[ClaimWindow]) -> Iterator[Fault]:
    for i, window in enumerate(windows):
        if not 0 <= window.from_minute < window.until_minute <= MINUTES_OF_A_DAY:
            reason = "时段的开始须早于结束，最晚到 24:00，不能跨零点"
            yield Fault(path=(*path, i, "hours"), reason=reason)
        days = window.weekdays
        if not days or len(set(days)) < len(days) or not set(days) <= set(range(1, 8)):
            reason = "应为 1（周一）至 7（周日）的数字，至少一个，不能重复"
            yield Fault(path=(*path, i, "weekdays"), reason=reason)


def _area_faults(path: Path, area: ClaimArea) -> Iterator[Fault]:
    yield from text_faults((*path, "name"), area.name)
    yield from range_faults((*path, "radius_m"), area.radius_m, RADIUS_M, "米")
    if area.latitude_e6 > 90_000_000 or area.longitude_e6 > 180_000_000:
        yield Fault(path=(*path, "centre"), reason="先写纬度（至多 90），再写经度（至多 180）")


def _validity_faults(path: Path, campaign: Campaign) -> Iterator[Fault]:
    days = campaign.validity_days
    if (days is None) != (campaign.claim_day_counts is None):
        yield Fault(path=path, reason="有效期须同时写明天数和领取当天算不算在内")
    if campaign.mode == "claim" and days is None:
        yield Fault(path=path, reason="领券活动须写明券的有效期 validity")
    if campaign.mode != "claim" and days is not None:
        yield Fault(path=path, reason="只有领券活动的券才有有效期，请删去 validity")
    if days is not None:
        yield from range_faults((*path, "days"), days, VALIDITY_DAYS, "天")


def _evidence_faults(path: Path, campaign: Campaign) -> Iterator[Fault]:
    if campaign.mode == "subsidy" and not campaign.evidence:
        yield Fault(path=path, reason="专项补贴须写明申请人要交的材料 evidence")
    if campaign.mode != "subsidy" and campaign.evidence:
        yield Fault(path=path, reason="只有专项补贴才审核材料，请删去 evidence")
    seen: set[str] = set()
    for i, kind in enumerate(campaign.evidence):
        yield from form_faults((*path, i), kind, EVIDENCE_CODE)
        if kind in seen:
            yield Fault(path=(*path, i), reason="与前面的材料重复")
        seen.add(kind)


def _limit_faults(path: Path, campaign: Campaign, defaults: Defaults) -> Iterator[Fault]:
    # A limit that is the default's is judged once, there, and not again in every campaign.
    per_tier = _unless(defaults.per_person_per_tier, campaign.per_person_per_tier)
    per_merchant_per_day = _unless(
        defaults.per_person_per_merchant_per_day, campaign.per_person_per_merchant_per_day
    )
    limits: tuple[tuple[Path, int | None], ...] = (
        (("per_person_per_tier",), per_tier),
        (("per_person",), campaign.per_person),
        (("per_person_per_day",), campaign.per_person_per_day),
        (("per_person_per_merchant_per_day",), per_merchant_per_day),
        (("person_limit", "per_natural_month"), campaign.person_per_natural_month),
        (("daily_release",), campaign.daily_release),
    )
    for keys, limit in limits:
        if limit is not None:
            yield from range_faults((*path, *keys), limit, COUNT, "份")
    if campaign.carry_over and campaign.daily_release is None:
        yield Fault(
            path=(*path, "carry_over"), reason="没有写每日投放量 daily_release，无从结转到次日"
        )


def _unless(default: int, limit: int) -> int | None:
    return None if limit == default else limit


def _tiers_faults(path: Path, campaign: Campaign) -> Iterator[Fault]:
    if not campaign.tiers:
        yield Fault(path=path, reason="活动至少要有一个档级")
    lower: Tier | None = None
    for i, tier in enumerate(campaign.tiers):
        # A waived ticket is free from the first fen: there is no purchase to set a threshold on.
        waiver = campaign.mode == "entry" and tier.threshold_fen == 0
        yield from _tier_faults((*path, i), tier, waiver=waiver)
        if lower is not None and tier.threshold_fen <= lower.threshold_fen:
            yield Fault(path=(*path, i, "threshold"), reason="使用门槛须高于上一档")
        if lower is not None and tier.face_value_fen <= lower.face_value_fen:
            yield Fault(path=(*path, i, "face"), reason="面额须高于上一档")
        lower = tier


def _tier_faults(path: Path, tier: Tier, *, waiver: bool) -> Iterator[Fault]:
    yield from amount_faults((*path, "face"), tier.face_value_fen)
    yield from range_faults((*path, "count"), tier.count, COUNT, "份")
    if waiver:
        return
    yield from amount_faults((*path, "threshold"), tier.threshold_fen)
    if tier.face_value_fen >= tier.threshold_fen:
        yield Fault(
            path=(*path, "face"),
            reason=f"面额 {yuan_text(tier.face_value_fen)} 元"
            f"须低于使用门槛 {yuan_text(tier.threshold_fen)} 元",
        )
