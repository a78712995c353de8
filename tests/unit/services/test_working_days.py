"""Which days offices work in China."""

from datetime import date

import pytest
from structlog.testing import capture_logs

from backend.services.working_days import is_covered, is_working_day


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2023, 4, 23), True),  # a Sunday that was worked for 五一
        (date(2023, 4, 28), True),
        (date(2023, 5, 1), False),
        (date(2023, 5, 3), False),
        (date(2023, 5, 6), True),  # a Saturday that was worked
        (date(2023, 5, 7), False),
        (date(2026, 10, 1), False),
    ],
)
def test_holidays_are_off_and_the_weekends_worked_for_them_count(day: date, works: bool) -> None:
    with capture_logs() as logs:
        assert is_working_day(day) is works
    assert logs == []


def test_a_year_that_is_not_announced_counts_weekdays_and_says_so() -> None:
    assert (is_covered(2023), is_covered(2099)) == (True, False)
    with capture_logs() as logs:
        assert [is_working_day(date(2099, 5, day)) for day in (1, 2, 3, 4)] == [
            True,  # a Friday, though 五一
            False,
            False,
            True,
        ]
    assert {line["event"] for line in logs} == {"working_days_unknown"}
    assert {line["year"] for line in logs} == {2099}
