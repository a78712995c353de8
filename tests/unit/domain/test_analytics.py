"""What figures mean: the plan's line, the day the money is gone, merchants to look at."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from backend.domain.analytics import (
    FARTHEST_DAYS,
    BurnDay,
    Pot,
    ShopSums,
    burn_down,
    empty_on,
    oddities,
    pots_of,
)

FIRST = date(2023, 4, 1)


def test_a_pot_is_due_evenly_to_the_fen_and_whole_on_its_last_day() -> None:
    pot = Pot(first=FIRST, last=date(2023, 4, 3), amount_fen=100)
    days = [FIRST + timedelta(days=n) for n in range(-1, 4)]
    assert [pot.due_fen(day) for day in days] == [0, 33, 66, 100, 100]


def test_a_years_plan_is_its_quarters_and_the_rest_over_the_year() -> None:
    pots = pots_of(2024, {"Q1": 500, "Q4": 700}, 300)
    assert [(p.first, p.last, p.amount_fen) for p in pots] == [
        (date(2024, 1, 1), date(2024, 12, 31), 300),
        (date(2024, 1, 1), date(2024, 3, 31), 500),
        (date(2024, 10, 1), date(2024, 12, 31), 700),
    ]


def test_spending_of_before_is_gone_and_each_day_says_what_is_left() -> None:
    pots = [Pot(first=FIRST, last=date(2023, 4, 10), amount_fen=1_000)]
    spent = {date(2023, 3, 1): 100, FIRST: 50, date(2023, 4, 3): -20, date(2023, 4, 4): 999}
    days = burn_down(pots, spent, since=FIRST, through=date(2023, 4, 3))
    assert [(d.spent_fen, d.left_fen, d.planned_left_fen) for d in days] == [
        (50, 850, 900),
        (0, 850, 800),
        (-20, 870, 700),
    ]


def day_of(number: int, spent_fen: int, left_fen: int) -> BurnDay:
    day = FIRST + timedelta(days=number)
    return BurnDay(day=day, spent_fen=spent_fen, left_fen=left_fen, planned_left_fen=0)


def test_the_money_is_gone_on_the_first_day_on_which_nothing_is_left() -> None:
    # 15 fen in two days: 30 more fen last four days, 31 a fifth.
    assert empty_on([day_of(0, 10, 35), day_of(1, 5, 30)]) == date(2023, 4, 6)
    assert empty_on([day_of(0, 10, 36), day_of(1, 5, 31)]) == date(2023, 4, 7)
    assert empty_on([day_of(0, 10, 0)]) == FIRST


@pytest.mark.parametrize("days", [[], [day_of(0, 0, 5)], [day_of(0, -3, 5)]])
def test_without_spending_no_day_is_told(days: list[BurnDay]) -> None:
    assert empty_on(days) is None


def test_a_day_too_far_away_is_not_told() -> None:
    assert empty_on([day_of(0, 1, FARTHEST_DAYS)]) == FIRST + timedelta(days=FARTHEST_DAYS)
    assert empty_on([day_of(0, 1, FARTHEST_DAYS + 1)]) is None


PLAIN = ShopSums(
    merchant_id="A",
    domain_id="FOOD",
    redemptions=100,
    night_redemptions=19,
    refunds=19,
    sales_fen=100_000,
    subsidy_fen=1_000,
)


def shops(*odd: ShopSums) -> list[ShopSums]:
    return [replace(PLAIN, merchant_id=f"B{n}") for n in range(20)] + list(odd)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"subsidy_fen": 5_001}, "占全部补贴 20% 以上"),
        ({"subsidy_fen": 3_001}, "超过同领域中位数 3 倍"),
        ({"night_redemptions": 20}, "0–6 时核销达 20%"),
        ({"refunds": 20}, "退款达 20%"),
    ],
)
def test_a_merchant_is_odd_from_each_bound_on(odd: dict[str, int], reason: str) -> None:
    assert reason in oddities(shops(replace(PLAIN, **odd)))["A"]  # type: ignore[arg-type]  # counts
    below = {name: count - 2 for name, count in odd.items()}
    assert reason not in oddities(shops(replace(PLAIN, **below))).get("A", ())  # type: ignore[arg-type]  # counts


def test_few_payments_say_nothing_and_a_small_domain_has_no_median() -> None:
    few = replace(PLAIN, redemptions=9, night_redemptions=9)
    assert oddities(shops(few)) == {}
    assert "A" in oddities(shops(replace(few, redemptions=10)))
    alone = replace(PLAIN, domain_id="ICE", subsidy_fen=4_000)
    assert oddities(shops(alone)) == {}
