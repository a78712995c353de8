"""Which processes live: heard within the last minute, by kind."""

import time

import pytest

from backend import clock
from backend.extensions import redis_handle
from backend.services import processes
from backend.storage.redis import beats, keys
from tests.factories import MovableClock

pytestmark = pytest.mark.usefixtures("app")


def alive() -> dict[str, int]:
    return {seen.kind: seen.alive for seen in processes.seen()}


def test_a_process_lives_for_a_minute_after_its_last_sign(moment: MovableClock) -> None:
    assert alive() == {"web": 0, "console": 0, "claim_writer": 0, "jobs": 0}
    processes.beat("jobs")
    beats.beat(redis_handle.client, "web:other:1", now_ms=clock.now_ms())
    processes.beat("web")
    assert alive() == {"web": 2, "console": 0, "claim_writer": 0, "jobs": 1}
    heard_at = clock.now()
    moment.move(seconds=processes.MISSED_AFTER_S)
    assert alive()["jobs"] == 1
    moment.move(seconds=1)
    assert alive()["jobs"] == 0
    assert {seen.last_at for seen in processes.seen() if seen.kind == "jobs"} == {heard_at}


def test_a_process_is_forgotten_a_day_after_it_stopped(moment: MovableClock) -> None:
    processes.beat("jobs")
    moment.move(hours=25)
    processes.beat("web")
    assert redis_handle.client.zcard(keys.processes()) == 1


def test_a_thread_says_it_at_once_until_it_is_stopped() -> None:
    stopping = processes.start_beating("claim_writer")
    try:
        until_s = time.monotonic() + 5
        while not alive()["claim_writer"] and time.monotonic() < until_s:
            time.sleep(0.01)
        assert alive()["claim_writer"] == 1
    finally:
        stopping.set()
