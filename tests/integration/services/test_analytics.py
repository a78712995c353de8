"""Analytics: every sum of a small city is what a hand computes, on both databases."""

from datetime import date, timedelta

import pytest

from backend.domain.analytics import BurnDay
from backend.extensions import db
from backend.services import analytics, fund_report_figures, ledger, payout_returns, reversals
from backend.services.analytics import Burn
from tests.entering import GATE, TICKET_FEN, enter, gate
from tests.factories import MAY, SUPERMARKET, City, MovableClock, drain
from tests.integration.services.refunding import refund_by_staff
from tests.settling import MALL, answer, redeem, sent

FRIDAY = date(2023, 4, 28)
SATURDAY, SUNDAY = FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)


@pytest.fixture
def small_city(city: City, moment: MovableClock) -> City:
    """Friday at 10: 10 and 30 yuan at the supermarket. Saturday at 15: 90 yuan at the mall, 30 at
    the supermarket undone at once, and half of Friday's goods of 320 yuan with 30 off given back.
    Sunday at 3: 10 yuan at the mall. Every order is of 320 yuan; one voucher is never used."""
    redeem(city, tier=1)
    half = redeem(city, tier=2)
    city.claim(city.resident())
    moment.move(days=1, hours=5)
    redeem(city, MALL, tier=3)
    undone = redeem(city, tier=2)
    reversals.reverse_at_merchant(
        redemption_id=undone,
        merchant_id=SUPERMARKET,
        clerk_id=city.clerk().id,
        reason="金额输错",
    )
    refund_by_staff(half, 16_000)
    moment.move(hours=12)
    redeem(city, MALL, tier=1)
    drain()
    return city


def test_money_is_burnt_net_day_by_day_against_the_quarters_plan(small_city: City) -> None:
    burn = analytics.burn_down(FRIDAY, SUNDAY, fund_id="FUND93")
    assert burn.budget_fen == 93_000_000
    assert [(d.day, d.spent_fen, d.left_fen) for d in burn.days] == [
        (FRIDAY, 4_000, 92_996_000),
        (SATURDAY, 7_500, 92_988_500),  # 90 yuan less half of the 30
        (SUNDAY, 1_000, 92_987_500),
    ]
    # Q1 is gone, of Q2's 250,000 yuan 28 of 91 days.
    planned_fen = 93_000_000 - 22_000_000 - 25_000_000 * 28 // 91
    assert burn.days[0].planned_left_fen == planned_fen
    assert burn.ends_on == date(2024, 1, 1)
    # 125 yuan in three days: what is left would last for decades.
    assert (burn.empty_on, burn.runs_out) == (None, False)


def test_the_days_agree_with_the_fund_report_and_the_ledger(small_city: City) -> None:
    for day in (FRIDAY, SATURDAY, SUNDAY):
        rows = fund_report_figures.compute(db.session(), day)["rows"]
        spent_fen = next(row["spent_fen"] for row in rows if row["kind"] == "programme")
        burn = analytics.burn_down(day, day)
        assert burn.budget_fen - burn.left_fen == spent_fen
    assert ledger.check().differences == ()


def test_days_to_come_are_left_out(small_city: City) -> None:
    assert len(analytics.burn_down(FRIDAY, SUNDAY + timedelta(days=9)).days) == 3
    assert analytics.burn_down(SUNDAY + timedelta(days=1), SUNDAY + timedelta(days=2)).days == []


@pytest.mark.parametrize(
    ("left_fen", "empty_on", "runs_out"),
    [
        (101, None, False),
        (100, None, True),
        (900, SUNDAY, False),
        (900, SATURDAY, True),
    ],
)
def test_a_budget_runs_out_at_a_tenth_or_when_it_is_empty_before_its_last_campaign_ends(
    left_fen: int, empty_on: date | None, runs_out: bool
) -> None:
    day = BurnDay(day=FRIDAY, spent_fen=0, left_fen=left_fen, planned_left_fen=0)
    burn = Burn(budget_fen=1_000, days=[day], empty_on=empty_on, ends_on=SUNDAY)
    assert burn.runs_out is runs_out


def test_the_funnel_counts_units_by_campaign(small_city: City) -> None:
    enter(gate(small_city), small_city.resident())
    stages = {s.campaign_id: s for s in analytics.funnel(FRIDAY, SUNDAY)}
    assert set(stages) == {MAY, GATE}  # drafts have issued nothing
    may = stages[MAY]
    assert (may.mode, may.issued, may.claimed, may.used, may.settled) == ("claim", 4_900, 6, 4, 0)
    entry = stages[GATE]
    assert (entry.issued, entry.claimed, entry.used, entry.settled) == (5_000, 1, 1, 0)
    saturday = {s.campaign_id: s for s in analytics.funnel(SATURDAY, SATURDAY)}[MAY]
    assert (saturday.claimed, saturday.used) == (2, 1)
    assert TICKET_FEN * entry.used == analytics.burn_down(SUNDAY, SUNDAY).days[0].spent_fen - 1_000


def test_what_the_bank_has_paid_is_settled(city: City, moment: MovableClock) -> None:
    sent(city, moment)
    assert [s.settled for s in analytics.funnel(FRIDAY, FRIDAY)] == [0]
    payout_returns.take(number="B1", content=answer("paid", "failed"), actor="褚会计")
    assert [(s.used, s.settled) for s in analytics.funnel(FRIDAY, FRIDAY)] == [(2, 1)]
    assert [s.settled for s in analytics.funnel(SATURDAY, SATURDAY)] == [0]


def test_sales_and_subsidy_are_net_by_campaign_and_domain(small_city: City) -> None:
    rows = analytics.pull_through(FRIDAY, SUNDAY)
    assert [(r.domain, r.redemptions, r.sales_fen, r.subsidy_fen) for r in rows] == [
        ("购物中心", 2, 64_000, 10_000),
        ("超市", 2, 48_000, 2_500),
    ]
    assert {r.campaign for r in rows} == {"五一乐购券"}
    [saturday] = [r for r in analytics.pull_through(SATURDAY, SATURDAY) if r.domain == "超市"]
    assert (saturday.redemptions, saturday.sales_fen, saturday.subsidy_fen) == (0, -16_000, -1_500)


def test_hours_are_chinas_and_weeks_begin_on_monday(small_city: City) -> None:
    found = {
        (row.hour, place): count
        for row in analytics.hours(FRIDAY, SUNDAY)
        for place, count in enumerate(row.counts)
        if count
    }
    assert found == {(10, 4): 2, (15, 5): 2, (3, 6): 1}
    assert len(analytics.hours(FRIDAY, SUNDAY)) == 24


def test_merchants_stand_by_their_subsidy_with_their_share(small_city: City) -> None:
    mall, supermarket = analytics.merchants(FRIDAY, SUNDAY)
    assert (mall.sums.merchant_id, mall.sums.subsidy_fen) == (MALL, 10_000)
    assert (mall.sums.redemptions, mall.sums.night_redemptions) == (2, 1)
    assert (supermarket.sums.merchant_id, supermarket.sums.refunds) == (SUPERMARKET, 1)
    assert mall.total_fen == supermarket.total_fen == 12_500
    assert mall.oddities == supermarket.oddities == ()
