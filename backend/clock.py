"""The one clock. All rules read the time here, aware and in Asia/Shanghai.

`now()` never goes back within a process: it follows the wall clock forward and the monotonic clock
otherwise, so a wall clock that is set back revives nothing. `raise_floor()` lifts it to a time
that another process has already seen (the high-water mark kept in SQL).
"""

import functools
import math
import threading
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from backend.domain.china import CHINA

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock:
    """A wall clock shifted by `offset_s` seconds that never runs backwards."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._offset_s = offset_s
        self._anchor_s = time.time() + offset_s
        self._anchor_monotonic_s = time.monotonic()

    def now_s(self) -> float:
        """Seconds since 1970 UTC."""
        with self._lock:
            steady_s = self._anchor_s + time.monotonic() - self._anchor_monotonic_s
            current_s = max(steady_s, time.time() + self._offset_s)
            self._anchor_s = current_s
            self._anchor_monotonic_s = time.monotonic()
            return current_s

    def raise_floor(self, at: datetime) -> None:
        """Never answer a time before `at`."""
        with self._lock:
            steady_s = self._anchor_s + time.monotonic() - self._anchor_monotonic_s
            self._anchor_s = max(steady_s, at.timestamp())
            self._anchor_monotonic_s = time.monotonic()


_clock = Clock()


def use(clock: Clock) -> None:
    """Replace the process's clock: the factory in development, tests everywhere."""
    global _clock  # noqa: PLW0603 - one clock for the process is the purpose of this module
    _clock = clock


def now() -> datetime:
    """Return the current time, aware, in Asia/Shanghai."""
    return from_s(_clock.now_s())


def now_ms() -> int:
    """Return the current time in whole milliseconds since 1970 UTC."""
    return round(_clock.now_s() * 1_000_000) // 1000


def raise_floor(at: datetime) -> None:
    """See `Clock.raise_floor`."""
    _clock.raise_floor(at)


def today() -> date:
    """Return the business day: the calendar day in China."""
    return now().date()


def from_s(seconds: float) -> datetime:
    """Turn seconds since 1970 UTC into an aware time in China."""
    return datetime.fromtimestamp(seconds, CHINA)


def from_ms(milliseconds: int) -> datetime:
    """Turn milliseconds since 1970 UTC into an aware time in China, exactly."""
    seconds, rest_ms = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, CHINA).replace(microsecond=rest_ms * 1000)


def to_ms(at: datetime) -> int:
    """Turn an aware time into whole milliseconds since 1970 UTC, rounded down."""
    return (at - _EPOCH) // _MILLISECOND


def seconds_until(at: datetime, now: datetime) -> int:
    """Return the whole seconds until a moment, rounded up, at least one."""
    return max(math.ceil((at - now).total_seconds()), 1)


@functools.lru_cache(maxsize=64)
def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the half-open interval [start, end) of a business day."""
    start = datetime.combine(day, time_of_day(), CHINA)
    return start, start + timedelta(days=1)
