"""`REDIS_URL`: its forms, and what is wrong with a bad one."""

import pytest

from backend.redis_address import RedisAddress, parse
from backend.settings import Settings, SettingsError
from tests.unit.test_settings import GOOD


@pytest.mark.parametrize("url", ["redis://h:6379/0", "rediss://:p@h/1", "unix:///run/v.sock?db=0"])
def test_one_server_is_left_to_the_library(url: str) -> None:
    assert parse(url) == RedisAddress(kind="single", url=url)


def test_sentinels_are_named_with_their_service() -> None:
    url = "redis+sentinel://app:p%40ss@a:26379,[::1]:26380/vouchers?db=2"
    assert parse(url) == RedisAddress(
        kind="sentinel",
        url=url,
        hosts=(("a", 26379), ("::1", 26380)),
        service="vouchers",
        username="app",
        password="p@ss",
        db=2,
    )


def test_some_nodes_name_a_cluster() -> None:
    url = "redis+cluster://:secret@a:7000,b:7001"
    found = parse(url)
    assert (found.kind, found.hosts) == ("cluster", (("a", 7000), ("b", 7001)))
    assert (found.username, found.password) == (None, "secret")


@pytest.mark.parametrize(
    ("url", "wants"),
    [
        ("valkey:6379", "wants redis://"),
        ("http://valkey", "wants redis://"),
        ("redis://", "wants redis://"),
        ("redis+sentinel://a:26379", "SERVICE"),
        ("redis+sentinel://a:26379/s/t", "SERVICE"),
        ("redis+sentinel://a:26379/s?db=x", "db=NUMBER"),
        ("redis+sentinel://a:26379/s?timeout=1", "db=NUMBER"),
        ("redis+sentinel://a/s", "HOST:PORT"),
        ("redis+cluster://a:7000,", "HOST:PORT"),
        ("redis+cluster://a:70000", "HOST:PORT"),
        ("redis+cluster://a:7000/0", "no more"),
        ("redis+cluster://a:7000?db=1", "no more"),
    ],
)
def test_a_bad_address_is_refused_with_the_form_that_is_wanted(url: str, wants: str) -> None:
    with pytest.raises(ValueError, match=wants):
        parse(url)
    with pytest.raises(SettingsError, match=f"REDIS_URL .*{wants}"):
        Settings.from_env(GOOD | {"REDIS_URL": url})


@pytest.mark.parametrize("url", ["redis+cluster://u:hunter2@a", "redis+sentinel://u:hunter2@a:1"])
def test_a_fault_never_quotes_a_password(url: str) -> None:
    with pytest.raises(ValueError, match="wants") as caught:
        parse(url)
    assert "hunter2" not in str(caught.value)


def test_claims_wait_for_one_replica_behind_sentinel_unless_told_otherwise() -> None:
    sentinel = GOOD | {"REDIS_URL": "redis+sentinel://a:26379/vouchers"}
    assert Settings.from_env(GOOD).wait_replicas == 0
    assert Settings.from_env(sentinel).wait_replicas == 1
    assert Settings.from_env(GOOD | {"REDIS_WAIT_REPLICAS": "2"}).wait_replicas == 2
    assert Settings.from_env(sentinel | {"REDIS_WAIT_REPLICAS": "0"}).wait_replicas == 0
    with pytest.raises(SettingsError, match="REDIS_WAIT_REPLICAS wants"):
        Settings.from_env(GOOD | {"REDIS_WAIT_REPLICAS": "-1"})
