"""Budget changes: their direction, their least value, and when a campaign is over."""

from datetime import date, datetime, timedelta

import pytest

from backend.domain.budgets import (
    BudgetBelowUse,
    BudgetChangeInvalid,
    CampaignNotOver,
    Change,
    ChangeKind,
    over_at,
    quarter_of,
    refuse_below,
    refuse_counts,
    refuse_unless_over,
    refuse_wrong_direction,
)
from backend.domain.campaigns import CampaignTerms, State
from backend.domain.china import CHINA

ENDS = datetime(2023, 5, 11, tzinfo=CHINA)  # 24:00 of 10 May


def change(kind: ChangeKind, expected_fen: int, new_fen: int, to: str | None = None) -> Change:
    return Change(
        id="B1",
        kind=kind,
        fund_id="FUND93",
        quarter="Q1",
        to_quarter=to,
        expected_fen=expected_fen,
        new_fen=new_fen,
        reason="x",
    )


def terms(mode: str = "claim", state: State = "ended") -> CampaignTerms:
    return CampaignTerms(
        id="C",
        name="C",
        mode=mode,
        state=state,
        epoch=1,
        opens_at=ENDS - timedelta(days=9),
        ends_at=ENDS,
        validity_days=7 if mode == "claim" else None,
        claim_day_counts=True,
        per_person_per_tier=1,
        one_tier_per_day=False,
        tiers=(),
    )


@pytest.mark.parametrize(
    ("kind", "up", "down"),
    [
        ("raise_fund", True, False),
        ("lower_fund", False, True),
        ("raise_quarter", True, False),
        ("lower_quarter", False, True),
        ("move", False, True),
        ("return_rest", True, False),
    ],
)
def test_a_change_goes_the_way_its_kind_says_by_one_fen_or_more(
    kind: ChangeKind, up: bool, down: bool
) -> None:
    for new_fen, allowed in ((101, up), (99, down), (100, False)):
        made = change(kind, 100, new_fen, to="Q2" if kind == "move" else None)
        if allowed:
            refuse_wrong_direction(made)
            assert made.amount_fen == 1
        else:
            with pytest.raises(BudgetChangeInvalid):
                refuse_wrong_direction(made)


def test_a_quarter_gives_nothing_to_itself_and_nothing_below_zero() -> None:
    with pytest.raises(BudgetChangeInvalid):
        refuse_wrong_direction(change("move", 100, 99, to="Q1"))
    with pytest.raises(BudgetChangeInvalid):
        refuse_wrong_direction(change("lower_quarter", 100, -1))


def test_a_refusal_names_the_least_possible() -> None:
    refuse_below(new_fen=100, least_fen=100, what="x")
    with pytest.raises(BudgetBelowUse) as refused:
        refuse_below(new_fen=99, least_fen=100, what="x")
    assert refused.value.details == {"least_fen": 100}


@pytest.mark.parametrize("counts", [{}, {3: 5}, {1: 0}, {1: 10_000_000}])
def test_counts_are_of_known_tiers_and_in_range(counts: dict[int, int]) -> None:
    refuse_counts({1: 1, 2: 9_999_999}, {1, 2})
    with pytest.raises(BudgetChangeInvalid):
        refuse_counts(counts, {1, 2})


def test_a_claim_campaign_is_over_when_its_last_voucher_has_run_out() -> None:
    over = datetime(2023, 5, 17, tzinfo=CHINA)  # claimed on 10 May, valid for 7 days with it
    assert over_at(terms()) == over
    refuse_unless_over(terms(), over)
    with pytest.raises(CampaignNotOver):
        refuse_unless_over(terms(), over - timedelta(milliseconds=1))
    with pytest.raises(CampaignNotOver):
        refuse_unless_over(terms(state="draft"), over)


def test_a_campaign_without_vouchers_is_over_a_day_after_its_end() -> None:
    assert over_at(terms("instant")) == ENDS + timedelta(days=1)


def test_the_quarters_of_a_year_begin_on_its_first_days() -> None:
    days = [date(2023, month, day) for month, day in ((1, 1), (3, 31), (4, 1), (12, 31))]
    assert [quarter_of(day) for day in days] == ["Q1", "Q1", "Q2", "Q4"]
