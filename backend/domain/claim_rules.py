"""When, where and how much of a campaign can be claimed: windows, an area, a release each day.

All is decided from the terms and the moment alone, so that no job has to be awake at midnight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt

from backend.domain.china import CHINA

_DAY = timedelta(days=1)
_EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, kw_only=True)
class ClaimWindow:
    """Hours in which can be claimed: [from, until) on weekdays 1 (Monday) to 7, in China."""

    weekdays: tuple[int, ...]
    from_minute: int
    until_minute: int


@dataclass(frozen=True, kw_only=True)
class ClaimArea:
    """A circle in which can be claimed, with a name that people know.

    The centre is in millionths of a degree, in the system the phone answers in (gcj02).
    """

    name: str
    latitude_e6: int
    longitude_e6: int
    radius_m: int


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a phone says it is, in degrees. Never kept and never logged."""

    latitude: float
    longitude: float

    def __repr__(self) -> str:
        """Say nothing: a position must not reach a log by way of a message."""
        return "Position(…)"


@dataclass(frozen=True, kw_only=True)
class DailyRelease:
    """Units of each tier that are given out each day, from `first_at` on.

    :param carry_over: what is left of a day is added to the next; else it is not given out
    """

    units: int
    first_at: datetime
    carry_over: bool

    def day(self, at: datetime) -> int:
        """Return the number of the release that counts at a moment, from 0; -1 before the first."""
        return max((at - self.first_at) // _DAY, -1)

    def began_at(self, at: datetime) -> datetime:
        """Return when the release that counts at a moment began."""
        return self.first_at + self.day(at) * _DAY

    def next_at(self, at: datetime, *, ends_at: datetime) -> datetime | None:
        """Return the moment of the next release, or None when the campaign ends before it."""
        following = self.began_at(at) + _DAY
        return following if following < ends_at else None

    def unreleased(self, count: int, at: datetime) -> int:
        """Return how many of a tier's units are not released yet, where days are added up."""
        return max(count - self.units * (self.day(at) + 1), 0) if self.carry_over else 0

    def units_today(self, at: datetime) -> int:
        """Return how many units a tier gives out within the day, where days are not added up."""
        return self.units if self.day(at) >= 0 else 0


def first_release(opens_at: datetime, release_minute: int | None) -> datetime:
    """Return the first release: the set time of day, from the opening on, or the opening itself."""
    if release_minute is None:
        return opens_at
    opened = opens_at.astimezone(CHINA)
    at = datetime.combine(opened.date(), time(*divmod(release_minute, 60)), CHINA)
    return at if at >= opens_at else at + _DAY


def window_open(windows: Sequence[ClaimWindow], at: datetime) -> bool:
    """Whether a moment lies in one of the windows; no windows are no restriction."""
    if not windows:
        return True
    local = at.astimezone(CHINA)
    minute = local.hour * 60 + local.minute
    return any(
        local.isoweekday() in window.weekdays and window.from_minute <= minute < window.until_minute
        for window in windows
    )


def next_window(
    windows: Sequence[ClaimWindow], at: datetime, *, ends_at: datetime
) -> datetime | None:
    """Return when the next window opens, or None when the campaign ends before it."""
    today = at.astimezone(CHINA).date()
    openings = [
        datetime.combine(day, time(*divmod(window.from_minute, 60)), CHINA)
        for day in (today + n * _DAY for n in range(8))
        for window in windows
        if day.isoweekday() in window.weekdays
    ]
    return min((opening for opening in openings if at < opening < ends_at), default=None)


def within(area: ClaimArea, position: Position) -> bool:
    """Whether a position lies in the area, its edge included."""
    return distance_m(area, position) <= area.radius_m


def distance_m(area: ClaimArea, position: Position) -> float:
    """Return metres from the area's centre along the earth's surface."""
    latitude, centre = radians(position.latitude), radians(area.latitude_e6 / 1e6)
    across = radians(position.longitude - area.longitude_e6 / 1e6)
    half = sin((latitude - centre) / 2) ** 2 + cos(latitude) * cos(centre) * sin(across / 2) ** 2
    return 2 * _EARTH_RADIUS_M * asin(min(sqrt(half), 1.0))
