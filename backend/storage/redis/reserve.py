"""What a rebuilt quota keeps for receipts: a wait for new claims, and units known to be lost."""

from collections.abc import Mapping
from typing import NamedTuple

import redis

from backend.domain.campaigns import CampaignTerms
from backend.storage.redis import keys, scripts


class Reserve(NamedTuple):
    """What a rebuild keeps for receipts (docs/adr/0010). Moments: ms since 1970 UTC, 0 for none."""

    claims_wait_until_ms: int
    until_ms: int  # so long units stay reserved, and receipts may reserve more
    from_epoch: int  # the first epoch that units are reserved for
    day: str  # the release day of the loss, as scripts want it
    units: Mapping[int, int]  # by tier position
    known: Mapping[tuple[int, int], int]  # the highest serial known by tier position and epoch


def fields_of(reserve: Reserve) -> dict[str, str | int]:
    """Return the fields of the quota that say so; claim.lua and restore.lua read them."""
    fields: dict[str, str | int] = {
        "receipts_until_ms": max(reserve.claims_wait_until_ms, reserve.until_ms),
        "claims_wait_until_ms": reserve.claims_wait_until_ms,
        "reserve_until_ms": reserve.until_ms,
        "reserve_from": reserve.from_epoch,
        "reserve_day": reserve.day,
    }
    fields |= {f"reserved:{position}": units for position, units in reserve.units.items()}
    known = reserve.known.items()
    return fields | {f"known:{position}:{epoch}": serial for (position, epoch), serial in known}


def reserved(client: redis.Redis, campaign: CampaignTerms, *, now_ms: int) -> dict[int, int]:
    """Return the units of `left` that are reserved now by tier position; 0 where none are."""
    names = [f"{kind}:{tier.position}" for tier in campaign.tiers for kind in ("left", "reserved")]
    until_ms, *values = client.hmget(keys.quota(campaign.id), ["reserve_until_ms", *names])
    reserving = now_ms < int(until_ms or 0)
    return {
        tier.position: min(int(units or 0), int(left or 0)) if reserving else 0
        for tier, left, units in zip(campaign.tiers, values[::2], values[1::2], strict=True)
    }


def day_of(client: redis.Redis, campaign: CampaignTerms) -> str:
    """Return the release day that the reserved units were claimed on; empty when none counts."""
    return str(client.hget(keys.quota(campaign.id), "reserve_day") or "")


def release(client: redis.Redis, campaign: CampaignTerms, *, now_ms: int) -> dict[int, int] | None:
    """Give what is reserved to everybody and end the wait; None when the epoch is not loaded.

    Return the units that were reserved, by tier position. Again it changes nothing.
    """
    positions = [tier.position for tier in campaign.tiers]
    args: list[str | int] = [campaign.epoch, now_ms, *positions]
    units = scripts.run(client, "release", keys=[keys.quota(campaign.id)], args=args)
    return dict(zip(positions, units, strict=True)) if isinstance(units, list) else None
