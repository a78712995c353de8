"""Closing, clearing and loading a quota anew, and restoring single claims: after a loss alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import redis

from backend import clock
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.storage.redis import keys, scripts
from backend.storage.redis.quota import HeldClaim, Outcome, Take, parse_claim

SCAN_COUNT = 2000


def close(client: redis.Redis, campaign_id: str) -> None:
    """Take the epoch away, so that every claim is refused from here on; nothing else is lost."""
    client.hdel(keys.quota(campaign_id), "epoch")


def clear(client: redis.Redis, campaign: CampaignTerms) -> bool:
    """Make room to load a campaign's epoch; False when claims may still be taken from another."""
    names = [keys.quota(campaign.id), keys.held(campaign.id), keys.days(campaign.id)]
    return bool(scripts.run(client, "clear", keys=names, args=[campaign.epoch]))


def load_held(
    client: redis.Redis, campaign: CampaignTerms, claims: Sequence[tuple[int, HeldClaim]]
) -> None:
    """Write down who holds what: (resident_id, claim) each. The same again changes nothing."""
    args: list[str | int] = [int(campaign.one_tier_per_day)]
    for resident_id, claim in claims:
        args += [
            f"{resident_id}:{claim.tier_position}",
            f"{claim.serial}.{clock.to_ms(claim.claimed_at)}.",
            resident_id,
            _day(claim.claimed_at),
        ]
    scripts.run(
        client, "load_held", keys=[keys.held(campaign.id), keys.days(campaign.id)], args=args
    )


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
    status, text = scripts.run(
        client,
        "restore",
        keys=[
            keys.quota(campaign.id),
            keys.held(campaign.id),
            keys.days(campaign.id),
            keys.claims(campaign.id),
        ],
        args=[
            campaign.epoch,
            resident_id,
            tier.position,
            tier.id,
            claim.serial,
            clock.to_ms(claim.claimed_at),
            _day(claim.claimed_at),
            clock.to_ms(validity[0]),
            clock.to_ms(validity[1]),
            int(lost),
        ],
    )
    return Take(outcome=Outcome(status), claim=parse_claim(tier.position, text) if text else None)


def all_held(client: redis.Redis, campaign_id: str) -> Iterator[tuple[int, HeldClaim]]:
    """Yield (resident_id, claim) of everybody; one who claims meanwhile may be seen or not."""
    for holder, text in client.hscan_iter(keys.held(campaign_id), count=SCAN_COUNT):
        resident_id, position = holder.split(":")
        for claim in text.split(","):
            yield int(resident_id), parse_claim(int(position), claim)


def _day(at: datetime) -> str:
    return f"{at.astimezone(clock.CHINA):%Y%m%d}"
