"""Residents at the console: masked, found by little, blocked with a reason, seldom unmasked."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.domain.unmasking import SHOWN_S, UNMASKS_A_DAY
from backend.services import blocks
from backend.storage.models.audit import AuditEntry
from tests.console import Console
from tests.factories import City, Person, rows

PHONE = "13800001111"


@pytest.fixture
def person(city: City) -> Person:
    """Somebody with a voucher and a card."""
    found = city.resident(PHONE)
    city.bind_card(found)
    city.claim(found)
    return found


def test_a_page_shows_vouchers_and_cards_and_never_a_whole_number(
    console: Console, person: Person
) -> None:
    desk = console.desk(Role.AUDITOR)
    for path in ("/console/residents?last4=1111", f"/console/residents/{person.id}"):
        text = desk.get(path).text
        assert "*******1111" in text, path
        assert PHONE not in text, path
    assert "尾号 0018" in text
    assert "未使用" in text
    assert "查看完整号码" not in text
    for nothing in ("last4=9999", "voucher_id=1", "resident_id=999999999", "blocked=yes"):
        assert "没有符合条件的记录" in desk.get(f"/console/residents?{nothing}").text, nothing
    for wrong in ("last4=111", "resident_id=x", "voucher_id=-1", "blocked=perhaps"):
        assert desk.get(f"/console/residents?{wrong}").status_code == 400, wrong


def test_the_whole_number_wants_a_reason_and_leaves_by_itself(
    console: Console, person: Person
) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    path = f"/console/residents/{person.id}"
    assert desk.post(f"{path}/unmask", reason=" ").status_code == 400
    assert not [a for a in rows(AuditEntry) if a.action == "resident.unmask"]
    shown = desk.post(f"{path}/unmask", reason="核实投诉")
    assert PHONE in shown.text
    assert shown.headers["Refresh"] == f"{SHOWN_S}; url={path}"
    assert shown.headers["Cache-Control"] == "no-store"
    assert PHONE not in desk.get(path).text
    for _ in range(UNMASKS_A_DAY[Role.BUREAU_OPERATOR] - 1):
        desk.post(f"{path}/unmask", reason="核实投诉")
    refused = desk.post(f"{path}/unmask", reason="核实投诉")
    assert refused.status_code == 429
    assert PHONE not in refused.text


def test_one_role_blocks_and_another_lifts(console: Console, person: Person) -> None:
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    path = f"/console/residents/{person.id}"
    assert operator.post(f"{path}/block").status_code == 400
    evil = "<script>alert(1)</script>"
    assert operator.post(f"{path}/block", reason=evil).status_code == 303
    assert [b.resident_id for b in blocks.list_standing()] == [person.id]
    text = approver.get(path).text
    assert "&lt;script&gt;" in text
    assert evil not in text
    assert operator.post(f"{path}/unblock", reason="误停").status_code == 403
    assert approver.post(f"{path}/unblock", reason="误停").status_code == 303
    assert "误停" in operator.get(path).text


def test_what_is_taken_away_is_masked_too(console: Console, person: Person) -> None:
    answer = console.desk(Role.AUDITOR).get("/console/residents?last4=1111&format=xlsx")
    lines = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [line[1] for line in lines[1:]] == ["*******1111"]
