import re
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest

from backend.devstack.dev_clock import (
    LATEST,
    SAVE_EVERY_S,
    START,
    START_TAKES_S,
    ClockStartInvalid,
    DevClock,
)
from backend.extensions import db
from backend.storage.models import all as models

LATER = START + timedelta(days=3)


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database without tables: nothing is migrated yet."""
    return f"sqlite:///{tmp_path}/new.sqlite3"


def begun(file: Path, database: str, **env: str) -> DevClock:
    clock = DevClock(file)
    clock.begin(env, database_url=database)
    return clock


def test_the_first_start_shows_the_minute_before_the_opening_once_it_is_ready(
    tmp_path: Path, database: str
) -> None:
    clock = begun(tmp_path / "clock", database)
    expected = START - timedelta(seconds=START_TAKES_S)
    assert abs(clock.now() - expected) < timedelta(seconds=2)


def test_a_later_start_goes_on_where_the_clock_stood(tmp_path: Path, database: str) -> None:
    first = begun(tmp_path / "clock", database, HUIQUAN_DEV_CLOCK_START=LATER.isoformat())
    reached = first.now()
    first.save(force=True)
    second = begun(tmp_path / "clock", database)
    assert timedelta() <= second.now() - reached < timedelta(seconds=2)


def test_after_a_sudden_death_the_clock_does_not_go_back(tmp_path: Path, database: str) -> None:
    first = begun(tmp_path / "clock", database)
    first.save()
    time.sleep(SAVE_EVERY_S / 2)  # dies before it saves again
    reached = first.now()
    assert begun(tmp_path / "clock", database).now() >= reached


def test_between_two_saves_nothing_is_written(tmp_path: Path, database: str) -> None:
    clock = begun(tmp_path / "clock", database)
    clock.save()
    before = (tmp_path / "clock").read_text()
    clock.save()
    assert (tmp_path / "clock").read_text() == before
    clock.save(force=True)
    assert (tmp_path / "clock").read_text() != before


def test_a_database_that_knows_a_later_time_is_believed(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.sqlite3") as connection:
        connection.execute("CREATE TABLE clock_marks (name TEXT, reached_at DATETIME)")
        mark = "2023-06-01 02:00:00.000000"  # UTC, as it is stored
        connection.execute("INSERT INTO clock_marks VALUES ('payment_codes', ?)", [mark])
    connection.close()
    clock = begun(tmp_path / "clock", f"sqlite:///{tmp_path}/old.sqlite3")
    assert f"{clock.now():%Y-%m-%d %H:%M}" == "2023-06-01 10:00"


def test_the_times_that_are_asked_for_are_in_the_schema() -> None:
    assert models.__all__  # imported for effect: every table is known
    for question in LATEST:
        match = re.fullmatch(r"SELECT max\((\w+)\) FROM (\w+)", question)
        assert match
        assert match[1] in db.metadata.tables[match[2]].columns


@pytest.mark.parametrize("text", ["yesterday", "2023-04-28T09:59:00"])
def test_a_first_time_without_a_zone_or_sense_is_refused(
    tmp_path: Path, database: str, text: str
) -> None:
    with pytest.raises(ClockStartInvalid):
        begun(tmp_path / "clock", database, HUIQUAN_DEV_CLOCK_START=text)
