"""Units that were taken at the till and not paid with: back to their tier, and to their person."""

import redis

from backend.domain.campaigns import CampaignTerms
from backend.storage.redis import held, keys, scripts
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.quota import release_day


def give_back(
    client: redis.Redis, campaign: CampaignTerms, *, resident_id: int, claim: HeldClaim
) -> bool:
    """Give one unit and its place in the resident's limits back, once; False: not loaded."""
    bucket, field = held.place(resident_id)
    args: list[str | int] = [
        campaign.epoch,
        claim.tier_position,
        field,
        f"{claim.tier_position}.{claim.serial:x}.",
        release_day(campaign, claim.claimed_at),
    ]
    names = [keys.quota(campaign.id), keys.held(campaign.id, bucket)]
    return int(scripts.run(client, "give_back", keys=names, args=args)) >= 0
