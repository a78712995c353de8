"""Proposals of a fund's own amount, and of what a campaign that is over can give back."""

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from backend.domain.budgets import BudgetBelowUse, BudgetChangedMeanwhile, BudgetChangeInvalid
from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.extensions import db
from backend.services import budget_proposals, budgets, fund_report_figures, ledger
from backend.storage.models.audit import AuditEntry
from backend.storage.models.budgets import BudgetChange
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import Transfer
from backend.storage.models.programmes import Fund, Programme
from backend.storage.sql import transaction
from tests.factories import City, MovableClock, rows
from tests.integration.services.budget_parts import (
    ASKS,
    FUND,
    confirm,
    end,
    propose_quarter,
    propose_return,
)
from tests.subsidising import CAR, car, submitted

DOCUMENT = "同财字〔2023〕12号"


def fund_fen() -> int:
    return next(fund.amount_fen for fund in rows(Fund) if fund.id == FUND)


def propose_fund(id_: str, new_fen: int, document: str = DOCUMENT) -> BudgetChange:
    return budget_proposals.propose_fund(
        id_,
        fund_id=FUND,
        expected_fen=fund_fen(),
        new_fen=new_fen,
        document_number=document,
        reason="市里追加",
        actor=ASKS,
    )


def moved(id_: str) -> list[tuple[str, int]]:
    return [(t.kind, t.amount_fen) for t in rows(Transfer) if t.id.startswith(f"change:{id_}:")]


def test_a_fund_is_raised_by_the_citys_document_and_two_people_once(city: City) -> None:
    before_fen, total_fen = fund_fen(), rows(Programme)[0].total_fen
    for _ in range(2):
        assert propose_fund("MORE", before_fen + 1).document_number == DOCUMENT
    with pytest.raises(SecondPersonNeeded):
        budgets.confirm("MORE", actor=ASKS)
    assert (fund_fen(), moved("MORE")) == (before_fen, [])
    for _ in range(2):
        confirm("MORE")
    assert (fund_fen(), moved("MORE")) == (before_fen + 1, [("appropriation", 1)])
    assert rows(Programme)[0].total_fen == total_fen + 1
    year = next(b for b in budgets.show() if (b.fund_id, b.quarter) == (FUND, None))
    assert (year.ceiling_fen, year.available_fen) == (1, 1)
    propose_quarter("Q3", "Q3", 24_000_001)
    confirm("Q3")
    assert ledger.check().differences == ()
    told = next(e for e in rows(AuditEntry) if e.action == "budget.propose").details
    assert told["document_number"] == DOCUMENT


def test_a_fund_is_never_lowered_below_what_its_quarters_and_campaigns_have(city: City) -> None:
    given_fen = fund_fen()
    propose_fund("LOW", given_fen - 1)
    with pytest.raises(BudgetBelowUse) as refused:
        confirm("LOW")
    assert refused.value.details == {"least_fen": given_fen}
    propose_quarter("DOWN", "Q4", 21_999_999)  # one fen of it is the year's again
    confirm("DOWN")
    propose_fund("LEAST", given_fen - 1)
    confirm("LEAST")
    assert (fund_fen(), moved("LEAST")) == (given_fen - 1, [("withdrawal", 1)])
    assert ledger.check().differences == ()


def test_a_fund_is_changed_from_the_amount_one_saw_and_with_a_document(city: City) -> None:
    before_fen = fund_fen()
    propose_fund("FIRST", before_fen + 1)
    propose_fund("SECOND", before_fen + 2)
    confirm("FIRST")
    with pytest.raises(BudgetChangedMeanwhile):
        confirm("SECOND")
    for document in ("", "  "):
        with pytest.raises(BudgetChangeInvalid):
            propose_fund("BARE", before_fen + 5, document)
    wanted = {"expected_fen": 1, "new_fen": 2, "document_number": DOCUMENT}
    with pytest.raises(NotFound):
        budget_proposals.propose_fund("X", fund_id="NONE", **wanted, reason="x", actor=ASKS)
    with pytest.raises(BudgetChangedMeanwhile):
        budget_proposals.propose_fund("X", fund_id=FUND, **wanted, reason="x", actor=ASKS)
    assert fund_fen() == before_fen + 1


def test_the_database_itself_wants_the_document_of_a_fund(city: City) -> None:
    columns = {"id": "X", "fund_id": FUND, "expected_fen": 1, "new_fen": 2, "reason": "x"}
    made_at = rows(Programme)[0].loaded_at
    bare = BudgetChange(kind="raise_fund", proposed_by=ASKS, proposed_at=made_at, **columns)
    with transaction() as session:
        session.add(bare)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_the_report_of_a_day_has_the_funds_amount_of_that_day(
    city: City, moment: MovableClock
) -> None:
    before_fen, day = fund_fen(), date(2023, 4, 28)
    moment.move(days=1)
    propose_fund("MORE", before_fen + 7)
    confirm("MORE")
    moment.move(days=1)

    def appropriated(as_of: date) -> int:
        found = fund_report_figures.compute(db.session(), as_of)["rows"]
        return next(r["appropriated_fen"] for r in found if (r["kind"], r["id"]) == ("fund", FUND))

    assert [appropriated(d) for d in (day, date(2023, 4, 29))] == [before_fen, before_fen + 7]


def test_the_rest_that_is_proposed_leaves_what_is_under_review(
    city: City, moment: MovableClock
) -> None:
    car(city)
    waiting = submitted(city.resident())
    end(CAR, moment)
    propose_return("REST", campaign_id=CAR)
    confirm("REST")
    (campaign,) = [c for c in rows(Campaign) if c.id == CAR]
    assert campaign.amount_fen - campaign.returned_fen == waiting.amount_fen
    assert ledger.check().differences == ()
