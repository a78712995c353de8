"""Windows, an area and daily releases, to the millisecond and the metre."""

from datetime import datetime, timedelta

import pytest

from backend.domain.china import CHINA
from backend.domain.claim_rules import (
    ClaimArea,
    ClaimWindow,
    DailyRelease,
    Position,
    distance_m,
    first_release,
    next_window,
    window_open,
    within,
)

FRIDAY = datetime(2023, 4, 28, tzinfo=CHINA)
MS = timedelta(milliseconds=1)
NIGHTS = (ClaimWindow(weekdays=(5, 6, 7), from_minute=18 * 60, until_minute=1440),)
SQUARE = ClaimArea(
    name="东北亚广场", latitude_e6=47_651_300, longitude_e6=132_510_400, radius_m=300
)
END = FRIDAY + timedelta(days=13)


def at(hours: float, days: int = 0) -> datetime:
    return FRIDAY + timedelta(days=days, hours=hours)


@pytest.mark.parametrize(
    ("moment", "is_open", "following"),
    [
        (at(18) - MS, False, at(18)),
        (at(18), True, at(18, 1)),
        (at(24) - MS, True, at(18, 1)),
        (at(24), False, at(18, 1)),  # Saturday, 00:00
        (at(24, 2), False, at(18, 7)),  # Monday
        (at(24, 9), False, None),  # the campaign ends before the next Friday's
    ],
)
def test_a_window_opens_and_shuts_to_the_millisecond_and_the_next_is_known(
    moment: datetime, is_open: bool, following: datetime | None
) -> None:
    assert window_open(NIGHTS, moment) is is_open
    assert next_window(NIGHTS, moment, ends_at=END - timedelta(days=3)) == following


def test_no_windows_are_no_restriction() -> None:
    assert window_open((), FRIDAY)
    assert next_window((), FRIDAY, ends_at=END) is None


def test_the_edge_of_an_area_belongs_to_it() -> None:
    north = Position(latitude=47.6513 + 300 / 111_195.08, longitude=132.5104)
    assert distance_m(SQUARE, north) == pytest.approx(300, abs=0.01)
    for metres, inside in ((299.9, True), (300.1, False)):
        position = Position(latitude=47.6513 + metres / 111_195.08, longitude=132.5104)
        assert within(SQUARE, position) is inside
    east = Position(latitude=47.6513, longitude=132.5104 + 0.01)  # 0.01° of longitude at 47.65°
    assert distance_m(SQUARE, east) == pytest.approx(749, abs=1)


def test_a_position_never_shows_itself_in_a_message() -> None:
    assert "47" not in repr(Position(latitude=47.6513, longitude=132.5104))


def test_the_first_release_is_the_opening_or_the_next_set_time_after_it() -> None:
    opening = at(10)
    assert first_release(opening, None) == opening
    assert first_release(opening, 600) == opening
    assert first_release(opening, 18 * 60) == at(18)
    assert first_release(opening, 9 * 60) == at(9, 1)


def release(*, carry_over: bool) -> DailyRelease:
    return DailyRelease(units=50, first_at=at(10), carry_over=carry_over)


@pytest.mark.parametrize(
    ("moment", "day", "unreleased", "today"),
    [
        (at(10) - MS, -1, 120, 0),
        (at(10), 0, 70, 50),
        (at(10, 1) - MS, 0, 70, 50),
        (at(10, 1), 1, 20, 50),
        (at(10, 2), 2, 0, 50),
    ],
)
def test_a_day_of_release_begins_at_its_hour_and_adds_up_only_where_it_carries_over(
    moment: datetime, day: int, unreleased: int, today: int
) -> None:
    for carry_over in (True, False):
        assert release(carry_over=carry_over).day(moment) == day
        assert release(carry_over=carry_over).units_today(moment) == today
    assert release(carry_over=True).unreleased(120, moment) == unreleased
    assert release(carry_over=False).unreleased(120, moment) == 0


def test_the_next_release_is_none_when_the_campaign_ends_with_it() -> None:
    assert release(carry_over=True).next_at(at(10) - MS, ends_at=END) == at(10)
    assert release(carry_over=True).next_at(at(10), ends_at=END) == at(10, 1)
    assert release(carry_over=True).next_at(at(10), ends_at=at(10, 1)) is None
