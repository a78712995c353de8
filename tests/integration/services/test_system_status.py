"""Each part of the machinery is green while it is well, and says what to do when it is not."""

import shutil
from collections import namedtuple
from collections.abc import Iterator
from datetime import timedelta

import pytest

from backend import clock
from backend.domain.postings import campaign_posting
from backend.extensions import redis_handle
from backend.services import audit_seals, checks, job_runs, processes, system_status
from backend.services.system_status import Light
from backend.storage.queries.ledger import add_transfer
from backend.storage.sql import transaction
from tests.factories import MAY, City, MovableClock

SCHEDULE = {"vouchers.expire_due": 30.0, "exports.forget_due": 3600.0}


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    job_runs.forget()
    yield
    job_runs.forget()


def ran(job: str, error: str | None = None) -> None:
    job_runs.record(job, started_at=clock.now(), length_ms=1, handled=0, error=error)


@pytest.fixture
def well(city: City) -> City:
    """A city all of whose parts are well."""
    audit_seals.seal_due()
    checks.run_due()
    for kind in processes.KINDS:
        processes.beat(kind)
    for job in SCHEDULE:
        ran(job)
    return city


def bad() -> dict[str, Light]:
    return {light.title: light for light in system_status.lights(SCHEDULE) if light.is_bad}


def test_a_city_at_work_is_well(well: City) -> None:
    assert bad() == {}
    assert len(system_status.lights(SCHEDULE)) == 13


def test_an_installation_that_has_just_begun_says_what_is_missing(city: City) -> None:
    assert {"账本核对", "审计链校验", "定时任务", "网站进程", "定时任务进程"} <= set(bad())


def test_a_job_is_late_after_three_of_its_intervals_and_no_sooner_than_ninety_seconds(
    well: City, moment: MovableClock
) -> None:
    moment.move(seconds=90)
    assert not any(state.is_bad for state in system_status.jobs(SCHEDULE))
    moment.move(seconds=1)
    expire, forget = system_status.jobs(SCHEDULE)
    assert (expire.job, expire.is_late, forget.is_late) == ("vouchers.expire_due", True, False)
    assert forget.next_at == clock.now() + timedelta(seconds=3600 - 91)
    assert "定时任务" in bad()


def test_a_job_that_fails_is_told_until_it_comes_right(well: City) -> None:
    ran("exports.forget_due", "OSError")
    assert "1 项异常" in bad()["定时任务"].words
    ran("exports.forget_due")
    assert bad() == {}


def test_a_process_that_stopped_is_named(well: City, moment: MovableClock) -> None:
    moment.move(seconds=processes.MISSED_AFTER_S + 1)
    processes.beat("web")
    found = bad()
    assert "网站进程" not in found
    assert {"管理后台进程", "领券写入进程", "定时任务进程"} <= set(found)


def test_a_difference_in_the_ledger_is_told_with_its_place(well: City) -> None:
    with transaction() as session:
        add_transfer(
            session, campaign_posting("spending", MAY, 1, id="spending:forged"), at=clock.now()
        )
    checks.run("ledger")
    assert MAY in bad()["账本核对"].words


def test_checks_grow_old(well: City, moment: MovableClock) -> None:
    moment.move(hours=36)
    assert "账本核对" not in bad()
    moment.move(seconds=1)
    assert {"账本核对", "审计链校验"} <= set(bad())


def test_an_unsafe_valkey_and_one_that_keeps_nothing_are_told(well: City) -> None:
    redis_handle.client.config_set("appendonly", "no")
    try:
        found = bad()
    finally:
        redis_handle.client.config_set("appendonly", "yes")
    assert "appendonly" in found["数据库、Valkey 与名额"].words
    assert "落盘异常" in found["Valkey 内存与落盘"].words


def test_a_full_valkey_is_told(well: City) -> None:
    used = redis_handle.client.info("memory")["used_memory"]
    redis_handle.client.config_set("maxmemory", used + used // 10)
    try:
        found = bad()
    finally:
        redis_handle.client.config_set("maxmemory", 0)
    assert "内存将满" in found["Valkey 内存与落盘"].advice


def test_without_valkey_the_other_parts_are_still_told(well: City) -> None:
    kept = well.app.config["REDIS_URL"]
    well.app.config["REDIS_URL"] = "redis://127.0.0.1:9/0"
    redis_handle.init_app(well.app)
    try:
        found = bad()
        lights = system_status.lights(SCHEDULE)
    finally:
        well.app.config["REDIS_URL"] = kept
        redis_handle.init_app(well.app)
    assert {"进程", "Valkey 内存与落盘", "待写入的领券"} <= set(found)
    assert "账本核对" in {light.title for light in lights if not light.is_bad}


def test_a_disk_is_full_below_a_tenth(well: City, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    for free, is_bad in ((10, False), (9, True)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(100, 0, free))
        assert ("文件磁盘" in bad()) is is_bad
