"""A lost phone or password: asked by one administrator, confirmed by another, never by oneself."""

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import (
    StaffResetOpen,
    StaffSessionOver,
    StaffSignInRefused,
    StaffStateRefused,
)
from backend.services import (
    staff,
    staff_hand_overs,
    staff_resets,
    staff_sessions,
    staff_sign_ins,
)
from backend.storage.models.audit import AuditEntry
from backend.storage.models.staff import StaffReset
from tests.factories import MovableClock, rows
from tests.staffing import BROWSER, PASSWORD, add, desk, enrol


def request(actor: str = "zhao") -> None:
    staff_resets.request("li.wei", reason="手机遗失", actor=actor)


def test_a_reset_voids_password_phone_and_sessions_and_the_person_enrols_anew(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    under_way = staff_sign_ins.by_password("li.wei", PASSWORD, browser=BROWSER).token
    request()
    assert staff_sessions.current(li.token).name == "li.wei"
    second = staff_resets.confirm("li.wei", actor="qian")
    handed_over = f"{staff_hand_overs.take('li.wei', actor='zhao')}-{second}"
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(li.token)
    with pytest.raises(StaffSessionOver):
        staff_sign_ins.by_code(under_way, li.code(), browser=BROWSER)
    with pytest.raises(StaffSignInRefused):
        staff_sign_ins.by_password("li.wei", PASSWORD, browser=BROWSER)
    token, secret = enrol("li.wei", handed_over)
    assert secret != li.secret
    assert staff_sessions.current(token).must_change_password
    done = [(e.action, e.actor) for e in rows(AuditEntry) if "reset" in e.action]
    assert done == [("staff.request_reset", "zhao"), ("staff.confirm_reset", "qian")]


@pytest.mark.parametrize("actor", ["zhao", " ZHAO ", "li.wei"])
def test_neither_who_asked_nor_the_person_himself_confirms(app: APIFlask, actor: str) -> None:
    add()
    request()
    with pytest.raises(SecondPersonNeeded):
        staff_resets.confirm("li.wei", actor=actor)
    assert len(staff_resets.list_open()) == 1


def test_nobody_asks_for_his_own_reset(app: APIFlask) -> None:
    add()
    with pytest.raises(SecondPersonNeeded):
        request(actor="li.wei")


def test_one_request_waits_at_a_time(app: APIFlask) -> None:
    add()
    request()
    with pytest.raises(StaffResetOpen):
        request(actor="qian")
    staff_resets.refuse("li.wei", reason="已找到手机", actor="zhao")
    assert staff_resets.list_open() == []
    with pytest.raises(NotFound):
        staff_resets.confirm("li.wei", actor="qian")
    request()
    staff_resets.confirm("li.wei", actor="qian")
    with pytest.raises(NotFound):
        staff_resets.confirm("li.wei", actor="qian")
    assert [row.decision for row in rows(StaffReset)] == ["refused", "confirmed"]


def test_who_has_left_is_not_let_in_by_a_reset(app: APIFlask) -> None:
    add()
    request()
    staff.leave("li.wei", actor="zhao")
    with pytest.raises(StaffStateRefused):
        staff_resets.confirm("li.wei", actor="qian")
    staff_resets.refuse("li.wei", reason="已离岗", actor="qian")
    with pytest.raises(StaffStateRefused):
        request()
