"""Signing in at the console: password, then a code that counts once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from apiflask import APIFlask
from argon2 import PasswordHasher

from backend.domain.staff import (
    OneTimePasswordOver,
    PasswordRefused,
    Role,
    StaffAccountClosed,
    StaffSessionOver,
    StaffSignInLocked,
    StaffSignInRefused,
)
from backend.extensions import db
from backend.services import staff, staff_sessions, staff_sign_ins
from backend.storage.models.audit import AuditEntry
from backend.storage.models.staff import StaffAccount, StaffFailure, StaffSession
from backend.storage.sql import transaction
from tests.factories import MovableClock, rows
from tests.staffing import BROWSER, OTHER_BROWSER, PASSWORD, add, code_of, desk, enrol


def by_password(password: str, name: str = "li.wei") -> staff_sign_ins.Begun:
    return staff_sign_ins.by_password(name, password, browser=BROWSER)


def test_the_first_sign_in_enrols_a_phone_and_may_do_nothing_before_a_new_password(
    app: APIFlask,
) -> None:
    first = add()
    begun = by_password(first, name=" Li.Wei ")
    assert begun.must_enrol
    offer = staff_sign_ins.enrolment(begun.token)
    assert pyotp.parse_uri(offer.link).secret == offer.secret
    assert "li.wei" in offer.link
    assert offer.picture.startswith(b"<svg")
    assert staff_sign_ins.enrolment(begun.token) == offer
    token, member = staff_sign_ins.by_code(begun.token, code_of(offer.secret), browser=BROWSER)
    assert (member.name, member.role, member.must_change_password) == (
        "li.wei",
        Role.BUREAU_OPERATOR,
        True,
    )
    assert member.permissions == frozenset()
    token = staff_sign_ins.change_password(token, old=first, new=PASSWORD, browser=BROWSER)
    assert staff_sessions.current(token).permissions
    acts = [entry.action for entry in rows(AuditEntry)]
    assert acts == [
        *("staff.propose_account", "staff.add", "staff.show_half"),
        *("staff.enrol", "staff.change_password"),
    ]


def test_secrets_are_neither_in_the_tables_nor_in_the_audit_log(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    told = str(
        [vars(row) for model in (StaffAccount, StaffSession, AuditEntry) for row in rows(model)]
    )
    assert "li.wei" in told
    for secret in (li.secret, li.password, li.token):
        assert secret not in told


def test_a_code_counts_once_also_in_another_browser(app: APIFlask, moment: MovableClock) -> None:
    li = desk(moment)
    code = li.code()
    staff_sign_ins.by_code(by_password(PASSWORD).token, code, browser=BROWSER)
    with pytest.raises(StaffSignInRefused):
        staff_sign_ins.by_code(by_password(PASSWORD).token, code, browser=OTHER_BROWSER)


def test_a_code_may_be_typed_under_a_chinese_input_method(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in li.code())
    staff_sign_ins.by_code(by_password(PASSWORD).token, f" {wide}　", browser=BROWSER)


def test_one_code_sent_four_times_at_once_signs_in_once(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    code = li.code()
    begun = [by_password(PASSWORD).token for _ in range(4)]
    gate = threading.Barrier(len(begun))

    def ask(token: str) -> bool:
        with app.app_context():
            gate.wait()
            try:
                staff_sign_ins.by_code(token, code, browser=BROWSER)
            except StaffSignInRefused:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(len(begun)) as pool:
        assert sum(pool.map(ask, begun)) == 1


@pytest.mark.parametrize(("off_s", "counts"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_phones_clock_may_be_30_seconds_off_and_no_more(
    app: APIFlask, moment: MovableClock, off_s: int, counts: bool
) -> None:
    li = desk(moment)
    moment.move(minutes=5)
    token = by_password(PASSWORD).token
    moment.move(seconds=off_s)
    code = code_of(li.secret)
    moment.move(seconds=-off_s)
    if counts:
        staff_sign_ins.by_code(token, code, browser=BROWSER)
    else:
        with pytest.raises(StaffSignInRefused):
            staff_sign_ins.by_code(token, code, browser=BROWSER)


def test_unknown_name_wrong_password_and_wrong_code_are_answered_alike(
    app: APIFlask, moment: MovableClock
) -> None:
    """And after the same time: see the passwords' own test."""
    desk(moment)
    for name in ("li.wei", "no.body", "", "李伟", "li.wei\0", "x" * 60_000):
        with pytest.raises(StaffSignInRefused):
            by_password("T9;kd-02.qWz", name=name)
    with pytest.raises(StaffSignInRefused):
        staff_sign_ins.by_code(by_password(PASSWORD).token, "000000", browser=BROWSER)


def test_wrong_codes_lock_although_the_password_is_right_each_time(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    moment.move(minutes=20)
    for _ in range(5):
        with pytest.raises(StaffSignInRefused):
            staff_sign_ins.by_code(by_password(PASSWORD).token, "000000", browser=BROWSER)
    with pytest.raises(StaffSignInLocked):
        by_password(PASSWORD)
    moment.move(minutes=15)
    li.sign_in()
    assert not any(row.subject.startswith("name:") for row in rows(StaffFailure))


def test_between_password_and_code_there_are_five_minutes(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    for wait_s, counts in ((299, True), (300, False)):
        moment.move(minutes=1)
        token = by_password(PASSWORD).token
        moment.move(seconds=wait_s)
        if counts:
            staff_sign_ins.by_code(token, code_of(li.secret), browser=BROWSER)
        with pytest.raises(StaffSessionOver):
            staff_sign_ins.by_code(token, li.code(), browser=BROWSER)


def test_the_token_changes_with_the_code_and_neither_stands_for_the_other(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    begun = by_password(PASSWORD).token
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(begun)
    with pytest.raises(StaffSessionOver):
        staff_sign_ins.enrolment(begun)
    token, _ = staff_sign_ins.by_code(begun, li.code(), browser=BROWSER)
    assert token != begun
    with pytest.raises(StaffSessionOver):
        staff_sign_ins.by_code(token, li.code(), browser=BROWSER)
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(begun)


def test_two_offers_of_a_second_factor_enrol_one(app: APIFlask, moment: MovableClock) -> None:
    first = add()
    begun = [by_password(first).token for _ in range(2)]
    secrets = [staff_sign_ins.enrolment(token).secret for token in begun]
    assert secrets[0] != secrets[1]
    staff_sign_ins.by_code(begun[0], code_of(secrets[0]), browser=BROWSER)
    with pytest.raises(StaffSignInRefused):
        staff_sign_ins.by_code(begun[1], code_of(secrets[1]), browser=BROWSER)


def test_a_one_time_password_lasts_three_days(app: APIFlask, moment: MovableClock) -> None:
    first = add()
    moment.move(days=3, seconds=-1)
    by_password(first)
    moment.move(seconds=1)
    with pytest.raises(OneTimePasswordOver):
        by_password(first)
    with pytest.raises(StaffSignInRefused):
        by_password("wrong")


@pytest.mark.parametrize(
    "close",
    [
        lambda: staff.lock("li.wei", reason="外出", actor="zhao"),
        lambda: staff.leave("li.wei", actor="zhao"),
    ],
)
def test_that_an_account_is_closed_is_told_to_who_knows_its_password_alone(
    app: APIFlask, close: Callable[[], None]
) -> None:
    first = add()
    close()
    with pytest.raises(StaffAccountClosed):
        by_password(first)
    with pytest.raises(StaffSignInRefused):
        by_password("wrong")


def test_a_new_password_ends_every_other_session_and_the_old_password(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    other = li.sign_in(OTHER_BROWSER)
    new = staff_sign_ins.change_password(
        li.token, old=PASSWORD, new="T9;kd-02.qWz", browser=BROWSER
    )
    for token in (li.token, other):
        with pytest.raises(StaffSessionOver):
            staff_sessions.current(token)
    assert staff_sessions.current(new).name == "li.wei"
    with pytest.raises(StaffSignInRefused):
        by_password(PASSWORD)
    by_password("T9;kd-02.qWz")


def test_changing_a_password_wants_the_old_one_and_a_good_new_one(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    moment.move(minutes=20)
    for new in (PASSWORD, "short", "李伟T9;kd-02.qWz"):
        with pytest.raises(PasswordRefused):
            staff_sign_ins.change_password(li.token, old=PASSWORD, new=new, browser=BROWSER)
    for _ in range(5):
        with pytest.raises(StaffSignInRefused):
            staff_sign_ins.change_password(
                li.token, old="wrong", new="T9;kd-02.qWz", browser=BROWSER
            )
    with pytest.raises(StaffSignInLocked):
        staff_sign_ins.change_password(li.token, old=PASSWORD, new="T9;kd-02.qWz", browser=BROWSER)


def test_a_password_kept_with_old_parameters_is_hashed_anew_at_the_next_sign_in(
    app: APIFlask, moment: MovableClock
) -> None:
    desk(moment)
    weak = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    with transaction() as session:
        session.query(StaffAccount).one().password_hash = weak
    by_password(PASSWORD)
    (account,) = rows(StaffAccount)
    assert account.password_hash != weak
    by_password(PASSWORD)


def test_who_is_enrolled_is_offered_no_second_factor_again(app: APIFlask) -> None:
    first = add()
    enrol("li.wei", first)
    assert not by_password(first).must_enrol
