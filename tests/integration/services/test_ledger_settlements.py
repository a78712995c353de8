"""The proof finds what settlement could get wrong."""

import pytest
from sqlalchemy import delete, update

from backend.domain.settlements import SheetState
from backend.services import ledger, settlements
from backend.storage.models.settlements import SettlementLine, SettlementSheet
from backend.storage.sql import transaction
from tests.factories import MAY, City, MovableClock
from tests.settling import drafted, redeem


def found() -> list[tuple[str, str]]:
    return [(d.where, d.what) for d in ledger.check().differences]


def test_open_drafted_and_rejected_redemptions_agree_with_what_was_spent(
    city: City, moment: MovableClock
) -> None:
    redeem(city)
    assert found() == []
    sheet = drafted(city, moment)
    assert found() == []
    settlements.reject(sheet_id=sheet.id, role="bureau", actor="李科长", reason="x")
    assert found() == []


def test_an_altered_amount_is_found_in_line_sheet_and_campaign(
    city: City, moment: MovableClock
) -> None:
    sheet = drafted(city, moment, count=1)
    with transaction() as session:
        session.execute(update(SettlementLine).values(amount_fen=SettlementLine.amount_fen + 1))
    wheres = [where for where, _ in found()]
    assert wheres == [f"campaign {MAY}", f"sheet {sheet.id}", f"sheet {sheet.id}"]


def test_a_lost_line_is_found_in_its_sheet(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment, count=2)
    line = settlements.lines(sheet.id, page=1, page_size=1)[0]
    with transaction() as session:
        session.execute(delete(SettlementLine).where(SettlementLine.source_id == line.source_id))
    assert found() == [(f"sheet {sheet.id}", "its sum and its live lines")]


@pytest.mark.parametrize(
    ("state", "what"),
    [("paid", "paid: the bank's proof"), ("rejected", "its sum and its live lines")],
)
def test_a_state_without_what_belongs_to_it_is_found(
    city: City, moment: MovableClock, state: SheetState, what: str
) -> None:
    sheet = drafted(city, moment, count=1)
    with transaction() as session:
        session.execute(update(SettlementSheet).values(state=state))
    assert found() == [(f"sheet {sheet.id}", what)]
