"""Changes of a tier's count in Valkey: numbered by SQL, each taken once."""

import redis

from backend.domain.campaigns import CampaignTerms
from backend.storage.redis import keys, scripts


def change(
    client: redis.Redis, campaign: CampaignTerms, *, number: int, tier_position: int, units: int
) -> bool:
    """Add a numbered change to what is left, once however often it is asked; False: not possible.

    :param units: below zero only for a campaign that does not run yet
    """
    args: list[str | int] = [campaign.epoch, number, tier_position, units]
    return int(scripts.run(client, "change_count", keys=[keys.quota(campaign.id)], args=args)) >= 0


def last(client: redis.Redis, campaign: CampaignTerms) -> dict[int, int] | None:
    """Return the number of the last change that the quota holds, by tier position.

    None when no quota of the campaign's epoch is loaded.
    """
    names = [f"counted:{tier.position}" for tier in campaign.tiers]
    epoch, *values = client.hmget(keys.quota(campaign.id), ["epoch", *names])
    if epoch is None or int(epoch) != campaign.epoch:
        return None
    return {tier.position: int(v or 0) for tier, v in zip(campaign.tiers, values, strict=True)}
