"""Approval of a campaign by two people: in order, once, and by no single one."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.campaign_approvals import CampaignAlreadySubmitted, CampaignNotSubmitted
from backend.domain.campaigns import ActNotPossible, BudgetExceeded
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.reconciliation import ReasonNeeded
from backend.domain.second_person import SecondPersonNeeded
from backend.extensions import db
from backend.services import campaign_approvals, campaigns, ledger
from backend.storage.models.campaigns import Campaign, CampaignDecision
from backend.storage.sql import transaction
from tests.factories import MAY, City, rows

NIGHT = "Q3-NIGHT"


def state() -> str:
    campaigns.forget_snapshots()
    return campaigns.terms(NIGHT).state


def test_one_sends_it_and_another_approves_it(city: City) -> None:
    campaign_approvals.submit(NIGHT, actor="li.wei", faults=["没有公布商户"])
    assert state() == "draft"
    assert campaign_approvals.waiting() == {NIGHT: "li.wei"}
    campaign_approvals.approve(NIGHT, actor="wang.fang")
    assert state() == "approved"
    assert campaign_approvals.waiting() == {}
    (only,) = campaign_approvals.history(NIGHT)
    assert only.faults == ["没有公布商户"]
    assert only.decision is not None
    assert (only.decision.decision, only.decision.decided_by) == ("approved", "wang.fang")
    assert ledger.check().differences == ()


@pytest.mark.parametrize("same", ["li.wei", " LI.Wei "])
def test_nobody_decides_what_he_sent_himself(city: City, same: str) -> None:
    campaign_approvals.submit(NIGHT, actor="li.wei")
    for act in (
        campaign_approvals.approve,
        partial(campaign_approvals.send_back, reason="金额有误"),
    ):
        with pytest.raises(SecondPersonNeeded):
            act(NIGHT, actor=same)
    assert state() == "draft"


def test_what_was_not_sent_is_not_decided_and_what_waits_is_not_sent_again(city: City) -> None:
    with pytest.raises(CampaignNotSubmitted):
        campaign_approvals.approve(NIGHT, actor="wang.fang")
    campaign_approvals.submit(NIGHT, actor="li.wei")
    with pytest.raises(CampaignAlreadySubmitted):
        campaign_approvals.submit(NIGHT, actor="zhao.min")
    for campaign_id, refusal in ((MAY, ActNotPossible), ("NO-SUCH", NotFound)):
        with pytest.raises(refusal):
            campaign_approvals.submit(campaign_id, actor="li.wei")
        with pytest.raises(refusal):
            campaign_approvals.approve(campaign_id, actor="wang.fang")


def test_what_was_sent_back_says_why_and_may_be_sent_again(city: City) -> None:
    campaign_approvals.submit(NIGHT, actor="li.wei")
    with pytest.raises(ReasonNeeded):
        campaign_approvals.send_back(NIGHT, reason=" ", actor="wang.fang")
    campaign_approvals.send_back(NIGHT, reason="开抢时间有误", actor="wang.fang")
    with pytest.raises(CampaignNotSubmitted):
        campaign_approvals.approve(NIGHT, actor="wang.fang")
    campaign_approvals.submit(NIGHT, actor="li.wei")
    campaign_approvals.approve(NIGHT, actor="wang.fang")
    decisions = [one.decision for one in campaign_approvals.history(NIGHT)]
    assert [one.reason for one in decisions if one] == [None, "开抢时间有误"]


def test_without_money_nothing_is_decided(city: City) -> None:
    with transaction() as session:
        session.get_one(Campaign, NIGHT).amount_fen = 100_000_000_00
    campaign_approvals.submit(NIGHT, actor="li.wei")
    with pytest.raises(BudgetExceeded):
        campaign_approvals.approve(NIGHT, actor="wang.fang")
    assert campaign_approvals.waiting() == {NIGHT: "li.wei"}
    assert rows(CampaignDecision)[-1].campaign_id == MAY


def test_the_database_refuses_a_decision_by_one_person(city: City) -> None:
    campaign_approvals.submit(NIGHT, actor="li.wei")
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            CampaignDecision(
                campaign_id=NIGHT,
                number=1,
                submitted_by="li.wei",
                decision="approved",
                decided_by="li.wei",
                decided_at=clock.now(),
            )
        )


def test_approved_and_sent_back_at_once_ends_in_one_of_the_two(city: City, app: Flask) -> None:
    campaign_approvals.submit(NIGHT, actor="li.wei")
    told: list[str] = []
    start = threading.Barrier(8)

    def act(decide: Callable[[], None]) -> None:
        with app.app_context():
            start.wait()
            try:
                decide()
                told.append("done")
            except HuiquanError as error:
                told.append(error.code)
            db.session.remove()

    approving = partial(campaign_approvals.approve, NIGHT, actor="wang.fang")
    returning = partial(campaign_approvals.send_back, NIGHT, reason="缓办", actor="sun.yue")
    threads = [threading.Thread(target=act, args=(one,)) for one in (approving, returning) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count("done") == 1
    assert set(told) <= {"done", "campaign_not_submitted", "campaign_act_not_possible"}
    (decision,) = [row for row in rows(CampaignDecision) if row.campaign_id == NIGHT]
    assert (decision.decision == "approved") is (state() == "approved")
