"""Claims by campaign, second and outcome, added up over all processes. Figures, not money."""

from collections.abc import Mapping

import redis

from backend import redis_clients
from backend.storage.redis import keys

TTL_S = 120


def add(client: redis.Redis, counts: Mapping[tuple[str, int], Mapping[str, int]]) -> None:
    """Add what one process counted, in one round trip a server.

    Raises redis.RedisError when a server did not answer; the others have theirs.
    """
    fault: redis.RedisError | None = None
    for group in redis_clients.by_node(client, counts, lambda at: keys.live(*at)):
        pipeline = client.pipeline(transaction=False)
        for campaign_id, second in group:
            key = keys.live(campaign_id, second)
            for name, count in counts[campaign_id, second].items():
                pipeline.hincrby(key, name, count)
            pipeline.expire(key, TTL_S)
        try:
            pipeline.execute()
        except redis.RedisError as error:
            fault = error
    if fault is not None:
        raise fault


def read(client: redis.Redis, campaign_id: str, seconds: range) -> dict[int, dict[str, int]]:
    """Return the counts of each of the seconds, in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for second in seconds:
        pipeline.hgetall(keys.live(campaign_id, second))
    answers = pipeline.execute()
    return {
        second: {name: int(count) for name, count in answer.items()}
        for second, answer in zip(seconds, answers, strict=True)
    }
