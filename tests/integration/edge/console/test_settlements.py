"""Settlement sheets at the console: draft, bureau, finance, back again, and what is held."""

import pytest

from backend.domain.staff import Role
from backend.services import settlement_holds, settlements
from backend.storage.models.settlements import SettlementHold, SettlementSheet
from tests.console import Console
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.settling import drafted, redeem


@pytest.fixture
def sheet_id(city: City, moment: MovableClock) -> str:
    """A drafted sheet of two redemptions."""
    return drafted(city, moment).id


def state_of(sheet_id: str) -> str:
    return next(sheet.state for sheet in rows(SettlementSheet) if sheet.id == sheet_id)


def test_sheets_are_drafted_on_demand_for_days_that_are_over(
    console: Console, city: City, moment: MovableClock
) -> None:
    redeem(city)
    moment.move(days=1)
    desk = console.desk(Role.BUREAU_OPERATOR)
    assert desk.post("/console/settlements", through="2023-04-29").status_code == 422
    assert desk.post("/console/settlements", through="2023-04-28").status_code == 303
    page = desk.get("/console/settlements")
    assert "已生成 1 张结算单，合计 10.00 元" in page.text
    assert "共 1 条" in page.text
    for query, expected in (
        (f"merchant={SUPERMARKET}&state=drafted", "共 1 条"),
        ("state=paid", "没有符合条件的记录"),
        ("since=2023-04-28&through=2023-04-28", "共 1 条"),
        ("since=2023-04-29", "没有符合条件的记录"),
    ):
        assert expected in desk.get(f"/console/settlements?{query}").text, query


def test_a_sheet_goes_through_bureau_and_finance_and_its_page_names_each(
    console: Console, sheet_id: str
) -> None:
    bureau, finance = console.desk(Role.BUREAU_APPROVER), console.desk(Role.FINANCE)
    path = f"/console/settlements/{sheet_id}"
    early = finance.post(f"{path}/finance")
    assert early.status_code == 409
    assert bureau.post(f"{path}/bureau", remark="<b>同意</b>").status_code == 303
    assert finance.post(f"{path}/finance").status_code == 303
    assert state_of(sheet_id) == "finance_approved"
    page = finance.get(path).text
    for expected in ("商务局审核", "财政局审核", bureau.name, "&lt;b&gt;同意", "待代发"):
        assert expected in page, expected
    assert [step.actor for step in settlements.steps(sheet_id)[1:]] == [bureau.name, finance.name]


def test_one_person_cannot_take_two_steps_of_a_sheet(
    console: Console, city: City, moment: MovableClock
) -> None:
    redeem(city)
    moment.move(days=1)
    approver = console.desk(Role.BUREAU_APPROVER)
    [sheet_id] = settlements.draft(actor=approver.name).sheet_ids
    assert approver.post(f"/console/settlements/{sheet_id}/bureau").status_code == 403
    assert state_of(sheet_id) == "drafted"


def test_a_sheet_is_sent_back_only_with_a_reason(console: Console, sheet_id: str) -> None:
    bureau = console.desk(Role.BUREAU_APPROVER)
    path = f"/console/settlements/{sheet_id}/bureau/reject"
    assert bureau.post(path, reason="  ").status_code == 400
    assert bureau.post(path, reason="x" * 201).status_code == 400
    assert state_of(sheet_id) == "drafted"
    assert bureau.post(path, reason="有一笔存疑").status_code == 303
    assert state_of(sheet_id) == "rejected"
    assert "有一笔存疑" in bureau.get(f"/console/settlements/{sheet_id}").text


def test_a_sheet_is_taken_as_excel_and_as_pdf(console: Console, sheet_id: str) -> None:
    desk = console.desk(Role.AUDITOR)
    assert desk.get(f"/console/settlements/{sheet_id}/excel").data.startswith(b"PK")
    assert desk.get(f"/console/settlements/{sheet_id}/pdf").data.startswith(b"%PDF")
    assert desk.get(f"/console/settlements/{sheet_id}/exe").status_code == 404


def test_a_hold_is_ended_by_another_person_with_a_reason(console: Console, city: City) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR, "li.wei")
    other = console.desk(Role.BUREAU_OPERATOR, "wang.fang")
    order_id = redeem(city)
    settlement_holds.hold(hold_id="H1", redemption_id=order_id, reason="待核实", actor="li.wei")
    assert "暂缓中" in operator.get("/console/settlement-holds?state=open").text
    assert operator.post("/console/settlement-holds/H1/release", reason="查清").status_code == 403
    assert other.post("/console/settlement-holds/H1/release").status_code == 400
    assert other.post("/console/settlement-holds/H1/release", reason="查清").status_code == 303
    [hold] = rows(SettlementHold)
    assert (hold.released_by, hold.release_reason) == ("wang.fang", "查清")
    assert "查清" in other.get("/console/settlement-holds/H1").text
    assert "还没有记录" not in other.get("/console/settlement-holds").text
    assert other.get("/console/settlement-holds/nothing").status_code == 404
