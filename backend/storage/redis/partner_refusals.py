"""Refused calls of partners, counted by day and reason over all processes. Figures, not money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import redis

from backend.storage.redis import keys

KEPT_DAYS = 7  # besides today
_TTL = timedelta(days=KEPT_DAYS + 1)
Refused = tuple[str, date, str]  # partner, day, code


@dataclass
class Tally:
    """How many calls, when the last one came (ms since 1970) and from where."""

    count: int
    at_ms: int
    address: str


def add(client: redis.Redis, counts: Mapping[Refused, Tally]) -> None:
    """Add what one process counted. Raises redis.RedisError when a server did not answer."""
    pipeline = client.pipeline(transaction=False)
    for (partner_id, day, code), tally in counts.items():
        key = keys.partner_refusals(partner_id, day)
        pipeline.hincrby(key, code, tally.count)
        pipeline.hset(key, mapping={f"{code}:at": tally.at_ms, f"{code}:address": tally.address})
        pipeline.expire(key, _TTL)
    pipeline.execute()


def read(client: redis.Redis, partner_id: str, days: Sequence[date]) -> list[dict[str, str]]:
    """Return the hash of each of some days: code -> count, code:at -> ms, code:address."""
    pipeline = client.pipeline(transaction=False)
    for day in days:
        pipeline.hgetall(keys.partner_refusals(partner_id, day))
    answers: list[dict[str, str]] = pipeline.execute()
    return answers
