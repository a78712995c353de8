"""A campaign's units as Valkey has them in one moment, while claims go on."""

from typing import NamedTuple

import redis

from backend.storage.redis import keys

_SCRIPT = """
local quota = redis.call('HMGET', KEYS[1], 'left:1', 'next:1', 'given:1')
local holders = 0
for bucket = 0, redis.call('STRLEN', KEYS[3]) * 8 - 1 do
  holders = holders + redis.call('HLEN', ARGV[1] .. bucket)
end
local waiting = redis.call('XLEN', KEYS[2])
return {tonumber(quota[1]), tonumber(quota[2]), tonumber(quota[3]), holders, waiting}
"""


class Counts(NamedTuple):
    """Of tier 1: units left, the next serial, units given before; holders; the stream's entries."""

    left: int
    following: int
    given: int
    holders: int
    waiting: int


def in_one_moment(client: redis.Redis, campaign_id: str) -> Counts:
    """Count by a script, which nothing can come between."""
    names = [keys.quota(campaign_id), keys.claims(campaign_id), keys.buckets(campaign_id)]
    of_buckets = keys.held(campaign_id, 0)[:-1]
    return Counts(*client.eval(_SCRIPT, len(names), *names, of_buckets))
