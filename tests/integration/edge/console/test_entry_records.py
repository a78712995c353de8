"""Single entries at the console, and one recorded by mistake undone for a reason."""

from io import BytesIO

from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.services import entry_statements, ledger
from backend.storage.models.entries import Entry, EntryUndo
from tests.console import Console
from tests.entering import enter, gate, stated
from tests.factories import City, MovableClock, rows

PAGE = "/console/entry-records"


def test_entries_are_listed_filtered_and_taken_away(console: Console, city: City) -> None:
    enter(gate(city), city.resident())
    (entry,) = rows(Entry)
    desk = console.desk(Role.AUDITOR)
    found = desk.get(f"{PAGE}?since=2023-04-28&through=2023-04-28&merchant={entry.merchant_id}")
    assert f"{PAGE}/{entry.id}" in found.text
    for other in ("since=2023-04-29", "through=2023-04-27", "state=undone", "merchant=TJ0001"):
        assert "没有符合条件的记录" in desk.get(f"{PAGE}?{other}").text
    sheet = CalamineWorkbook.from_filelike(BytesIO(desk.get(f"{PAGE}?format=xlsx").data))
    head, row = sheet.get_sheet_by_index(0).to_python()
    assert (head[0], row[3]) == ("入园时间", str(entry.resident_id))


def test_an_entry_is_undone_with_a_reason_and_its_money_is_back(
    console: Console, city: City, moment: MovableClock
) -> None:
    enter(gate(city), city.resident())
    (entry,) = rows(Entry)
    page = f"{PAGE}/{entry.id}"
    moment.move(days=1)
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert console.desk(Role.TOURISM).post(f"{page}/undo", reason="记错").status_code == 403
    assert operator.post(f"{page}/undo").status_code == 400
    assert operator.post(f"{page}/undo", reason="<i>重复记录</i>").status_code == 303
    assert [e.state for e in rows(Entry)] == ["undone"]
    assert [(u.undone_by, u.reason) for u in rows(EntryUndo)] == [
        ("bureau-operator", "<i>重复记录</i>")
    ]
    shown = operator.get(page).text
    assert "&lt;i&gt;重复记录" in shown
    assert "确认撤销入园" not in shown
    assert ledger.check().differences == ()
    assert (
        console.desk(Role.BUREAU_OPERATOR, "sun").post(f"{page}/undo", reason="再撤").status_code
        == 409
    )


def test_what_is_stated_is_sent_back_first(
    console: Console, city: City, moment: MovableClock
) -> None:
    statement = stated(city, moment)
    entry = rows(Entry)[0]
    page = f"{PAGE}/{entry.id}"
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert "须先由商务局审批退回结算单" in operator.get(page).text
    assert operator.post(f"{page}/undo", reason="记错").status_code == 409
    entry_statements.refuse(statement_id=statement.id, reason="有误", actor="郑审批")
    assert operator.post(f"{page}/undo", reason="记错").status_code == 303


def test_nobodys_entry_is_not_found(console: Console, city: City) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    assert desk.get(f"{PAGE}/{'0' * 32}").status_code == 404
    assert desk.post(f"{PAGE}/{'0' * 32}/undo", reason="x").status_code == 404
