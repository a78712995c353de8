"""The one clock: never backwards, and China's days."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.clock import CHINA, Clock

NOON = datetime(2023, 4, 28, 12, tzinfo=CHINA)
A_MILLENNIUM_MS = 32_503_680_000_000


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """The machine's two clocks, which a test may set."""
    clocks = {"time": NOON.timestamp(), "monotonic": 1_000.0}
    monkeypatch.setattr(time, "time", lambda: clocks["time"])
    monkeypatch.setattr(time, "monotonic", lambda: clocks["monotonic"])
    yield clocks
    monkeypatch.undo()
    clock.use(Clock())


def test_it_follows_the_wall_clock_forward(wall: dict[str, float]) -> None:
    own = Clock()
    wall["time"] += 3_600
    assert own.now_s() == NOON.timestamp() + 3_600


def test_a_wall_clock_set_back_does_not_take_it_along(wall: dict[str, float]) -> None:
    own = Clock()
    before_s = own.now_s()
    wall["time"] -= 86_400
    assert own.now_s() == before_s
    wall["monotonic"] += 5
    assert own.now_s() == before_s + 5  # it goes on, by the clock that cannot be set
    wall["time"] += 86_400 + 60
    assert own.now_s() == before_s + 60  # and joins the wall clock again once that is ahead


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e3)), max_size=20))
def test_no_setting_of_the_wall_clock_makes_it_run_backwards(
    steps: list[tuple[float, float]],
) -> None:
    clocks = {"time": NOON.timestamp(), "monotonic": 0.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: clocks["time"])
        patch.setattr(time, "monotonic", lambda: clocks["monotonic"])
        own = Clock()
        seen = [own.now_s()]
        for wall_s, steady_s in steps:
            clocks["time"] += wall_s
            clocks["monotonic"] += steady_s
            seen.append(own.now_s())
    assert seen == sorted(seen)


def test_a_floor_lifts_it_and_never_lowers_it(wall: dict[str, float]) -> None:
    own = Clock()
    own.raise_floor(NOON + timedelta(hours=1))
    assert own.now_s() == NOON.timestamp() + 3_600
    own.raise_floor(NOON - timedelta(days=1))
    assert own.now_s() == NOON.timestamp() + 3_600
    wall["monotonic"] += 1
    assert own.now_s() == NOON.timestamp() + 3_601  # time passes above the floor too


def test_an_offset_shifts_it(wall: dict[str, float]) -> None:
    assert Clock(offset_s=-90.5).now_s() == NOON.timestamp() - 90.5


def test_the_process_reads_the_clock_in_use(wall: dict[str, float]) -> None:
    clock.use(Clock(offset_s=60))
    assert clock.now() == NOON + timedelta(minutes=1)
    clock.raise_floor(NOON + timedelta(hours=13))
    assert clock.now() == NOON + timedelta(hours=13)
    assert clock.today() == date(2023, 4, 29)
    assert clock.now().tzinfo is CHINA


@given(st.integers(-A_MILLENNIUM_MS, A_MILLENNIUM_MS))
def test_milliseconds_become_a_time_and_come_back_exactly(milliseconds: int) -> None:
    at = clock.from_ms(milliseconds)
    assert clock.to_ms(at) == milliseconds
    assert at.tzinfo is CHINA
    assert at.microsecond % 1_000 == 0


@given(st.integers(-A_MILLENNIUM_MS * 1_000, A_MILLENNIUM_MS * 1_000), st.integers(-14, 14))
def test_a_time_of_any_zone_loses_only_what_is_below_a_millisecond(
    microseconds: int, hours: int
) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    elsewhere = at.astimezone(timezone(timedelta(hours=hours)))
    assert clock.to_ms(elsewhere) == clock.to_ms(at)
    lost = at - clock.from_ms(clock.to_ms(elsewhere))
    assert timedelta(0) <= lost < timedelta(milliseconds=1)


def test_the_business_day_begins_at_midnight_in_china(wall: dict[str, float]) -> None:
    midnight = datetime(2023, 4, 28, 16, tzinfo=UTC)
    for seconds, day in ((-0.001, date(2023, 4, 28)), (0, date(2023, 4, 29))):
        wall["time"] = midnight.timestamp() + seconds
        clock.use(Clock())
        assert clock.today() == day


@given(st.dates(date(1992, 1, 1), date(2999, 12, 31)))
def test_every_day_in_china_has_24_hours_and_meets_the_next(day: date) -> None:
    start, end = clock.day_bounds(day)
    assert (end.astimezone(UTC) - start.astimezone(UTC)) == timedelta(hours=24)
    assert start.utcoffset() == end.utcoffset() == timedelta(hours=8)
    assert start.date() == day
    assert (end - timedelta(microseconds=1)).date() == day
    assert clock.day_bounds(day + timedelta(days=1))[0] == end


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [(60_000, 60), (60_001, 61), (1, 1), (0, 1), (-5000, 1)]
)
def test_a_wait_is_in_whole_seconds_never_too_short_and_never_none(
    milliseconds: int, seconds: int
) -> None:
    assert clock.seconds_until(NOON + timedelta(milliseconds=milliseconds), NOON) == seconds


def test_a_clock_that_was_shifted_says_that_others_tell_another_time() -> None:
    assert Clock().follows_wall_time
    assert not Clock(offset_s=-0.5).follows_wall_time
