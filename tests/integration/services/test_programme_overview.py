"""The programme at a glance: money as the ledger has it, domains, its loading, its drafts."""

from apiflask import APIFlask

from backend.services import ledger, programme_overview
from tests.factories import MAY, City, MovableClock, drain
from tests.settling import redeem


def test_there_is_nothing_before_a_programme_is_loaded(app: APIFlask) -> None:
    assert programme_overview.loaded() is None
    assert programme_overview.money() == ([], [])
    assert programme_overview.domains() == programme_overview.faults() == []


def test_it_says_who_loaded_it(city: City) -> None:
    found = programme_overview.loaded()
    assert found is not None
    assert found.actor == "test"


def test_a_campaigns_plan_is_committed_locked_and_spent(city: City) -> None:
    redeem(city, tier=2)
    city.claim(city.resident())
    drain()
    pots, found = programme_overview.money()
    may = next(row for row in found if row.campaign.id == MAY)
    assert (may.planned_fen, may.locked_fen, may.spent_fen) == (12_100_000, 1_000, 3_000)
    assert may.committed_fen == 12_096_000
    assert may.left_fen == 12_097_000
    draft = next(row for row in found if row.campaign.id == "Q3-NIGHT")
    assert (draft.planned_fen, draft.committed_fen, draft.left_fen) == (10_500_000, 0, 10_500_000)
    second = next(pot for pot in pots if pot.budget.quarter == "Q2")
    assert (second.budget.committed_fen, second.spent_fen) == (12_100_000, 3_000)
    assert sum(pot.spent_fen for pot in pots) == sum(
        scope.balances.spent_fen for scope in ledger.check().scopes if scope.kind == "fund"
    )


def test_domains_name_their_shops_and_campaigns(city: City) -> None:
    found = {domain.name: domain for domain in programme_overview.domains()}
    assert len(found) == 9
    assert found["超市"].shops == 2
    assert "五一乐购券" in found["超市"].campaigns
    assert found["汽车"].campaigns == ["汽车专项补贴"]


def test_drafts_are_named_with_what_their_preflight_warns_of(
    city: City, moment: MovableClock
) -> None:
    found = {row.campaign.id: row for row in programme_overview.faults()}
    assert MAY not in found
    assert [fault.title for fault in found["Q1-NY"].faults][0] == "时间"  # January has passed
