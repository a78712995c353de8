"""The quota of a campaign in Valkey: the only caller of the claim scripts."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from backend import clock
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.vouchers import first_serial
from backend.storage.redis import held, keys, scripts
from backend.storage.redis.held import HeldClaim


class Outcome(enum.IntEnum):
    """What the claim script answered."""

    TAKEN = 1
    REPLAYED = 0
    EXHAUSTED = -1
    LIMIT_REACHED = -2
    NOT_LOADED = -3
    NOT_OPEN = -4
    CLOSED = -5
    PAUSED = -6
    DAY_LIMIT_REACHED = -7  # one tier a day
    UNKNOWN_HERE = -8  # of a receipt alone: it names this epoch, whose quota does not know it
    PERSON_LIMIT_REACHED = -9
    DAY_COUNT_REACHED = -10


@dataclass(frozen=True, kw_only=True)
class Take:
    """The script's answer. `claim` is what was taken or, on a refusal, held from before."""

    outcome: Outcome
    claim: HeldClaim | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeCall:
    """One call of the claim script, ready to be sent. `args` are all text or whole numbers.

    The last of `keys` is the resident's own, the others are the campaign's.
    """

    campaign: CampaignTerms
    keys: list[str]
    args: list[str | int]


def take_call(
    campaign: CampaignTerms,
    tier: TierTerms,
    *,
    resident_id: int,
    request_tag: str,
    now: datetime,
    validity: tuple[datetime, datetime],
) -> TakeCall:
    """Return the call that takes one unit of the tier for the resident, or says why not.

    :param request_tag: short text made from the caller's request number, without '.' or ','
    :param validity: what the voucher gets if it is taken now
    """
    bucket, field = held.place(resident_id)
    day_began, _ = clock.day_bounds(now.astimezone(clock.CHINA).date())
    return TakeCall(
        campaign=campaign,
        keys=[*campaign_keys(campaign.id), keys.held(campaign.id, bucket)],
        args=[
            campaign.epoch,
            clock.to_ms(now),
            resident_id,
            tier.position,
            tier.id,
            request_tag,
            field,
            bucket,
            held.since_opening(campaign, now),
            clock.to_ms(day_began) - clock.to_ms(campaign.opens_at),
            clock.to_ms(validity[0]),
            clock.to_ms(validity[1]),
        ],
    )


def campaign_keys(campaign_id: str) -> list[str]:
    """Return the keys of a campaign that claim.lua and restore.lua want before the bucket's."""
    return [keys.quota(campaign_id), keys.claims(campaign_id), keys.buckets(campaign_id)]


def take(client: redis.Redis, call: TakeCall) -> Take:
    """Make the call.

    Raises redis.RedisError when the server cannot say; the claim may then have been taken, and the
    same request asked again tells.
    """
    status, claim = scripts.run(client, "claim", keys=call.keys, args=call.args)
    return take_answer(call, status, claim)


def take_answer(call: TakeCall, status: int, claim: str) -> Take:
    """Return what the script's answer to a call says."""
    found = held.parse(call.campaign, claim) if claim else None
    return Take(outcome=Outcome(status), claim=found)


def load(
    client: redis.Redis, campaign: CampaignTerms, given: Mapping[int, int] | None = None
) -> bool:
    """Load a campaign's quota; False when it was loaded before.

    :param given: units given before, by tier position; none for a campaign that did not run yet
    """
    fields: dict[str, str | int] = {
        "state": campaign.state,
        "opens_at_ms": clock.to_ms(campaign.opens_at),
        "ends_at_ms": clock.to_ms(campaign.ends_at),
        "per_person_per_tier": campaign.per_person_per_tier,
        "one_tier_per_day": int(campaign.one_tier_per_day),
    }
    for name in ("per_person", "per_person_per_day"):
        if (limit := getattr(campaign, name)) is not None:
            fields[name] = limit
    for tier in campaign.tiers:
        units = (given or {}).get(tier.position, 0)
        fields[f"left:{tier.position}"] = tier.count - units
        fields[f"next:{tier.position}"] = first_serial(campaign.epoch)
        fields[f"given:{tier.position}"] = units
    flat = [part for pair in fields.items() for part in pair]
    args: list[str | int] = [campaign.epoch, int(given is not None), *flat]
    return bool(scripts.run(client, "load", keys=[keys.quota(campaign.id)], args=args))


def set_state(client: redis.Redis, campaign_id: str, state: str) -> None:
    """Make a pause, resumption or stop act at the next claim. An unloaded quota stays unloaded."""
    if client.exists(keys.quota(campaign_id)):
        client.hset(keys.quota(campaign_id), "state", state)


def loaded(client: redis.Redis, campaign_id: str) -> tuple[int, str] | None:
    """Return (epoch, state) as Valkey knows them, or None when nothing is loaded."""
    epoch, state = client.hmget(keys.quota(campaign_id), ["epoch", "state"])
    return (int(epoch), str(state)) if epoch is not None else None


def left(client: redis.Redis, campaign: CampaignTerms) -> dict[int, int]:
    """Return the units left by tier position; empty when nothing is loaded."""
    values = client.hmget(keys.quota(campaign.id), [f"left:{t.position}" for t in campaign.tiers])
    return {
        tier.position: int(value)
        for tier, value in zip(campaign.tiers, values, strict=True)
        if value is not None
    }


def issued(client: redis.Redis, campaign: CampaignTerms) -> dict[int, int]:
    """Return the units issued in all epochs by tier position; empty when nothing is loaded."""
    names = [f"{kind}:{t.position}" for t in campaign.tiers for kind in ("next", "given")]
    epoch, *values = client.hmget(keys.quota(campaign.id), ["epoch", *names])
    if epoch is None:
        return {}
    first = first_serial(int(epoch))
    return {
        tier.position: int(following) - first + int(before)
        for tier, following, before in zip(campaign.tiers, values[::2], values[1::2], strict=True)
        if following is not None and before is not None
    }


def held_by(
    client: redis.Redis, campaigns: Sequence[CampaignTerms], resident_id: int
) -> dict[str, list[HeldClaim]]:
    """Return all units a resident holds, by campaign id, in one round trip."""
    bucket, field = held.place(resident_id)
    pipeline = client.pipeline(transaction=False)
    for campaign in campaigns:
        pipeline.hget(keys.held(campaign.id, bucket), str(field))
    answers = pipeline.execute()
    return {
        campaign.id: list(held.parse_all(campaign, text))
        for campaign, text in zip(campaigns, answers, strict=True)
    }
