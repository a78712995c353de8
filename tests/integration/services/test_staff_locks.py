"""Failures lock a name and an address: exactly the limit is answered, however many ask."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask

from backend.domain.staff import StaffSignInLocked
from backend.extensions import db
from backend.services import staff_locks
from backend.storage.models.staff import StaffFailure
from backend.storage.sql import transaction
from tests.factories import MovableClock, rows


def fail(
    times: int, name: str = "li.wei", address: str = "203.0.113.7"
) -> list[staff_locks.Attempt]:
    return [staff_locks.begin(name, address) for _ in range(times)]


def test_five_failures_of_a_name_lock_it_from_any_address_in_any_case(app: APIFlask) -> None:
    fail(5)
    with pytest.raises(StaffSignInLocked):
        fail(1, name=" LI.WEI ", address="198.51.100.1")
    fail(1, name="wang.fang")


def test_twenty_failures_of_an_address_lock_it_for_every_name(app: APIFlask) -> None:
    for n in range(20):
        fail(1, name=f"name{n}")
    with pytest.raises(StaffSignInLocked):
        fail(1, name="somebody")
    fail(1, name="somebody", address="203.0.113.8")


def test_an_ipv6_subscriber_is_one_address(app: APIFlask) -> None:
    for n in range(20):
        fail(1, name=f"name{n}", address=f"2001:db8::{n:x}")
    with pytest.raises(StaffSignInLocked):
        fail(1, name="somebody", address="2001:db8::ffff")
    fail(1, name="somebody", address="2001:db8:0:1::1")


def test_a_lock_lasts_15_minutes_from_the_last_failure_and_says_how_long(
    app: APIFlask, moment: MovableClock
) -> None:
    fail(4)
    moment.move(minutes=10)
    fail(1)
    moment.move(minutes=14, seconds=59)
    with pytest.raises(StaffSignInLocked) as locked:
        fail(1)
    assert locked.value.retry_after_s == 1
    moment.move(seconds=1)
    fail(1)


def test_failures_of_15_minutes_ago_no_longer_count(app: APIFlask, moment: MovableClock) -> None:
    fail(1)
    moment.move(minutes=14, seconds=59)
    fail(3)
    moment.move(seconds=1)
    fail(2)  # five again, the first of them now too old: not yet locked …
    with pytest.raises(StaffSignInLocked):
        fail(1)  # … but these five lie within a second


def test_an_attempt_that_was_right_is_taken_back(app: APIFlask) -> None:
    fail(4)
    for _ in range(3):
        (attempt,) = fail(1)
        with transaction() as session:
            staff_locks.take_back(session, attempt)
    fail(1)
    with pytest.raises(StaffSignInLocked):
        fail(1)


def test_forgiving_a_name_leaves_the_address_locked(app: APIFlask) -> None:
    for n in range(4):
        fail(5, name=f"name{n}")
    with transaction() as session:
        assert staff_locks.is_locked(session, "name0")
        assert staff_locks.forgive(session, "name0")
        assert not staff_locks.is_locked(session, "name0")
    with pytest.raises(StaffSignInLocked):
        fail(1, name="name0")


def test_forty_at_once_are_answered_five_times(app: APIFlask) -> None:
    gate = threading.Barrier(40)

    def ask(n: int) -> bool:
        with app.app_context():
            gate.wait()
            try:
                fail(1, address=f"203.0.113.{n}")
            except StaffSignInLocked:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(40) as pool:
        assert sum(pool.map(ask, range(40))) == 5


def test_nothing_that_was_typed_is_kept_and_all_is_forgotten_after_a_day(
    app: APIFlask, moment: MovableClock
) -> None:
    fail(1, name="MyPassword123")
    assert not any("mypassword" in row.subject.casefold() for row in rows(StaffFailure))
    moment.move(days=1)
    assert staff_locks.forget_old() == 0
    moment.move(seconds=1)
    assert staff_locks.forget_old() == 2
    assert rows(StaffFailure) == []
