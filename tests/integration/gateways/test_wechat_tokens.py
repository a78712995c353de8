"""RedisTokenStore against a real Valkey."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend.domain.errors import Unavailable
from backend.storage.redis import keys, wechat_tokens
from backend.storage.redis.wechat_tokens import RedisTokenStore

APPID = "wx0123456789abcdef"


@pytest.mark.parametrize("decode_responses", [True, False])
def test_a_token_is_text_whatever_the_client_decodes(
    valkey: redis.Redis, make_valkey: Callable[..., redis.Redis], decode_responses: bool
) -> None:
    client = make_valkey(decode_responses=decode_responses)
    tokens = RedisTokenStore(lambda: client)
    assert tokens.get(APPID) is None
    tokens.put(APPID, "T" * 512, ttl_s=6900)
    assert tokens.get(APPID) == "T" * 512
    assert tokens.get("wx-another") is None


def test_a_token_ends_with_its_time(valkey: redis.Redis) -> None:
    tokens = RedisTokenStore(lambda: valkey)
    tokens.put(APPID, "T", ttl_s=1)
    assert tokens.get(APPID) == "T"
    time.sleep(1.1)
    assert tokens.get(APPID) is None


def test_one_of_many_holds_the_lock_and_the_next_may_after_it(valkey: redis.Redis) -> None:
    tokens = RedisTokenStore(lambda: valkey)
    with tokens.lock(APPID) as mine, ThreadPoolExecutor(8) as pool:

        def try_lock(_: int) -> bool:
            with tokens.lock(APPID) as theirs:
                return theirs

        assert mine is True
        assert list(pool.map(try_lock, range(8))) == [False] * 8
    with tokens.lock(APPID) as mine:
        assert mine is True


def test_the_lock_is_freed_when_the_fetch_fails(valkey: redis.Redis) -> None:
    tokens = RedisTokenStore(lambda: valkey)
    with pytest.raises(ZeroDivisionError), tokens.lock(APPID):
        raise ZeroDivisionError
    assert valkey.exists(keys.wechat_token_lock(APPID)) == 0


def test_the_lock_of_a_dead_process_runs_out(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechat_tokens, "LOCK_TTL_S", 0.3)
    tokens = RedisTokenStore(lambda: valkey)
    with tokens.lock(APPID) as first:
        assert first is True
        with tokens.lock(APPID) as second:
            assert second is False
        time.sleep(0.4)  # the first has hung so long that it counts as dead
        with tokens.lock(APPID) as third:
            assert third is True
        with tokens.lock(APPID) as fourth:
            assert fourth is True
            tokens.put(APPID, "T", ttl_s=60)
    assert tokens.get(APPID) == "T"


def test_a_late_holder_does_not_free_the_lock_of_the_next(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = RedisTokenStore(lambda: valkey)
    with tokens.lock(APPID):
        valkey.delete(keys.wechat_token_lock(APPID))  # it ran out, and another process took it
        valkey.set(keys.wechat_token_lock(APPID), "another")
    assert valkey.get(keys.wechat_token_lock(APPID)) == b"another"


def test_without_a_server_every_use_is_unavailable(tmp_path: Path) -> None:
    client = redis.Redis(unix_socket_path=str(tmp_path / "nobody"), retry=Retry(NoBackoff(), 0))
    tokens = RedisTokenStore(lambda: client)
    with pytest.raises(Unavailable):
        tokens.get(APPID)
    with pytest.raises(Unavailable):
        tokens.put(APPID, "T0KEN", ttl_s=60)
    with pytest.raises(Unavailable), tokens.lock(APPID):
        pass
    client.close()
