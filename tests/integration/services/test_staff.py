"""Accounts of staff: kept by administrators, never one's own, never deleted."""

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import (
    Role,
    StaffExists,
    StaffInvalid,
    StaffSessionOver,
    StaffSignInLocked,
    StaffStateRefused,
)
from backend.services import staff, staff_locks, staff_sessions
from backend.storage.models.audit import AuditEntry
from backend.storage.models.staff import StaffAccount
from tests.factories import MovableClock, rows
from tests.staffing import add, desk

ACTS = {
    "role": lambda actor: staff.change_role("li.wei", Role.FINANCE, actor=actor),
    "lock": lambda actor: staff.lock("li.wei", reason="外出", actor=actor),
    "leave": lambda actor: staff.leave("li.wei", actor=actor),
    "unlock": lambda actor: staff.unlock("li.wei", actor=actor),
    "end": lambda actor: staff.end_sessions("li.wei", actor=actor),
}


def acts() -> list[tuple[str, str]]:
    return [(entry.action, entry.actor) for entry in rows(AuditEntry)]


def test_a_login_name_is_one_persons_for_ever(app: APIFlask) -> None:
    add("Li.Wei")
    staff.leave("li.wei", actor="zhao")
    with pytest.raises(StaffExists):
        add("LI.WEI")
    with pytest.raises(StaffInvalid):
        add("李伟")
    assert [(a.login_name, a.state) for a in rows(StaffAccount)] == [("li.wei", "left")]
    assert acts() == [("staff.add", "root.admin"), ("staff.leave", "zhao")]


@pytest.mark.parametrize("name", ["role", "lock", "leave"])
def test_what_happens_to_an_account_ends_its_sessions_at_once(
    app: APIFlask, moment: MovableClock, name: str
) -> None:
    token = desk(moment).token
    ACTS[name]("zhao")
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token)
    done = acts()
    ACTS[name]("zhao")
    assert acts() == done


@pytest.mark.parametrize("name", ACTS)
def test_nobody_keeps_his_own_account(app: APIFlask, name: str) -> None:
    add()
    with pytest.raises(SecondPersonNeeded):
        ACTS[name](" LI.WEI")
    assert [action for action, _ in acts()] == ["staff.add"]


@pytest.mark.parametrize("name", ACTS)
def test_an_unknown_account_is_not_found(app: APIFlask, name: str) -> None:
    with pytest.raises(NotFound):
        ACTS[name]("zhao")


@pytest.mark.parametrize("name", ["role", "lock", "unlock"])
def test_who_has_left_stays_away(app: APIFlask, name: str) -> None:
    add()
    staff.leave("li.wei", actor="zhao")
    with pytest.raises(StaffStateRefused):
        ACTS[name]("zhao")


def test_unlocking_forgives_failures_and_opens_a_locked_account(app: APIFlask) -> None:
    add()
    for _ in range(5):
        staff_locks.begin("li.wei", "203.0.113.7")
    assert [shown.is_locked_out for shown in staff.list_all()] == [True]
    with pytest.raises(StaffSignInLocked):
        staff_locks.begin("li.wei", "203.0.113.7")
    staff.unlock("li.wei", actor="zhao")
    staff_locks.begin("li.wei", "203.0.113.7")
    staff.lock("li.wei", reason="外出", actor="zhao")
    staff.unlock("li.wei", actor="zhao")
    assert [(s.account.state, s.is_locked_out) for s in staff.list_all()] == [("active", False)]
    staff.unlock("li.wei", actor="zhao")
    assert [action for action, _ in acts()] == [
        *("staff.add", "staff.unlock", "staff.lock", "staff.unlock"),
    ]


def test_the_list_tells_who_has_a_second_factor(app: APIFlask, moment: MovableClock) -> None:
    desk(moment)
    add("wang.fang")
    assert [(s.account.login_name, s.is_enrolled) for s in staff.list_all()] == [
        ("li.wei", True),
        ("wang.fang", False),
    ]


def test_an_administrator_ends_what_a_person_is_signed_in_to(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    li.sign_in()
    assert staff.end_sessions("li.wei", actor="zhao") == 2
    assert staff_sessions.list_live("li.wei") == []
    assert staff.end_sessions("li.wei", actor="zhao") == 0
