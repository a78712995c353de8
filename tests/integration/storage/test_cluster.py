"""A cluster of three: each campaign on its node, and a node that is down is no more than that."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.crc import key_slot

from backend import redis_clients
from backend.extensions import redis_handle
from backend.services import health, live, quota_checks, quota_rebuilds, vouchers
from backend.storage.redis import keys, live_counts, quota
from backend.storage.redis.wechat_tokens import RedisTokenStore
from backend.workers import claim_writer
from tests.factories import City, drain, new_request
from tests.integration.storage.conftest import MAY, both_ways, city_on
from tests.valkey_nodes import Node, cluster, cluster_url, wait_until

# One campaign on each node of three.
CAMPAIGNS = ("Q4-HARV", MAY, "Q3-NIGHT")


@pytest.fixture(scope="module")
def nodes(folder: Path) -> Iterator[list[Node]]:
    with cluster(folder / "cluster") as made:
        yield made


@pytest.fixture(scope="module")
def city(nodes: list[Node], folder: Path) -> Iterator[City]:
    others = tuple(name for name in CAMPAIGNS if name != MAY)
    with city_on(cluster_url(nodes), folder, also=others) as made:
        yield made


def test_campaigns_are_claimed_from_their_own_nodes_by_both_ways_in(
    city: City, nodes: list[Node]
) -> None:
    for node, name in zip(nodes, CAMPAIGNS, strict=True):
        assert node.client.exists(keys.quota(name))
    with both_ways(city) as ways:
        for claim in ways:
            person = city.resident()
            requests = {name: new_request() for name in CAMPAIGNS}
            first = {n: claim(city, person.id, n, r) for n, r in requests.items()}
            assert all(answer.isdigit() for answer in first.values()), first
            assert {n: claim(city, person.id, n, r) for n, r in requests.items()} == first
            wallet = vouchers.wallet(person.id)
            assert wallet.complete
            assert {str(v.voucher_id) for v in wallet.vouchers} == set(first.values())
    assert drain() == 6
    assert quota_checks.check(looks=1).differences == ()
    state = health.readiness()
    assert (state.ready, state.faults, state.claims_backlog) == (True, (), 0)
    assert {counted.campaign_id for counted in live.quotas()} == set(CAMPAIGNS)


def test_a_node_that_is_down_refuses_its_own_campaigns_alone_and_comes_back(
    city: City, nodes: list[Node]
) -> None:
    person, down = city.resident(), CAMPAIGNS[0]
    with both_ways(city) as (view, lane):
        before = {name: view(city, person.id, name, f"before-{name}") for name in CAMPAIGNS}
        assert view(city, city.resident().id, MAY, new_request()).isdigit()
        nodes[0].kill()
        for claim in (view, lane):
            someone = city.resident()
            answers = {n: claim(city, someone.id, n, new_request()) for n in CAMPAIGNS}
            assert answers.pop(down) == "quota_unavailable"
            assert all(answer.isdigit() for answer in answers.values()), answers
        wallet = vouchers.wallet(person.id)
        assert not wallet.complete
        assert {str(v.voucher_id) for v in wallet.vouchers} == {before[n] for n in CAMPAIGNS[1:]}
        assert claim_writer.drain_once("writer") == 7  # all of the others'
        _assert_readiness_names(down, nodes[0])
        assert [counted.campaign_id for counted in live.quotas()] == [MAY, "Q3-NIGHT"]
        assert quota_rebuilds.rebuild_lost() == 0  # down is not lost
        nodes[0].start()
        wait_until(lambda: health.readiness().faults == ())
        for claim in (view, lane):
            assert claim(city, person.id, down, f"before-{down}") == before[down]
            assert claim(city, city.resident().id, down, new_request()).isdigit()
    assert drain() == 3
    assert quota_checks.check(looks=1).differences == ()


def _assert_readiness_names(campaign_id: str, node: Node) -> None:
    state = health.readiness()
    assert (state.ready, state.claims_backlog) == (True, None)
    assert state.faults == (
        f"valkey node 127.0.0.1:{node.port} does not answer: ConnectionError",
        f"campaign {campaign_id} takes no claims: its node is down",
    )


def test_a_campaign_whose_slot_moves_to_another_node_is_found_there(
    city: City, nodes: list[Node]
) -> None:
    person, request_id = city.resident(), new_request()
    with both_ways(city) as ways:
        kept = ways[0](city, person.id, MAY, request_id)
        for claim in ways:  # both know the old place
            assert claim(city, city.resident().id, MAY, new_request()).isdigit()
        _move(MAY, nodes[1], nodes[2], nodes)
        for claim in ways:
            assert claim(city, person.id, MAY, request_id) == kept
            assert claim(city, city.resident().id, MAY, new_request()).isdigit()
        assert drain() == 5
        _move(MAY, nodes[2], nodes[1], nodes)
        for claim in ways:
            assert claim(city, person.id, MAY, request_id) == kept
    assert quota_checks.check(looks=1).differences == ()


def _move(campaign_id: str, source: Node, target: Node, nodes: list[Node]) -> None:
    slot = key_slot(keys.quota(campaign_id).encode())
    source_id = source.client.execute_command("CLUSTER", "MYID")
    target_id = target.client.execute_command("CLUSTER", "MYID")
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    names = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
    source.client.migrate("127.0.0.1", target.port, names, 0, 5000)
    for node in (target, source, *nodes):
        node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)


def test_an_unsafe_setting_of_any_node_is_named_with_its_node(
    city: City, nodes: list[Node]
) -> None:
    nodes[2].client.config_set("appendfsync", "everysec")
    try:
        state = health.readiness()
    finally:
        nodes[2].client.config_set("appendfsync", "always")
    assert not state.ready
    assert state.faults == (
        f"appendfsync is 'everysec', wants 'always' (node 127.0.0.1:{nodes[2].port})",
    )


def test_counts_and_tokens_find_their_nodes(city: City) -> None:
    counts = {(name, 7): {"taken": 2} for name in CAMPAIGNS}
    live_counts.add(redis_handle.client, counts)
    for name in CAMPAIGNS:
        assert live_counts.read(redis_handle.client, name, range(7, 8)) == {7: {"taken": 2}}
    tokens = RedisTokenStore(lambda: redis_handle.client)
    with tokens.lock("wx1") as mine:
        assert mine
        tokens.put("wx1", "T", ttl_s=60)
    assert tokens.get("wx1") == "T"


def test_keys_of_two_slots_in_one_call_are_an_error_that_everybody_catches(city: City) -> None:
    with pytest.raises(redis.RedisError):
        redis_handle.client.mget(*map(keys.quota, CAMPAIGNS))
    with pytest.raises(redis.RedisError):
        redis_handle.client.eval("return 1", 2, *map(keys.quota, CAMPAIGNS[:2]))


def test_without_any_node_claims_are_refused_and_the_process_lives(
    city: City, nodes: list[Node]
) -> None:
    for node in nodes:
        node.signal(signal.SIGSTOP)
        node.kill()
    person = city.resident()
    with both_ways(city) as ways:
        for claim in ways:
            assert claim(city, person.id, MAY, new_request()) == "quota_unavailable"
        assert not vouchers.wallet(person.id).complete
        assert not health.readiness().ready
        with pytest.raises(redis.RedisError):
            redis_clients.make(cluster_url(nodes))
        for node in nodes:
            node.start()
        wait_until(lambda: health.readiness().faults == ())
        for claim in ways:
            assert claim(city, city.resident().id, MAY, new_request()).isdigit()
    assert quota.loaded(redis_handle.client, MAY) == (1, "running")
