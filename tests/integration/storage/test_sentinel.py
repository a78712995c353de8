"""Sentinel: an answered claim is on a replica, and a failover needs no restart of ours."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from backend.extensions import redis_handle
from backend.services import campaigns, health, quota_checks, quota_rebuilds
from backend.storage.redis import quota
from tests.factories import City, drain, new_request
from tests.integration.storage.conftest import MAY, both_ways, city_on
from tests.valkey_nodes import Sentinels, follows, sentinels, wait_until

FAILOVER_LIMIT_S = 15
REFUSED = {"claim_unconfirmed", "quota_unavailable"}


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Sentinels]:
    with sentinels(folder / "sentinels") as made:
        yield made


@pytest.fixture(scope="module")
def city(service: Sentinels, folder: Path) -> Iterator[City]:
    with city_on(service.url, folder) as made:
        yield made


def test_behind_sentinel_a_claim_waits_for_one_replica(city: City, service: Sentinels) -> None:
    assert city.settings.wait_replicas == 1
    with both_ways(city) as ways:
        for claim in ways:
            person, request_id = city.resident(), new_request()
            first = claim(city, person.id, MAY, request_id)
            assert first.isdigit()
            assert claim(city, person.id, MAY, request_id) == first
    state = health.readiness()
    assert (state.ready, state.faults) == (True, ())


@pytest.mark.parametrize("way", [0, 1], ids=["view", "lane"])
def test_a_claim_that_no_replica_has_is_unknown_until_the_same_request_tells(
    city: City, service: Sentinels, way: int
) -> None:
    issued_before = sum(quota.issued(redis_handle.client, campaigns.terms(MAY)).values())
    person, request_id = city.resident(), new_request()
    with both_ways(city) as ways:
        claim = ways[way]
        assert claim(city, city.resident().id, MAY, new_request()).isdigit()
        service.replica.signal(signal.SIGSTOP)
        try:
            assert claim(city, person.id, MAY, request_id) == "claim_unconfirmed"
            # It is taken on the primary, and the replay has nothing to write: it waits all the
            # same. Later the primary itself refuses to write.
            assert claim(city, person.id, MAY, request_id) in REFUSED
        finally:
            service.replica.signal(signal.SIGCONT)
        wait_until(lambda: claim(city, person.id, MAY, request_id).isdigit())
    issued = sum(quota.issued(redis_handle.client, campaigns.terms(MAY)).values())
    assert issued - issued_before == 2
    drain()
    assert quota_checks.check().differences == ()


def rebuilt() -> bool:
    try:
        quota_rebuilds.rebuild_lost()
    except redis.RedisError:  # the primary may not write without its replica yet
        return False
    return health.readiness().ready


def test_a_rebuild_closes_no_quota_that_a_failover_could_open_again(
    city: City, service: Sentinels
) -> None:
    epoch = campaigns.terms(MAY).epoch
    service.replica.signal(signal.SIGSTOP)
    try:
        with pytest.raises(redis.RedisError):
            quota_rebuilds.run(MAY, actor="test", force=True)
    finally:
        service.replica.signal(signal.SIGCONT)
    campaigns.forget_snapshots()
    assert campaigns.terms(MAY).epoch == epoch  # the fence comes after the closing
    wait_until(rebuilt, FAILOVER_LIMIT_S)
    campaigns.forget_snapshots()
    assert quota_checks.check(looks=1).differences == ()


def test_a_primary_that_may_stand_alone_is_unsafe(city: City, service: Sentinels) -> None:
    service.primary.client.config_set("min-replicas-to-write", "0")
    try:
        state = health.readiness()
    finally:
        service.primary.client.config_set("min-replicas-to-write", "1")
    assert state.faults == ("min-replicas-to-write is '0', wants '1' or more",)


def test_after_a_failover_the_same_processes_go_on_and_nothing_answered_is_lost(
    city: City, service: Sentinels
) -> None:
    with both_ways(city) as (view, lane):
        told = {}
        for claim in (view, lane) * 5:
            asked = (city.resident().id, MAY, new_request())
            told[asked] = claim(city, *asked)
        service.primary.kill()
        person = city.resident()
        for claim in (view, lane):
            began_s = time.monotonic()
            assert claim(city, person.id, MAY, new_request()) in REFUSED
            assert time.monotonic() - began_s < 5
        wait_until(lambda: health.readiness().faults == (), FAILOVER_LIMIT_S)
        # Its only replica is the primary now, and may not stand alone.
        for claim in (view, lane):
            assert claim(city, person.id, MAY, new_request()) in REFUSED
        # As its replica, at once: the sentinels would make it one after some ten seconds.
        service.primary.options["replicaof"] = f"127.0.0.1 {service.replica.port}"
        service.primary.start()
        wait_until(lambda: follows(service.replica), FAILOVER_LIMIT_S)
        wait_until(lambda: view(city, person.id, MAY, "after").isdigit())
        for claim in (view, lane):
            assert {asked: claim(city, *asked) for asked in told} == told
    drain()
    assert quota_checks.check().differences == ()
