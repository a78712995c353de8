"""The ledger's proof of budgets finds what it must find."""

import pytest
from sqlalchemy import text

from backend import clock
from backend.domain.postings import Posting, campaign_account, pot_account
from backend.services import ledger
from backend.storage.queries.ledger import add_transfer
from backend.storage.sql import transaction
from tests.factories import MAY, City
from tests.integration.services.budget_parts import confirm, propose_quarter, propose_tiers


def found() -> set[tuple[str, str]]:
    return {(d.where, d.what) for d in ledger.check().differences}


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE fund_quarters SET committed_fen = 1 WHERE quarter = 'Q3'", "committed of Q3"),
        ("UPDATE funds SET in_quarters_fen = 1 WHERE id = 'FUND93'", "in quarters"),
        ("UPDATE funds SET year_committed_fen = 1 WHERE id = 'GATE'", "committed of year"),
    ],
)
def test_a_guard_that_was_changed_is_found(city: City, statement: str, what: str) -> None:
    with transaction() as session:
        session.execute(text(statement))
    assert {said for _, said in found()} == {what}


def test_a_count_that_was_changed_behind_the_amount_is_found(city: City) -> None:
    with transaction() as session:
        session.execute(text("UPDATE tiers SET count = 2501 WHERE face_value_fen = 1000"))
    assert (f"campaign {MAY}", "amount, and face × count of its tiers") in found()


def test_money_that_no_change_moved_is_found(city: City) -> None:
    propose_tiers("B1", {1: 2600})
    confirm("B1")
    propose_quarter("B2", "Q2", 24_000_000)
    confirm("B2")
    assert found() == set()
    with transaction() as session:
        posting = Posting(
            id="change:B9:commitment",
            kind="commitment",
            from_account_id=pot_account("FUND93", "Q2", "available"),
            to_account_id=campaign_account(MAY, "committed"),
            amount_fen=1,
        )
        add_transfer(session, posting, at=clock.now())
    assert ("transfer change:B9:commitment", "its change or import") in found()


def test_a_decision_without_its_transfers_is_found(city: City) -> None:
    propose_quarter("B1", "Q2", 24_000_000)
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO budget_decisions"
                " (change_id, proposed_by, decision, decided_by, decided_at)"
                " VALUES ('B1', '王科员', 'confirmed', 'x', '2023-05-01 00:00:00+00')"
            )
        )
    wheres = {where for where, _ in found()}
    assert wheres == {"transfer change:B1:withdrawal", "transfer change:B1:appropriation"}
