"""Accounts of staff: kept by administrators, never one's own, never deleted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import (
    StaffExists,
    StaffInvalid,
    StaffSessionOver,
    StaffSignInLocked,
    StaffStateRefused,
)
from backend.extensions import db
from backend.services import staff, staff_locks, staff_sessions
from backend.storage.models.audit import AuditEntry
from backend.storage.models.staff import StaffAccount
from tests.factories import MovableClock, rows
from tests.staffing import add, desk, enrol

ACTS = {
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
    assert acts() == [
        ("staff.propose_account", "root.admin"),
        ("staff.add", "qian.admin"),
        ("staff.show_half", "root.admin"),
        ("staff.leave", "zhao"),
    ]


@pytest.mark.parametrize("name", ["lock", "leave"])
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
    made = ["staff.propose_account", "staff.add", "staff.show_half"]
    assert [action for action, _ in acts()] == made


@pytest.mark.parametrize("name", ACTS)
def test_an_unknown_account_is_not_found(app: APIFlask, name: str) -> None:
    with pytest.raises(NotFound):
        ACTS[name]("zhao")


@pytest.mark.parametrize("name", ["lock", "unlock"])
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
        *("staff.propose_account", "staff.add", "staff.show_half"),
        *("staff.unlock", "staff.lock", "staff.unlock"),
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


def first(name: str = "zhao") -> str:
    return staff.add_first(name, display_name="赵敏", office="商务局", actor="root.admin")


def test_the_first_administrator_needs_nobody_and_there_is_no_other_first(app: APIFlask) -> None:
    enrol("zhao", first())
    for name in ("zhao", "qian"):
        with pytest.raises(StaffStateRefused):
            first(name)
    assert [(a.login_name, a.role) for a in rows(StaffAccount)] == [("zhao", "administrator")]


def test_without_any_active_administrator_a_first_one_may_be_made_again(app: APIFlask) -> None:
    first()
    staff.leave("zhao", actor="root.admin")
    with pytest.raises(StaffExists):
        first()
    first("qian")
    assert staff.has_administrator()


def test_of_eight_first_administrators_at_once_one_is_made(app: APIFlask) -> None:
    gate = threading.Barrier(8)

    def make(number: int) -> bool:
        with app.app_context():
            gate.wait()
            try:
                first(f"admin{number}")
            except StaffStateRefused:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 1
    assert len(rows(StaffAccount)) == 1
