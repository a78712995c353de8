"""Refused calls of partners, counted by day and reason. Figures, not money."""

from collections.abc import Sequence
from datetime import date, timedelta

import redis

from backend.storage.redis import keys

KEPT_DAYS = 7  # besides today
_TTL = timedelta(days=KEPT_DAYS + 1)


def add(
    client: redis.Redis, partner_id: str, code: str, *, day: date, at_ms: int, address: str
) -> None:
    """Count one call that was refused with a code, and from where the last one came.

    Raises redis.RedisError when the server did not answer.
    """
    key = keys.partner_refusals(partner_id, day)
    pipeline = client.pipeline(transaction=False)
    pipeline.hincrby(key, code, 1)
    pipeline.hset(key, mapping={f"{code}:at": at_ms, f"{code}:address": address})
    pipeline.expire(key, _TTL)
    pipeline.execute()


def read(client: redis.Redis, partner_id: str, days: Sequence[date]) -> list[dict[str, str]]:
    """Return the hash of each of some days: code -> count, code:at -> ms, code:address."""
    pipeline = client.pipeline(transaction=False)
    for day in days:
        pipeline.hgetall(keys.partner_refusals(partner_id, day))
    answers: list[dict[str, str]] = pipeline.execute()
    return answers
