"""Complaints: what may be handed in, and the day by which it is answered."""

from datetime import date

import pytest

from backend.domain.complaints import (
    ComplaintInvalid,
    check,
    check_reply,
    due_on,
    folded_number,
    is_overdue,
)
from tests.complaining import words


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text": "五个字才行"},
        {"text": "字" * 1000},
        {"text": "两\n行字也行"},
        {"shop": "店" * 64, "order_number": "单" * 64},
    ],
)
def test_what_is_within_its_bounds_is_taken(changes: dict[str, str]) -> None:
    check(words(**changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"form_id": "x"}, "form_id"),
        ({"category": "nonsense"}, "category"),
        ({"text": "四个字。"}, "text"),
        ({"text": "字" * 1001}, "text"),
        ({"text": "有\x00空字符的"}, "text"),
        ({"text": "倒\u202e过来的字"}, "text"),
        ({"phone": "1234567890"}, "phone"),
        ({"phone": "１３８４５６７１２３４"}, "phone"),
        ({"shop": "店" * 65}, "shop"),
        ({"order_number": "半\ud800"}, "order_number"),
    ],
)
def test_each_fault_is_named_by_its_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(ComplaintInvalid) as refused:
        check(words(**changes))
    fields = refused.value.details["fields"]
    assert isinstance(fields, dict)
    assert fields.keys() == {field}


@pytest.mark.parametrize("text", ["", "字" * 1001, "a\x00"])
def test_a_reply_wants_visible_words(text: str) -> None:
    check_reply("请到店里换券")
    with pytest.raises(ComplaintInvalid):
        check_reply(text)


@pytest.mark.parametrize(
    ("filed", "due"),
    [
        (date(2023, 4, 24), date(2023, 5, 1)),  # Monday to Monday
        (date(2023, 4, 28), date(2023, 5, 5)),  # Friday to Friday
        (date(2023, 4, 29), date(2023, 5, 5)),  # Saturday and Sunday count as nothing
        (date(2023, 4, 30), date(2023, 5, 5)),
    ],
)
def test_five_working_days_after_the_day_of_filing(filed: date, due: date) -> None:
    assert due_on(filed, working_days=5, is_working_day=lambda day: day.weekday() < 5) == due


def test_a_day_off_moves_the_last_day_and_a_worked_weekend_brings_it_back() -> None:
    off, worked = date(2023, 5, 1), date(2023, 5, 6)

    def is_working_day(day: date) -> bool:
        return day == worked or (day.weekday() < 5 and day != off)

    filed = date(2023, 4, 28)
    assert due_on(filed, working_days=1, is_working_day=is_working_day) == date(2023, 5, 2)
    assert due_on(filed, working_days=5, is_working_day=is_working_day) == worked


def test_an_answer_is_late_on_the_day_after_the_last_and_only_while_there_is_none() -> None:
    last = date(2023, 5, 5)
    assert not is_overdue("assigned", last, last)
    assert is_overdue("assigned", last, date(2023, 5, 6))
    assert is_overdue("received", last, date(2023, 5, 6))
    assert not is_overdue("answered", last, date(2023, 5, 6))


def test_a_number_is_read_however_it_is_typed() -> None:
    assert folded_number(" ２０２３ 0428-1234 5678\t") == "2023042812345678"
