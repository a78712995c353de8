"""Exports by a job: once for a wish, whole or not at all, for who asked alone, for seven days."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import exports
from backend.services.exports import ExportNotReady
from backend.storage.models.exports import Export
from tests.factories import MovableClock

PROGRESS_ROWS = 5_000


class Sample:
    """A table of as many rows as its filter says; `during` runs before the last one."""

    name, title = "sample", "样表"
    progress_rows = PROGRESS_ROWS

    def __init__(self) -> None:
        self.during: Callable[[], None] = lambda: None

    def write(
        self, query: Mapping[str, str], file: IO[bytes], progress: Callable[[int], None]
    ) -> int:
        rows = int(query["rows"])
        for row in range(1, rows + 1):
            file.write(b"row\n")
            progress(row)
        self.during()
        return rows


@pytest.fixture
def sample(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    """The one table of this application."""
    made = Sample()
    monkeypatch.setitem(app.extensions, "exportable", {made.name: made})
    yield made
    folder = Path(app.extensions["settings"].files_dir) / "exports"
    assert not list(folder.glob("*.part"))  # nothing half written stays


def state_of(export_id: str) -> tuple[str, int]:
    db.session.rollback()
    found = db.session.get_one(Export, export_id, populate_existing=True)
    return found.state, found.rows_done


def test_the_job_writes_what_was_asked_for_and_only_who_asked_fetches_it(sample: Sample) -> None:
    export_id = exports.ask(sample, {"rows": "3"}, actor="li.wei")
    with pytest.raises(ExportNotReady):
        exports.file_of(export_id, actor="li.wei")
    assert exports.run_due() == 1
    assert exports.run_due() == 0
    _, path = exports.file_of(export_id, actor="li.wei")
    assert path.read_bytes() == b"row\n" * 3
    assert exports.count_ready("li.wei") == 1
    assert exports.list_of("wang.fang") == []
    with pytest.raises(NotFound):
        exports.file_of(export_id, actor="wang.fang")


def test_asking_20_times_at_once_is_asking_once(app: APIFlask, sample: Sample) -> None:
    def ask(_: int) -> str:
        with app.app_context():
            return exports.ask(sample, {"rows": "3"}, actor="li.wei")

    with ThreadPoolExecutor(8) as pool:
        asked = set(pool.map(ask, range(20)))
    assert len(asked) == 1
    exports.run_due()
    assert ask(0) not in asked


def test_progress_is_seen_while_it_is_written(app: APIFlask, sample: Sample) -> None:
    export_id = exports.ask(sample, {"rows": f"{PROGRESS_ROWS + 1}"}, actor="li.wei")
    seen = []

    def look() -> None:
        with db.engine.connect() as connection:
            seen.append(connection.execute(db.select(Export.state, Export.rows_done)).one())

    sample.during = look
    exports.run_due()
    assert [tuple(row) for row in seen] == [("running", PROGRESS_ROWS)]
    assert state_of(export_id) == ("done", PROGRESS_ROWS + 1)


def test_a_writer_that_died_is_followed_by_another_and_three_deaths_are_a_failure(
    sample: Sample, moment: MovableClock
) -> None:
    def die() -> None:
        raise OSError("no space left on the device")

    sample.during = die
    export_id = exports.ask(sample, {"rows": "1"}, actor="li.wei")
    for attempt in range(1, exports.ATTEMPTS + 1):
        assert exports.run_due() == 0
        assert exports.run_due() == 0  # its lease lasts: nobody else begins
        assert state_of(export_id)[0] == ("failed" if attempt == exports.ATTEMPTS else "running")
        moment.move(seconds=exports.LEASE.total_seconds() + 1)
    assert exports.run_due() == 0


def test_a_writer_that_lost_its_lease_stops(sample: Sample, moment: MovableClock) -> None:
    export_id = exports.ask(sample, {"rows": "1"}, actor="li.wei")
    taken_over: list[int] = []

    def overtake() -> None:
        sample.during = lambda: None
        moment.move(seconds=exports.LEASE.total_seconds() + 1)
        taken_over.append(exports.run_due())

    sample.during = overtake
    assert exports.run_due() == 0
    assert taken_over == [1]
    assert state_of(export_id) == ("done", 1)


def test_a_file_is_kept_seven_days_and_not_a_second_more(
    sample: Sample, moment: MovableClock
) -> None:
    export_id = exports.ask(sample, {"rows": "1"}, actor="li.wei")
    exports.run_due()
    _, path = exports.file_of(export_id, actor="li.wei")
    moment.move(days=7)
    assert exports.forget_due() == 0
    moment.move(seconds=1)
    assert exports.forget_due() == 1
    assert not path.exists()
    assert state_of(export_id)[0] == "forgotten"
    with pytest.raises(ExportNotReady):
        exports.file_of(export_id, actor="li.wei")
