"""Campaigns: states, budget and quota."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import update

from backend.domain.campaigns import ActNotPossible, BudgetExceeded
from backend.domain.errors import NotFound
from backend.domain.reconciliation import ReasonNeeded
from backend.extensions import redis_handle
from backend.services import campaigns, ledger
from backend.storage.models.audit import AuditEntry
from backend.storage.models.campaigns import Campaign
from backend.storage.redis import quota
from backend.storage.sql import transaction
from tests.factories import MAY, City, MovableClock, approve, rows


def because(act: Callable[..., None]) -> Callable[..., None]:
    """Return an act with a reason given."""
    return partial(act, reason="系统检修")


def state(campaign_id: str) -> str:
    return next(c.state for c in campaigns.list_all() if c.id == campaign_id)


def test_a_campaign_goes_draft_approved_running_paused_running_stopped(city: City) -> None:
    night = "Q3-NIGHT"
    for act, reached in (
        (approve, "approved"),
        (campaigns.run, "running"),
        (because(campaigns.pause), "paused"),
        (because(campaigns.resume), "running"),
        (because(campaigns.stop), "stopped"),
    ):
        act(night, actor="李科长")
        assert state(night) == reached
    with pytest.raises(ActNotPossible):
        campaigns.resume(night, actor="李科长", reason="试")
    acts = [entry.action for entry in rows(AuditEntry) if entry.subject == night]
    assert acts == [
        f"campaign.{act}" for act in ("submit", "approve", "run", "pause", "resume", "stop")
    ]


def test_to_pause_go_on_or_stop_wants_a_reason_and_the_log_has_it(city: City) -> None:
    for act in (campaigns.pause, campaigns.resume, campaigns.stop):
        with pytest.raises(ReasonNeeded):
            act(MAY, actor="李科长", reason=" ")
    campaigns.pause(MAY, actor="李科长", reason=" 系统检修 ")
    assert rows(AuditEntry)[-1].details == {"reason": "系统检修"}


def test_a_draft_cannot_run_and_an_approval_happens_once(city: City) -> None:
    with pytest.raises(ActNotPossible):
        campaigns.run("Q3-NIGHT", actor="test")
    with pytest.raises(ActNotPossible):
        approve(MAY, actor="test")
    assert ledger.check().differences == ()


def test_an_approval_never_passes_the_quarters_budget_by_one_fen(city: City) -> None:
    with transaction() as session:  # Q2 has 250000 yuan; 121000 are committed
        session.execute(
            update(Campaign).where(Campaign.id == "Q2-APPL").values(amount_fen=12_900_001)
        )
    with pytest.raises(BudgetExceeded):
        approve("Q2-APPL", actor="test")
    assert state("Q2-APPL") == "draft"
    with transaction() as session:
        session.execute(
            update(Campaign).where(Campaign.id == "Q2-APPL").values(amount_fen=12_900_000)
        )
    approve("Q2-APPL", actor="test")
    with pytest.raises(BudgetExceeded):
        approve("Q2-FUEL", actor="test")


def test_a_campaign_ends_when_its_last_day_is_over(city: City, moment: MovableClock) -> None:
    moment.set(campaigns.terms(MAY).ends_at)
    moment.move(seconds=-1)
    assert campaigns.end_due() == 0
    moment.move(seconds=1)
    assert campaigns.end_due() == 1
    assert state(MAY) == "ended"
    assert campaigns.end_due() == 0


def test_the_job_brings_a_state_that_valkey_missed(city: City) -> None:
    quota.set_state(redis_handle.client, MAY, "paused")
    campaigns.push_states()
    assert quota.loaded(redis_handle.client, MAY) == (1, "running")


def test_limits_and_a_daily_release_are_rules_that_can_be_approved(city: City) -> None:
    with transaction() as session:
        session.execute(
            update(Campaign)
            .where(Campaign.id == "Q3-NIGHT")
            .values(per_person=2, per_person_per_day=1, daily_release=2)
        )
    approve("Q3-NIGHT", actor="test")
    assert state("Q3-NIGHT") == "approved"


def test_the_samples_subsidy_and_entry_waiver_run_without_a_quota_in_valkey(city: City) -> None:
    for campaign_id in ("Q3-CAR", "GATE-JJK"):
        approve(campaign_id, actor="test")
        campaigns.run(campaign_id, actor="test")
        assert state(campaign_id) == "running"
        assert quota.loaded(redis_handle.client, campaign_id) is None


def test_the_samples_instant_campaigns_run(city: City) -> None:
    for campaign_id in ("Q1-CARD", "Q2-FUEL", "Q4-ICE"):
        approve(campaign_id, actor="test")
        campaigns.run(campaign_id, actor="test")
        assert state(campaign_id) == "running"
        assert quota.loaded(redis_handle.client, campaign_id) == (1, "running")


def test_the_units_left_are_told_by_tier(city: City) -> None:
    city.claim(city.resident(), tier=2)
    assert campaigns.left(MAY) == {1: 2500, 2: 1999, 3: 400}


def test_an_unknown_campaign_is_not_found(city: City) -> None:
    for act in (approve, campaigns.run, because(campaigns.pause)):
        with pytest.raises(NotFound):
            act("NO-SUCH", actor="test")
    with pytest.raises(NotFound):
        campaigns.terms("NO-SUCH")
