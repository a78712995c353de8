"""Claims on their way from Valkey to SQL: read, and acknowledged only after the commit."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import redis

from backend.storage.redis import keys

GROUP = "writers"


class StreamEntry(NamedTuple):
    """One claim as the script wrote it."""

    entry_id: str
    campaign_id: str
    epoch: int
    tier_id: int
    serial: int
    resident_id: int
    claimed_at_ms: int
    valid_from_ms: int
    valid_until_ms: int
    marks: int = 0
    address_range: int = 0  # 0: none, or after the first seconds


def prepare(client: redis.Redis, campaign_id: str) -> None:
    """Make sure the group exists, from the stream's beginning."""
    try:
        client.xgroup_create(keys.claims(campaign_id), GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def read(client: redis.Redis, campaign_id: str, *, consumer: str, count: int) -> list[StreamEntry]:
    """Return up to `count` entries not given to any writer yet."""
    # [[stream, [(id, fields), …]]] in the protocol that extensions.py chooses; redis-py's stub
    # covers every protocol's form at once.
    answer: Any = client.xreadgroup(GROUP, consumer, {keys.claims(campaign_id): ">"}, count=count)
    return [_entry(campaign_id, row) for _stream, rows in answer or () for row in rows]


def reclaim(
    client: redis.Redis, campaign_id: str, *, consumer: str, count: int, idle_ms: int
) -> Iterator[list[StreamEntry]]:
    """Yield, page by page, what a writer took and never acknowledged: it died, or did not commit.

    To the last page: entries that are kept for good stand in front, and must not hide the others.
    """
    cursor = "0-0"
    while True:
        answer = client.xautoclaim(
            keys.claims(campaign_id),
            GROUP,
            consumer,
            min_idle_time=idle_ms,
            start_id=cursor,
            count=count,
        )
        cursor = str(answer[0])
        if entries := [_entry(campaign_id, row) for row in answer[1] if row[1]]:
            yield entries
        if cursor == "0-0":
            return


def waiting(
    client: redis.Redis, campaign_id: str, *, count: int = 1000
) -> Iterator[list[StreamEntry]]:
    """Yield all entries in batches, the oldest first, whether a writer took them or not."""
    after = "-"
    while True:
        rows: Any = client.xrange(keys.claims(campaign_id), min=after, count=count)
        if not rows:
            return
        yield [_entry(campaign_id, row) for row in rows]
        after = f"({rows[-1][0]}"


def acknowledge(client: redis.Redis, campaign_id: str, entry_ids: Sequence[str]) -> None:
    """Forget entries whose rows are committed."""
    if not entry_ids:
        return
    pipeline = client.pipeline(transaction=True)
    pipeline.xack(keys.claims(campaign_id), GROUP, *entry_ids)
    pipeline.xdel(keys.claims(campaign_id), *entry_ids)
    pipeline.execute()


def backlog(client: redis.Redis, campaign_id: str) -> int:
    """Return how many claims are not in SQL yet."""
    return int(client.xlen(keys.claims(campaign_id)))


def _entry(campaign_id: str, row: tuple[str, dict[str, str]]) -> StreamEntry:
    entry_id, fields = row
    return StreamEntry(  # by position: the writer's pace is made of this
        entry_id,
        campaign_id,
        int(fields["epoch"]),
        int(fields["tier_id"]),
        int(fields["serial"]),
        int(fields["resident_id"]),
        int(fields["claimed_at_ms"]),
        int(fields["valid_from_ms"]),
        int(fields["valid_until_ms"]),
        int(fields.get("marks", 0)),  # a restored claim has none
        int(fields.get("range", 0)),
    )
