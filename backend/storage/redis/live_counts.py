"""Claims by campaign, second and outcome, added up over all processes. Figures, not money."""

from collections.abc import Mapping

import redis

from backend.storage.redis import keys

TTL_S = 120


def add(client: redis.Redis, counts: Mapping[tuple[str, int], Mapping[str, int]]) -> None:
    """Add what one process counted, in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for (campaign_id, second), fields in counts.items():
        key = keys.live(campaign_id, second)
        for name, count in fields.items():
            pipeline.hincrby(key, name, count)
        pipeline.expire(key, TTL_S)
    pipeline.execute()


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
