"""Budget changes: two people, one act, from the expected value."""

from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend.domain.budgets import AlreadyDecided, BudgetChangedMeanwhile, BudgetChangeInvalid
from backend.domain.errors import NotFound
from backend.domain.refusals import RequestReused
from backend.domain.second_person import SecondPersonNeeded
from backend.extensions import db
from backend.services import budget_proposals, budgets, ledger
from backend.storage.models.audit import AuditEntry
from backend.storage.models.budgets import BudgetChange, BudgetDecision
from backend.storage.models.ledger import Transfer
from tests.factories import MAY, City, rows
from tests.integration.services.budget_parts import (
    ASKS,
    CHECKS,
    FUND,
    ceiling,
    confirm,
    counts,
    propose_quarter,
    propose_tiers,
    race,
)


def test_a_proposal_moves_nothing_and_its_confirmation_moves_it_once(city: City) -> None:
    propose_quarter("B1", "Q2", 24_000_000, to="Q3")
    assert (ceiling("Q2"), ceiling("Q3")) == (25_000_000, 24_000_000)
    first = budgets.confirm("B1", actor=CHECKS)
    again = budgets.confirm("B1", actor=CHECKS)
    assert first.decided_at == again.decided_at
    assert (ceiling("Q2"), ceiling("Q3")) == (24_000_000, 25_000_000)
    assert ledger.check().differences == ()
    acts = [e.action for e in rows(AuditEntry) if e.subject == "B1"]
    assert acts == ["budget.propose", "budget.confirm"]


def test_who_proposed_a_change_neither_confirms_nor_refuses_it(city: City) -> None:
    propose_quarter("B1", "Q2", 24_000_000, to="Q3")
    with pytest.raises(SecondPersonNeeded):
        budgets.confirm("B1", actor=f" {ASKS} ")
    with pytest.raises(SecondPersonNeeded):
        budgets.refuse("B1", reason="x", actor=ASKS)
    assert rows(BudgetDecision) == []
    assert ceiling("Q2") == 25_000_000


def test_the_database_itself_refuses_a_decision_by_who_proposed(city: City) -> None:
    propose_quarter("B1", "Q2", 24_000_000, to="Q3")
    statement = text(
        "INSERT INTO budget_decisions (change_id, proposed_by, decision, decided_by, decided_at)"
        " VALUES ('B1', :proposer, 'confirmed', :decider, '2023-05-01')"
    )
    for proposer, decider in ((ASKS, ASKS), ("another", ASKS)):
        with pytest.raises(IntegrityError):
            db.session.execute(statement, {"proposer": proposer, "decider": decider})
        db.session.rollback()


def test_the_same_proposal_twice_is_one_and_another_under_its_id_is_refused(city: City) -> None:
    for _ in range(2):
        propose_tiers("B1", {1: 2600})
    assert len(rows(BudgetChange)) == 1
    with pytest.raises(RequestReused):
        propose_tiers("B1", {1: 2601})
    confirm("B1")
    budget_proposals.propose_tiers(
        "B1",
        campaign_id=MAY,
        expected_fen=12_100_000,
        counts={1: 2600},
        reason="群众需求大",
        actor=ASKS,
    )
    assert len(rows(BudgetChange)) == 1


def test_a_change_that_was_proposed_on_an_old_value_is_refused(city: City) -> None:
    with pytest.raises(BudgetChangedMeanwhile):
        budget_proposals.propose_quarter(
            "B0",
            fund_id=FUND,
            quarter="Q2",
            expected_fen=24_999_999,
            new_fen=24_000_000,
            reason="x",
            actor=ASKS,
        )
    propose_quarter("B1", "Q2", 24_000_000)
    propose_quarter("B2", "Q2", 23_000_000)
    confirm("B1")
    with pytest.raises(BudgetChangedMeanwhile):
        confirm("B2")
    assert ceiling("Q2") == 24_000_000
    assert [d.change_id for d in rows(BudgetDecision)] == ["B1"]
    assert ledger.check().differences == ()


def test_a_change_that_is_refused_cannot_be_confirmed_and_the_other_way_round(city: City) -> None:
    propose_quarter("B1", "Q2", 24_000_000)
    for _ in range(2):
        assert budgets.refuse("B1", reason="暂缓", actor=CHECKS).decision == "refused"
    with pytest.raises(AlreadyDecided):
        confirm("B1")
    propose_quarter("B2", "Q2", 24_000_000)
    confirm("B2")
    with pytest.raises(AlreadyDecided):
        budgets.refuse("B2", reason="x", actor=CHECKS)
    with pytest.raises(AlreadyDecided):
        budgets.confirm("B2", actor="赵科长")


def test_20_who_confirm_one_change_at_once_move_its_money_once(city: City) -> None:
    propose_quarter("B1", "Q2", 24_000_000, to="Q3")
    found = race(city.app, [partial(confirm, "B1")] * 20)
    assert found == ["done"] * 20
    moved = [t.amount_fen for t in rows(Transfer) if t.id.startswith("change:")]
    assert moved == [1_000_000, 1_000_000]


def test_20_changes_on_one_value_confirmed_at_once_end_in_exactly_one(city: City) -> None:
    for n in range(20):
        propose_quarter(f"B{n}", "Q2", 24_000_000 - n)
    found = race(city.app, [partial(confirm, f"B{n}") for n in range(20)])
    assert sorted(found) == ["budget_changed_meanwhile"] * 19 + ["done"]
    assert ledger.check().differences == ()


def test_unknown_things_and_changes_that_are_none_are_refused(city: City) -> None:
    with pytest.raises(NotFound):
        confirm("B1")
    with pytest.raises(NotFound):
        budget_proposals.propose_tiers(
            "B1", campaign_id="NO", expected_fen=1, counts={1: 1}, reason="x", actor=ASKS
        )
    with pytest.raises(BudgetChangeInvalid):
        propose_tiers("B1", {1: counts()[1]})
    with pytest.raises(BudgetChangeInvalid):
        propose_quarter("B1", "Q2", 25_000_000)
    assert rows(BudgetChange) == []


def test_pots_are_shown_with_what_each_has(city: City) -> None:
    propose_quarter("B1", "Q4", 21_000_000)
    confirm("B1")
    shown = {b.quarter: b for b in budgets.show() if b.fund_id == FUND}
    second, year = shown["Q2"], shown[None]
    assert (second.ceiling_fen, second.committed_fen, second.available_fen) == (
        *(25_000_000, 12_100_000),
        12_900_000,
    )
    assert (year.ceiling_fen, year.available_fen) == (1_000_000, 1_000_000)
    assert shown["Q1"].floor_fen == 20_000_000
