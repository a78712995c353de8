"""Months of entries, and when one is over."""

from datetime import date, datetime

import pytest

from backend.domain import entries
from backend.domain.china import CHINA


def test_a_month_has_its_own_last_day() -> None:
    found = [entries.last_day(month) for month in ("2023-02", "2024-02", "2023-12", "2023-04")]
    assert [day.day for day in found] == [28, 29, 31, 30]
    assert entries.month_of(date(2023, 5, 1)) == "2023-05"


@pytest.mark.parametrize("text", ["2023-13", "2023-5", "202305", "", "2023-05-01", "２０２３-05"])
def test_another_text_is_no_month(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        entries.last_day(text)


def test_a_month_may_be_stated_from_half_past_midnight_of_the_next() -> None:
    half_past = datetime(2023, 5, 1, 0, 30, tzinfo=CHINA)
    assert entries.refuse_open_month("2023-04", now=half_past) == date(2023, 4, 30)
    with pytest.raises(entries.EntryMonthOpen):
        entries.refuse_open_month("2023-04", now=half_past.replace(minute=29, second=59))
    with pytest.raises(entries.EntryMonthOpen):
        entries.refuse_open_month("2023-05", now=half_past)


def test_a_statement_is_named_after_campaign_month_and_number() -> None:
    assert entries.statement_id("GATE-JJK", "2023-05", 2) == "GATE-JJK-202305-2"
