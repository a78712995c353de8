"""Each job's last run is written down; the busy ones not at every turn, faults always."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backend import clock
from backend.services import job_runs
from backend.storage.models.health import JobRun
from tests.factories import rows

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    job_runs.forget()
    yield
    job_runs.forget()


def run(error: str | None = None, handled: int | None = None, length_ms: int = 7) -> None:
    job_runs.record(
        "vouchers.expire_due",
        started_at=clock.now(),
        length_ms=length_ms,
        handled=handled,
        error=error,
    )


def test_a_run_is_written_and_the_same_again_only_after_a_while() -> None:
    run(handled=3)
    run(handled=4)
    [row] = rows(JobRun)
    assert (row.handled, row.length_ms, row.failures, row.error) == (3, 7, 0, None)
    job_runs.forget()  # as a process of later does
    run(handled=5)
    assert [row.handled for row in job_runs.last_runs()] == [5]


def test_faults_are_counted_in_a_row_and_the_last_success_stays() -> None:
    run()
    run("OperationalError")
    run("ConnectionError")
    [row] = rows(JobRun)
    assert (row.failures, row.error, row.handled) == (2, "ConnectionError", None)
    assert row.succeeded_at == clock.now()
    run(handled=1)
    [row] = rows(JobRun)
    assert (row.failures, row.error, row.handled) == (0, None, 1)


def test_a_job_that_never_succeeded_says_so() -> None:
    run("KeyError")
    [row] = rows(JobRun)
    assert row.succeeded_at is None
    assert row.started_at - clock.now() == timedelta(0)
