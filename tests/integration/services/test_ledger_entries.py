"""The proof finds what entries could get wrong."""

import pytest
from sqlalchemy import update

from backend.extensions import db
from backend.services import entry_statements, ledger, settlements
from backend.storage.models.campaigns import Tier
from backend.storage.models.entries import Entry, EntryStatement
from backend.storage.models.settlements import SettlementLine
from backend.storage.sql import transaction
from tests.entering import GATE, stated
from tests.factories import City, MovableClock


def found() -> list[tuple[str, str]]:
    db.session.remove()
    return [(d.where, d.what) for d in ledger.check().differences]


def test_an_altered_entry_is_found_in_its_transfer_and_its_statement(
    city: City, moment: MovableClock
) -> None:
    statement = stated(city, moment, visitors=1)
    with transaction() as session:
        changed = update(Entry).where(Entry.state == "counted")
        session.execute(changed.values(amount_fen=Entry.amount_fen + 1))
        entry_id = session.query(Entry.id).where(Entry.state == "counted").scalar()
    assert found() == [
        (f"campaign {GATE}", "spent: its rows and its account"),
        (f"entry {entry_id}", "its transfers"),
        (f"entry statement {statement.id}", "its entries"),
    ]


def test_a_unit_that_no_entry_took_is_found(city: City, moment: MovableClock) -> None:
    stated(city, moment)
    with transaction() as session:
        session.execute(update(Tier).where(Tier.campaign_id == GATE).values(claimed_count=1))
    assert found() == [
        (f"campaign {GATE} tier 1", "claimed: its rows and its count (× face value)")
    ]


@pytest.mark.parametrize("model", [SettlementLine, EntryStatement])
def test_a_settled_month_that_was_altered_is_found(
    city: City, moment: MovableClock, model: type
) -> None:
    statement = stated(city, moment)
    entry_statements.confirm(statement_id=statement.id, actor="文旅局乙")
    (sheet_id,) = settlements.draft(actor="张经办").sheet_ids
    assert found() == []
    with transaction() as session:
        session.execute(update(model).values(amount_fen=model.amount_fen + 1))  # type: ignore[attr-defined]
    assert (f"sheet {sheet_id}", f"line {statement.id}") in found()
