"""What the figures of a programme mean: spending against plan, and which merchants to look at.

A fund's plan is its quarters' ceilings, each spent evenly over its quarter, and what no quarter has
evenly over the year (plan, part two). Oddities are reasons to look, never to refuse.
"""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

WARNING_PERCENT = 10  # of a budget: below it what is left is soon gone
MAX_DAYS = 366
# Further away no date is told: a programme is a city's money of one year.
FARTHEST_DAYS = 730
# A merchant's sums are odd from here on: a share of all, a multiple of its domain's median, a part
# of its payments by night or given back, the latter two of so many at least.
ODD_SHARE_PERCENT = 20
ODD_MULTIPLE = 3
ODD_NIGHT_PERCENT = 20
ODD_REFUND_PERCENT = 20
ODD_FROM_COUNT = 10
NIGHT_UNTIL_HOUR = 6


@dataclass(frozen=True, kw_only=True)
class Pot:
    """Money that is meant to be spent evenly from one day through another."""

    first: date
    last: date
    amount_fen: int

    def due_fen(self, day: date) -> int:
        """Return what of it should be spent at the end of a day, rounded down."""
        whole = (self.last - self.first).days + 1
        gone = min(max((day - self.first).days + 1, 0), whole)
        return self.amount_fen * gone // whole


@dataclass(frozen=True, kw_only=True)
class BurnDay:
    """A day's end: what was spent net that day, what is left, what the plan would have left."""

    day: date
    spent_fen: int
    left_fen: int
    planned_left_fen: int


def pots_of(year: int, quarters: Mapping[str, int], rest_fen: int) -> list[Pot]:
    """Return a fund's plan of a year: ceilings by quarter ('Q1' …), and what no quarter has."""
    found = [Pot(first=date(year, 1, 1), last=date(year, 12, 31), amount_fen=rest_fen)]
    for quarter, ceiling_fen in quarters.items():
        last_month = 3 * int(quarter.removeprefix("Q"))
        last_day = calendar.monthrange(year, last_month)[1]
        found.append(
            Pot(
                first=date(year, last_month - 2, 1),
                last=date(year, last_month, last_day),
                amount_fen=ceiling_fen,
            )
        )
    return found


def burn_down(
    pots: Sequence[Pot], spent_by_day: Mapping[date, int], *, since: date, through: date
) -> list[BurnDay]:
    """Return each day of a span; `spent_by_day` is net, and begins with the first day of all."""
    budget_fen = sum(pot.amount_fen for pot in pots)
    left_fen = budget_fen - sum(fen for day, fen in spent_by_day.items() if day < since)
    found = []
    for number in range((through - since).days + 1):
        day = since + timedelta(days=number)
        spent_fen = spent_by_day.get(day, 0)
        left_fen -= spent_fen
        planned_left_fen = budget_fen - sum(pot.due_fen(day) for pot in pots)
        found.append(
            BurnDay(
                day=day,
                spent_fen=spent_fen,
                left_fen=left_fen,
                planned_left_fen=planned_left_fen,
            )
        )
    return found


def empty_on(days: Sequence[BurnDay]) -> date | None:
    """Return the day on which the money is gone at these days' pace; None when nobody can say."""
    if not days:
        return None
    spent_fen, left_fen = sum(day.spent_fen for day in days), days[-1].left_fen
    if left_fen <= 0:
        return days[-1].day
    if spent_fen <= 0:
        return None
    more_days = -(-left_fen * len(days) // spent_fen)
    return days[-1].day + timedelta(days=more_days) if more_days <= FARTHEST_DAYS else None


@dataclass(frozen=True, kw_only=True)
class ShopSums:
    """What a merchant redeemed in some days, net of what was undone and given back."""

    merchant_id: str
    domain_id: str
    redemptions: int
    night_redemptions: int  # from 0 to 6 o'clock
    refunds: int
    sales_fen: int
    subsidy_fen: int


def oddities(shops: Sequence[ShopSums]) -> Mapping[str, list[str]]:
    """Return by merchant why somebody should look at it, in words; most are not in it."""
    total_fen = sum(shop.subsidy_fen for shop in shops)
    by_domain: dict[str, list[int]] = {}
    for shop in shops:
        by_domain.setdefault(shop.domain_id, []).append(shop.subsidy_fen)
    found = {}
    for shop in shops:
        others = by_domain[shop.domain_id]
        if words := list(_odd(shop, total_fen, median(others) if len(others) > 2 else None)):
            found[shop.merchant_id] = words
    return found


def _odd(shop: ShopSums, total_fen: int, median_fen: float | None) -> Iterator[str]:
    if shop.redemptions < ODD_FROM_COUNT:
        return
    if shop.subsidy_fen * 100 >= total_fen * ODD_SHARE_PERCENT:
        yield f"占全部补贴 {ODD_SHARE_PERCENT}% 以上"
    if median_fen is not None and shop.subsidy_fen > ODD_MULTIPLE * max(median_fen, 0):
        yield f"超过同领域中位数 {ODD_MULTIPLE} 倍"
    if shop.night_redemptions * 100 >= shop.redemptions * ODD_NIGHT_PERCENT:
        yield f"0–{NIGHT_UNTIL_HOUR} 时核销达 {ODD_NIGHT_PERCENT}%"
    if shop.refunds * 100 >= shop.redemptions * ODD_REFUND_PERCENT:
        yield f"退款达 {ODD_REFUND_PERCENT}%"
