"""Closing, clearing and loading a quota anew, and restoring single claims: after a loss alone."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import redis

from backend import clock
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.storage.redis import held, keys, scripts
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.quota import Outcome, Take, claim_keys, release_day

BUCKETS_AT_ONCE = 500
BITMAP_BYTES_AT_ONCE = 1024  # 8,192 buckets


def close(client: redis.Redis, campaign_id: str) -> None:
    """Take the epoch away, so that every claim is refused from here on; nothing else is lost."""
    client.hdel(keys.quota(campaign_id), "epoch")


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
    client: redis.Redis, campaign: CampaignTerms, claims: Sequence[tuple[int, HeldClaim]]
) -> None:
    """Write down who holds what: (resident_id, claim) each. The same again changes nothing."""
    places = [held.place(resident_id) for resident_id, _ in claims]
    numbers = sorted({bucket for bucket, _ in places})
    key_of = {number: place for place, number in enumerate(numbers, start=2)}
    args: list[str | int] = []
    for (bucket, field), (_, claim) in zip(places, claims, strict=True):
        args += [key_of[bucket], bucket, field, held.text_of(campaign, claim)]
    names = [keys.buckets(campaign.id)] + [keys.held(campaign.id, number) for number in numbers]
    scripts.run(client, "load_held", keys=names, args=args)


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
    opened_ms = clock.to_ms(campaign.opens_at)
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
