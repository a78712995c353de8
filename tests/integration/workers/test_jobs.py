"""The periodic jobs."""

from backend.extensions import redis_handle
from backend.workers import jobs
from tests.factories import MAY, City, MovableClock, drain


def test_every_job_runs_on_a_city_at_work_and_again_on_the_same(
    city: City, moment: MovableClock
) -> None:
    city.claim(city.resident())
    drain()
    moment.move(days=8)
    for job, every_s in jobs.JOBS:
        assert every_s > 0
        jobs.run_job(city.app, job)
    done = {jobs.job_name(job): jobs.run_job(city.app, job) for job, _ in jobs.JOBS}
    assert done["vouchers.expire_due"] == 0
    assert redis_handle.client.hget(f"hq:{{{MAY}}}:quota", "state") == "running"


def test_a_job_that_fails_is_logged_and_the_next_run_goes_on(city: City) -> None:
    calls = []

    def broken() -> object:
        calls.append(1)
        raise RuntimeError("once")

    assert jobs.run_job(city.app, broken) is None
    assert jobs.run_job(city.app, broken) is None
    assert len(calls) == 2
