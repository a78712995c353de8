"""Monthly statements of entries at the console: one office states, another confirms."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.services import entry_statements
from backend.storage.models.entries import EntryStatement
from tests.console import Console
from tests.entering import GATE, enter, gate, stated
from tests.factories import City, MovableClock, rows


def test_one_office_states_a_month_and_another_confirms_it(
    console: Console, city: City, moment: MovableClock
) -> None:
    enter(gate(city), city.resident())
    moment.move(days=4)
    tourism, approver = console.desk(Role.TOURISM), console.desk(Role.BUREAU_APPROVER)
    assert "还没有记录" in approver.get("/console/entries").text
    made = tourism.post("/console/entries", campaign_id=GATE, month="2023-04")
    assert made.status_code == 303
    path = made.location
    assert path == f"/console/entries/{GATE}-202304-1"
    assert "复核通过" not in tourism.get(path).text
    assert tourism.post(f"{path}/confirm").status_code == 403
    assert "待复核" in approver.get("/console/entries").text
    assert approver.post(f"{path}/confirm").status_code == 303
    assert [s.state for s in rows(EntryStatement)] == ["confirmed"]
    assert approver.post(f"{path}/refuse", reason="晚了").status_code == 409


@pytest.mark.parametrize("month", ["2023-13", "2023-4", "", "1999-01", "<script>alert(1)</script>"])
def test_what_is_no_month_is_refused(console: Console, city: City, month: str) -> None:
    desk = console.desk(Role.TOURISM)
    answer = desk.post("/console/entries", campaign_id="NO-SUCH", month=month)
    assert answer.status_code == 400
    assert rows(EntryStatement) == []


def test_a_month_that_is_not_over_is_not_stated(console: Console, city: City) -> None:
    enter(gate(city), city.resident())
    answer = console.desk(Role.TOURISM).post("/console/entries", campaign_id=GATE, month="2023-04")
    assert answer.status_code == 422
    assert "还没有结束" in answer.text


def test_a_statement_is_sent_back_with_a_reason_that_is_no_script(
    console: Console, city: City, moment: MovableClock
) -> None:
    path = f"/console/entries/{stated(city, moment).id}"
    approver = console.desk(Role.BUREAU_APPROVER)
    assert approver.post(f"{path}/refuse").status_code == 400
    assert approver.post(f"{path}/refuse", reason="<script>x</script>").status_code == 303
    text = console.desk(Role.TOURISM).get(path).text
    assert "&lt;script&gt;x" in text
    assert "<script>x" not in text


def test_who_made_a_statement_does_not_confirm_it_in_another_role(
    console: Console, city: City, moment: MovableClock
) -> None:
    enter(gate(city), city.resident())
    moment.move(days=4)
    made = entry_statements.make(campaign_id=GATE, month="2023-04", actor="li.wei")
    desk = console.desk(Role.BUREAU_APPROVER, "li.wei")
    assert "复核通过" not in desk.get(f"/console/entries/{made.id}").text
    assert desk.post(f"/console/entries/{made.id}/confirm").status_code == 403


def test_statements_are_filtered_exported_and_taken_as_files(
    console: Console, city: City, moment: MovableClock
) -> None:
    made = stated(city, moment)
    desk = console.desk(Role.BUREAU_APPROVER)
    path = f"/console/entries/{made.id}/file"
    assert desk.get(f"{path}?kind=pdf").data.startswith(b"%PDF")
    assert desk.get(f"{path}?kind=xlsx").data.startswith(b"PK")
    assert desk.get(f"{path}?kind=exe").status_code == 404
    assert made.id in desk.get("/console/entries?month=2023-04&state=drafted").text
    for none in ("month=2023-05", "state=confirmed"):
        assert "没有符合条件的记录" in desk.get(f"/console/entries?{none}").text
    answer = desk.get("/console/entries?format=xlsx")
    lines = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [(line[0], line[5]) for line in lines[1:]] == [(made.id, made.amount_fen / 100)]
