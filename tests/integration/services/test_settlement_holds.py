"""What is held stays out of every sheet until a second person releases it."""

import pytest

from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.settlements import SettlementHoldExists, SettlementLineHeld
from backend.services import ledger, settlement_holds, settlements
from backend.storage.models.settlements import SettlementHold
from tests.factories import City, MovableClock, rows
from tests.settling import drafted, redeem


def hold(redemption_id: str, hold_id: str = "CASE-1") -> SettlementHold:
    return settlement_holds.hold(
        hold_id=hold_id, redemption_id=redemption_id, reason="疑似套现", actor="孙稽核"
    )


def drafted_lines() -> list[str]:
    ids = settlements.draft(actor="张经办").sheet_ids
    return [line.source_id for i in ids for line in settlements.lines(i, page=1, page_size=9)]


def test_a_held_line_is_left_out_until_another_person_releases_it(
    city: City, moment: MovableClock
) -> None:
    kept, held = redeem(city), redeem(city)
    hold(held)
    moment.move(days=1)
    assert drafted_lines() == [kept]
    assert ledger.check().differences == ()
    with pytest.raises(SecondPersonNeeded):
        settlement_holds.release(hold_id="CASE-1", reason="查清", actor="孙稽核")
    assert drafted_lines() == []
    for _ in range(2):
        settlement_holds.release(hold_id="CASE-1", reason="查清", actor="吴主任")
    assert drafted_lines() == [held]
    assert settlement_holds.list_holds() == []
    assert [h.released_by for h in settlement_holds.list_holds(open_only=False)] == ["吴主任"]


def test_a_merchant_of_held_lines_alone_gets_no_sheet(city: City, moment: MovableClock) -> None:
    hold(redeem(city))
    moment.move(days=1)
    assert drafted_lines() == []


def test_a_line_held_after_the_draft_stops_its_sheet_until_it_is_rejected(
    city: City, moment: MovableClock
) -> None:
    sheet = drafted(city, moment)
    held, kept = settlements.lines(sheet.id, page=1, page_size=2)
    hold(held.source_id)
    with pytest.raises(SettlementLineHeld) as refused:
        settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    assert refused.value.details == {"redemption_ids": [held.source_id]}
    settlements.reject(sheet_id=sheet.id, role="bureau", actor="李科长", reason="暂缓")
    assert drafted_lines() == [kept.source_id]


def test_the_same_hold_again_is_one_and_a_second_hold_of_the_same_is_refused(city: City) -> None:
    first, second = redeem(city), redeem(city)
    assert hold(first).id == hold(first).id
    assert len(rows(SettlementHold)) == 1
    with pytest.raises(SettlementHoldExists):
        hold(first, "CASE-2")
    with pytest.raises(SettlementHoldExists):
        hold(second, "CASE-1")
    with pytest.raises(NotFound):
        hold("0" * 32, "CASE-3")
    with pytest.raises(NotFound):
        settlement_holds.release(hold_id="CASE-9", reason="x", actor="吴主任")
