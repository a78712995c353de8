"""What is to be known of a campaign before it is approved (活动预检): sums, dates, shops, people.

A finding never stops an approval: the approver reads it. What must not be is refused elsewhere,
such as money that its pot does not have (plan, parts four and eight (一)).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.domain.campaigns import TierTerms
from backend.domain.china import CHINA
from backend.domain.money import yuan_grouped


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at; a fault is what the approver should not overlook."""

    title: str
    detail: str
    is_fault: bool


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A campaign and its surroundings at a moment. Amounts in fen.

    :param shops: merchants who may redeem now, by the name of each of the campaign's domains
    :param people: residents who could claim now
    """

    mode: str
    tiers: Sequence[TierTerms]
    amount_fen: int
    available_fen: int
    quarter: str | None
    opens_at: datetime
    ends_at: datetime
    now: datetime
    shops: Mapping[str, int]
    people: int
    card_required: bool
    per_person: int | None
    per_person_per_tier: int


def findings(facts: Facts) -> list[Finding]:
    """Return everything that was looked at, in the order of the page."""
    return [*_money(facts), *_dates(facts), _thresholds(facts.tiers), _shops(facts), *_who(facts)]


def worst_case_fen(tiers: Sequence[TierTerms]) -> int:
    """Return what a campaign costs when every unit is claimed and used."""
    return sum(tier.face_value_fen * tier.count for tier in tiers)


def per_person_fen(facts: Facts) -> int:
    """Return the most one person can be given, over the whole campaign."""
    faces = sorted((tier.face_value_fen for tier in facts.tiers), reverse=True)
    each = [face for face in faces for _ in range(facts.per_person_per_tier)]
    return sum(each[: facts.per_person])


def _money(facts: Facts) -> Iterator[Finding]:
    worst_fen = worst_case_fen(facts.tiers)
    differs = "" if worst_fen == facts.amount_fen else "，与活动总额不一致"
    yield Finding(
        title="最多支出",
        detail=f"各档面额乘数量合计 {yuan_grouped(worst_fen)} 元，"
        f"活动总额 {yuan_grouped(facts.amount_fen)} 元{differs}",
        is_fault=bool(differs),
    )
    rest_fen = facts.available_fen - facts.amount_fen
    after = (
        f"批准后余 {yuan_grouped(rest_fen)}" if rest_fen >= 0 else f"还差 {yuan_grouped(-rest_fen)}"
    )
    yield Finding(
        title="资金",
        detail=f"{facts.quarter or '全年'}可用 {yuan_grouped(facts.available_fen)} 元，{after} 元",
        is_fault=rest_fen < 0,
    )


def _dates(facts: Facts) -> Iterator[Finding]:
    opens, ends = facts.opens_at.astimezone(CHINA), facts.ends_at.astimezone(CHINA)
    when = f"{opens:%Y-%m-%d %H:%M} 至 {ends:%Y-%m-%d %H:%M}"
    if facts.ends_at <= facts.now:
        yield Finding(title="时间", detail=f"{when}，活动时间已过", is_fault=True)
    elif facts.opens_at <= facts.now:
        yield Finding(title="时间", detail=f"{when}，开始发放后立即可领", is_fault=True)
    else:
        yield Finding(title="时间", detail=when, is_fault=False)
    if facts.quarter is not None:
        is_inside = f"Q{(opens.month + 2) // 3}" == facts.quarter
        yield Finding(
            title="季度",
            detail=f"开抢日{'' if is_inside else '不'}在 {facts.quarter} 内",
            is_fault=not is_inside,
        )


def _thresholds(tiers: Sequence[TierTerms]) -> Finding:
    high = [t.position for t in tiers if 2 * t.face_value_fen > t.threshold_fen]
    if high:
        named = "、".join(f"第 {position} 档" for position in high)
        return Finding(title="门槛", detail=f"{named}面额超过门槛的一半", is_fault=True)
    return Finding(title="门槛", detail="各档面额都不超过门槛的一半", is_fault=False)


def _shops(facts: Facts) -> Finding:
    named = "，".join(f"{name} {count} 家" for name, count in facts.shops.items())
    return Finding(
        title="可用商户",
        detail=named or "没有限定领域",
        is_fault=any(count == 0 for count in facts.shops.values()),
    )


def _who(facts: Facts) -> Iterator[Finding]:
    bound = "已绑定银联卡的居民" if facts.card_required else "已绑定手机号的居民"
    yield Finding(
        title="谁可以领", detail=f"{bound}，目前 {facts.people:,} 人", is_fault=facts.people == 0
    )
    if facts.mode == "claim":
        most = f"{yuan_grouped(per_person_fen(facts))} 元"
        yield Finding(title="每人最多", detail=most, is_fault=False)
