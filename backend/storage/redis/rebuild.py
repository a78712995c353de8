"""Closing, clearing and loading a quota anew, and restoring single claims: after a loss alone."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import redis

from backend import clock
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.vouchers import epoch_of, first_serial
from backend.storage.redis import held, keys, scripts
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.moments import release_day
from backend.storage.redis.quota import Outcome, Take, claim_keys

BUCKETS_AT_ONCE = 500
BITMAP_BYTES_AT_ONCE = 1024  # 8,192 buckets


def close(client: redis.Redis, campaign_id: str) -> None:
    """Take the epoch away, so that every claim is refused from here on; nothing else is lost.

    Raises scripts.Unconfirmed when replicas are wanted and lack it: one of them could take over
    later, with the old epoch.
    """
    scripts.run(client, "close", keys=[keys.quota(campaign_id)], args=[])


def clear(client: redis.Redis, campaign: CampaignTerms) -> bool:
    """Make room to load a campaign's epoch; False when claims may still be taken from another."""
    campaigns_own = [keys.quota(campaign.id), keys.buckets(campaign.id)]
    for numbers in (*_batches(buckets(client, campaign.id)), []):
        names = [keys.held(campaign.id, number) for number in numbers]
        args: list[str | int] = [campaign.epoch, int(not numbers)]
        if not scripts.run(client, "clear", keys=campaigns_own + names, args=args):
            return False
    return True


def load_held(
    client: redis.Redis,
    campaign: CampaignTerms,
    tier_position: int,
    claims: Sequence[tuple[int, int, int]],
    tag: str = "",
) -> None:
    """Write down who holds what of a tier: (serial, resident_id, claimed_at_ms) each.

    The same again changes nothing.
    :param tag: of all these claims; with the empty one the first request that comes is answered
        with a claim, as its own repeated
    """
    opened_ms, place_of = campaign.opens_at_ms, _Places()
    flat: list[str | int] = []
    for serial, resident_id, claimed_at_ms in claims:
        bucket, field = held.place(resident_id)
        flat.append(place_of[bucket])
        flat.append(field)
        flat.append(held.untagged(tier_position, serial, claimed_at_ms - opened_ms) + tag)
    names = [keys.buckets(campaign.id)] + [keys.held(campaign.id, bucket) for bucket in place_of]
    scripts.run(client, "load_held", keys=names, args=[*place_of, *flat])


class _Places(dict[int, int]):
    """The place in KEYS of each bucket, in the order in which they are asked for."""

    def __missing__(self, bucket: int) -> int:
        place = self[bucket] = len(self) + 2
        return place


def restore(
    client: redis.Redis,
    campaign: CampaignTerms,
    tier: TierTerms,
    *,
    resident_id: int,
    claim: HeldClaim,
    validity: tuple[datetime, datetime],
    lost: bool,
) -> Take:
    """Give a claim back to its holder, or say why not; TAKEN means restored.

    :param lost: the claim is of an older epoch, so the quota may have lost it
    Raises redis.RedisError when the server cannot say; asking again tells.
    """
    bucket, field = held.place(resident_id)
    opened_ms, epoch = clock.to_ms(campaign.opens_at), epoch_of(claim.serial)
    day = clock.day_bounds(claim.claimed_at.astimezone(clock.CHINA).date())
    status, text = scripts.run(
        client,
        "restore",
        keys=claim_keys(campaign.id, bucket),
        args=[
            campaign.epoch,
            resident_id,
            tier.position,
            tier.id,
            claim.serial,
            clock.to_ms(claim.claimed_at),
            field,
            bucket,
            held.text_of(campaign, claim),
            clock.to_ms(day[0]) - opened_ms,
            clock.to_ms(day[1]) - opened_ms,
            clock.to_ms(validity[0]),
            clock.to_ms(validity[1]),
            int(lost),
            release_day(campaign, claim.claimed_at),
            clock.now_ms(),
            epoch,
            first_serial(epoch) - 1,
        ],
    )
    return Take(outcome=Outcome(status), claim=held.parse(campaign, text) if text else None)


def buckets(client: redis.Redis, campaign_id: str) -> Iterator[int]:
    """Yield the numbers of the buckets of held claims, ascending."""
    name = keys.buckets(campaign_id)
    for first in range(0, int(client.strlen(name)), BITMAP_BYTES_AT_ONCE):
        last = first + BITMAP_BYTES_AT_ONCE - 1
        yield from scripts.run(client, "buckets", keys=[name], args=[first, last])


def all_held(client: redis.Redis, campaign: CampaignTerms) -> Iterator[tuple[int, HeldClaim]]:
    """Yield (resident_id, claim) of everybody; one who claims meanwhile may be seen or not."""
    for numbers in _batches(buckets(client, campaign.id)):
        pipeline = client.pipeline(transaction=False)
        for number in numbers:
            pipeline.hgetall(keys.held(campaign.id, number))
        for number, fields in zip(numbers, pipeline.execute(), strict=True):
            for field, text in fields.items():
                resident_id = number * held.RESIDENTS_PER_BUCKET + int(field)
                for claim in held.parse_all(campaign, text):
                    yield resident_id, claim


def _batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while batch := list(itertools.islice(rest, BUCKETS_AT_ONCE)):
        yield batch
