"""Complaints in lists: what is due first stands first, what is late is found apart."""

from datetime import date, datetime, timedelta

import pytest
from apiflask import APIFlask

from backend.clock import CHINA
from backend.services import complaint_lists, complaints
from backend.services.complaint_lists import Sought
from tests.complaining import file_one
from tests.factories import MovableClock


def numbers(**wanted: object) -> list[str]:
    return [c.number for c in complaint_lists.find(Sought(**wanted)).each()]  # type: ignore[arg-type]  # a test's own


def answered() -> str:
    number = file_one().number
    complaints.assign(number, office="bureau", actor="jing.ban")
    complaints.answer(number, text="已请商户改正", actor="jing.ban")
    return number


def test_what_is_late_is_listed_apart_and_by_office(app: APIFlask, moment: MovableClock) -> None:
    moment.set(datetime(2023, 4, 28, 12, tzinfo=CHINA))
    late, done = file_one().number, answered()
    complaints.assign(late, office="tourism", actor="jing.ban")
    assert numbers(overdue=True) == []
    moment.set(datetime(2023, 5, 10, tzinfo=CHINA) - timedelta(milliseconds=1))
    assert numbers(overdue=True) == []
    moment.set(datetime(2023, 5, 10, tzinfo=CHINA))
    assert numbers(overdue=True) == [late]
    assert numbers(office="bureau") == [done]
    assert numbers(state="answered") == [done]


def test_the_unanswered_come_first_and_of_these_what_is_due_first(
    app: APIFlask, moment: MovableClock
) -> None:
    moment.set(datetime(2023, 4, 20, 12, tzinfo=CHINA))
    closed, waiting = answered(), answered()
    complaints.close(closed, actor="shen.pi")
    moment.set(datetime(2023, 4, 26, 12, tzinfo=CHINA))
    older = file_one().number
    moment.set(datetime(2023, 4, 27, 12, tzinfo=CHINA))
    newer = file_one().number
    assert numbers() == [older, newer, waiting, closed]
    assert numbers(since=date(2023, 4, 27)) == [newer]
    assert numbers(through=date(2023, 4, 26), state="received") == [older]


def test_one_is_found_by_its_number_as_people_type_it_and_by_category(app: APIFlask) -> None:
    one, other = file_one(category="money").number, file_one(category="fraud").number
    assert numbers(number=f"{one[:8]} {one[8:]}") == [one]
    assert numbers(category="fraud") == [other]
    assert numbers(number="1") == []


@pytest.mark.parametrize("days", [0, 30])
def test_offices_are_counted_with_what_is_late(
    app: APIFlask, moment: MovableClock, days: int
) -> None:
    file_one()
    complaints.assign(file_one().number, office="tourism", actor="jing.ban")
    answered()
    moment.move(days=days)
    late = 1 if days else 0
    assert complaint_lists.counts() == {
        "": (1, late),
        "bureau": (0, 0),
        "market_regulator": (0, 0),
        "tourism": (1, late),
    }
    assert complaint_lists.count(Sought(state="received")) == 1
