"""Which processes live: each says so every few seconds, and is forgotten a day after it stops."""

from typing import Any

import redis

from backend.storage.redis import keys

FORGOTTEN_AFTER_MS = 24 * 3600 * 1000


def beat(client: redis.Redis, name: str, *, now_ms: int) -> None:
    """Say that a process lives. Raises redis.RedisError."""
    pipeline = client.pipeline(transaction=False)
    pipeline.zadd(keys.processes(), {name: now_ms})
    pipeline.zremrangebyscore(keys.processes(), 0, now_ms - FORGOTTEN_AFTER_MS)
    pipeline.execute()


def read(client: redis.Redis) -> dict[str, int]:
    """Return when each process was last heard, in milliseconds. Raises redis.RedisError."""
    found: list[Any] = client.zrange(keys.processes(), 0, -1, withscores=True)
    return {name: int(at_ms) for name, at_ms in found}
