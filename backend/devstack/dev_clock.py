"""The development clock: it begins a minute before the sample's campaign opens and goes on.

The sample programme lies in 2023. A first run starts the clock there; later runs continue from the
last time reached, never before it, so no voucher and no payment code gets a second life.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from backend.devstack.secrets import write_private
from backend.domain.china import CHINA
from backend.domain.errors import HuiquanError

START_VARIABLE = "HUIQUAN_DEV_CLOCK_START"
START = datetime(2023, 4, 28, 9, 59, tzinfo=CHINA)  # 五一乐购券 opens one minute later
SAVE_EVERY_S = 1.0
# What a first start takes: the clock is set so that it shows START when the first page is there.
START_TAKES_S = 4.0
# Every claim and payment that SQL knows is a transfer, and before either somebody signs in.
LATEST = (
    "SELECT max(reached_at) FROM clock_marks",
    "SELECT max(at) FROM transfers",
    "SELECT max(created_at) FROM sign_ins",
)


class ClockStartInvalid(HuiquanError):
    code = "dev_clock_start_invalid"
    message = f"{START_VARIABLE} 须为带时区的时间，例如 2023-04-28T09:59:00+08:00"


class DevClock:
    """The clock of one state directory. `offset_s`: how far it runs from the wall clock.

    :param file: holds a time (seconds since 1970 UTC) that the clock has not passed
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._saved_s = 0.0  # on the monotonic clock
        self.offset_s = 0.0
        self.begun = False

    def begin(self, env: Mapping[str, str], *, database_url: str) -> None:
        """Choose the offset: the first start's time, or the last time reached.

        The database may know a later time than the file (one of the caller's own outlives a
        reset): its high-water mark counts too, and the last thing that somebody did.
        """
        reached_s = max(self._last_saved_s(), _mark_s(database_url))
        self.offset_s = (reached_s or _first_s(env)) - time.time()
        self.begun = True

    def now(self) -> datetime:
        """Return the time all processes of the stack have, in China."""
        return datetime.fromtimestamp(time.time() + self.offset_s, CHINA)

    def save(self, *, force: bool = False) -> None:
        """Keep the time about every second; at a stop with `force`.

        In between, a time a little ahead is kept: after a sudden death the clock must not go back.
        """
        now_s = time.monotonic()
        if not force and now_s - self._saved_s < SAVE_EVERY_S:
            return
        self._saved_s = now_s
        ahead_s = 0.001 if force else 2 * SAVE_EVERY_S  # the text below is cut to milliseconds
        write_private(self._file, f"{time.time() + self.offset_s + ahead_s:.3f}\n")

    def _last_saved_s(self) -> float:
        try:
            return float(self._file.read_text())
        except (OSError, ValueError):
            return 0.0


def _first_s(env: Mapping[str, str]) -> float:
    chosen = START
    if given := env.get(START_VARIABLE, ""):
        try:
            chosen = datetime.fromisoformat(given)
        except ValueError as error:
            raise ClockStartInvalid(given) from error
        if chosen.tzinfo is None:
            raise ClockStartInvalid(given)
    return chosen.timestamp() - START_TAKES_S


def _mark_s(database_url: str) -> float:
    """Return the latest time the database knows, 0 when it is new or does not answer (yet)."""
    engine = create_engine(database_url)
    latest_s = 0.0
    try:
        for question in LATEST:
            with suppress(SQLAlchemyError), engine.connect() as connection:
                latest_s = max(latest_s, _unix_s(connection.execute(text(question)).scalar()))
    finally:
        engine.dispose()
    return latest_s


def _unix_s(found: object) -> float:
    if isinstance(found, str):  # SQLite keeps UTC as text
        found = datetime.fromisoformat(found).replace(tzinfo=UTC)
    return found.timestamp() if isinstance(found, datetime) else 0.0
