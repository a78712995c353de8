"""The quota of a campaign in Valkey: the only caller of the claim scripts."""

import enum
import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import redis

from backend import clock
from backend.domain import claim_marks
from backend.domain.campaigns import CampaignTerms
from backend.domain.vouchers import first_serial
from backend.storage.redis import held, keys, reserve, scripts
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.moments import Moment, release_day
from backend.storage.redis.reserve import Reserve


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
    RELEASED_EXHAUSTED = -11
    WINDOW_CLOSED = -12
    POSITION_MISSING = -13
    OUTSIDE_AREA = -14
    RESTORING = -16  # -15 is recycle.lua's
    CARD_MISSING = -17


TAKEN_WITH_USED_TICKET = 2  # claim.lua's answer; it has written the mark
TAKEN = (int(Outcome.TAKEN), TAKEN_WITH_USED_TICKET)


class Take(NamedTuple):
    """The script's answer. `claim` is what was taken or, on a refusal, held from before."""

    outcome: Outcome
    claim: HeldClaim | None
    again_ms: int | None = None  # of RESTORING: when claims go on
    ticket_reused: bool = False  # taken, with a ticket that was used before


class TakeCall(NamedTuple):
    """One call of the claim script, ready to be sent. `args` are all text or whole numbers.

    The last of `keys` is the resident's own, the others are the campaign's.
    """

    campaign: CampaignTerms
    at: Moment
    keys: list[str]
    args: list[str | int]


class Returned(NamedTuple):
    """Recycled units by tier position, and the number of the last batch they came in."""

    last_batch: int
    units: Mapping[int, int]


def take_call(
    campaign: CampaignTerms,
    at: Moment,
    *,
    resident_id: int,
    request_tag: str,
    barred: Outcome | None = None,
    origin: claim_marks.Origin = claim_marks.UNKNOWN,
) -> TakeCall:
    """Return the call that takes one unit of the tier for the resident, or says why not.

    :param request_tag: short text made from the caller's request number, without '.' or ','
    :param barred: why the terms refuse a new claim now; a replay is answered all the same
    :param origin: how the claim came; it changes nothing but what is written down
    """
    bucket, field = held.place(resident_id)
    marks, ticket_tag, address_range = origin
    tier = at.tier
    args: list[str | int] = [
        campaign.epoch,
        at.now_ms,
        resident_id,
        tier.position,
        tier.id,
        request_tag,
        field,
        bucket,
        at.since_opening,
        *at.times,
        0 if barred is None else int(barred),
        *at.release,
        ticket_tag,
        marks,
        address_range,
    ]
    return TakeCall(campaign, at, claim_keys(campaign.id, bucket), args)


def claim_keys(campaign_id: str, bucket: int) -> list[str]:
    """Return the keys that claim.lua and restore.lua want, the resident's own bucket last."""
    return [*_campaign_keys(campaign_id), keys.held(campaign_id, bucket)]


@functools.lru_cache(maxsize=1024)
def _campaign_keys(campaign_id: str) -> tuple[str, str, str]:
    return keys.quota(campaign_id), keys.claims(campaign_id), keys.buckets(campaign_id)


def take(client: redis.Redis, call: TakeCall) -> Take:
    """Make the call.

    Raises redis.RedisError when the server cannot say; the claim may then have been taken, and the
    same request asked again tells.
    """
    status, claim = scripts.run(client, "claim", keys=call.keys, args=call.args)
    return take_answer(call, status, claim)


def take_answer(call: TakeCall, status: int, claim: str) -> Take:
    """Return what the script's answer to a call says."""
    if status in TAKEN:  # of this call, so all but the serial is known
        serial = int(claim.split(".", 2)[1], 16)
        taken = HeldClaim(call.at.tier.position, serial, call.at.now)
        return Take(Outcome.TAKEN, taken, None, status == TAKEN_WITH_USED_TICKET)
    again_ms = None
    if status == Outcome.RESTORING:
        claim, _, again = claim.partition("@")
        again_ms = int(again)
    found = held.parse(call.campaign, claim) if claim else None
    return Take(outcome=Outcome(status), claim=found, again_ms=again_ms)


def load(
    client: redis.Redis,
    campaign: CampaignTerms,
    given: Mapping[int, int] | None = None,
    today: Mapping[int, str] | None = None,
    returned: Returned | None = None,
    kept: Reserve | None = None,
) -> bool:
    """Load a campaign's quota; False when it was loaded before.

    :param given: units given before, by tier position; none for a campaign that did not run yet
    :param today: 'release day:units given on it', by tier position, where days are counted
    :param returned: units given back before, of the vouchers that `given` counts
    :param kept: what is kept for receipts, after a loss
    """
    fields: dict[str, str | int] = {
        "state": campaign.state,
        "opens_at_ms": clock.to_ms(campaign.opens_at),
        "ends_at_ms": clock.to_ms(campaign.ends_at),
        "per_person_per_tier": campaign.per_person_per_tier,
        "one_tier_per_day": int(campaign.one_tier_per_day),
    }
    if clock.follows_wall_time():
        fields["server_clock"] = 1  # nothing is granted before the opening by Valkey's clock either
    for name in ("per_person", "per_person_per_day"):
        if (limit := getattr(campaign, name)) is not None:
            fields[name] = limit
    for tier in campaign.tiers:
        units = (given or {}).get(tier.position, 0)
        back = returned.units.get(tier.position, 0) if returned else 0
        fields[f"left:{tier.position}"] = tier.count - units + back
        fields[f"returned:{tier.position}"] = back
        fields[f"next:{tier.position}"] = first_serial(campaign.epoch)
        fields[f"given:{tier.position}"] = units
        fields[f"counted:{tier.position}"] = tier.count_number
    fields["recycled_batch"] = returned.last_batch if returned else 0
    fields |= {f"today:{position}": text for position, text in (today or {}).items()}
    fields |= reserve.fields_of(kept) if kept else {}
    flat = [part for pair in fields.items() for part in pair]
    args: list[str | int] = [campaign.epoch, int(given is not None), *flat]
    return bool(scripts.run(client, "load", keys=[keys.quota(campaign.id)], args=args))


def give_back(
    client: redis.Redis, campaign: CampaignTerms, *, batch: int, tier_position: int, units: int
) -> bool:
    """Give a batch of recycled units back, once however often it is asked; False: not possible."""
    args: list[str | int] = [campaign.epoch, batch, tier_position, units]
    return int(scripts.run(client, "recycle", keys=[keys.quota(campaign.id)], args=args)) >= 0


def last_recycled(client: redis.Redis, campaign_id: str) -> int:
    """Return the number of the last batch given back; 0 when there is none."""
    return int(client.hget(keys.quota(campaign_id), "recycled_batch") or 0)


def returned_units(client: redis.Redis, campaign: CampaignTerms) -> dict[int, int]:
    """Return the units given back by tier position."""
    names = [f"returned:{tier.position}" for tier in campaign.tiers]
    values = client.hmget(keys.quota(campaign.id), names)
    return {tier.position: int(v or 0) for tier, v in zip(campaign.tiers, values, strict=True)}


def set_state(client: redis.Redis, campaign_id: str, state: str) -> None:
    """Make a pause, resumption or stop act at the next claim. An unloaded quota stays unloaded."""
    if client.exists(keys.quota(campaign_id)):
        client.hset(keys.quota(campaign_id), "state", state)


def loaded(client: redis.Redis, campaign_id: str) -> tuple[int, str] | None:
    """Return (epoch, state) as Valkey knows them, or None when nothing is loaded."""
    epoch, state = client.hmget(keys.quota(campaign_id), ["epoch", "state"])
    return (int(epoch), str(state)) if epoch is not None else None


def left(client: redis.Redis, campaign: CampaignTerms) -> dict[int, int]:
    """Return the units left by tier position, reserved ones included; empty when not loaded."""
    values = client.hmget(keys.quota(campaign.id), [f"left:{t.position}" for t in campaign.tiers])
    return {
        tier.position: int(value)
        for tier, value in zip(campaign.tiers, values, strict=True)
        if value is not None
    }


def left_today(client: redis.Redis, campaign: CampaignTerms, now: datetime) -> dict[int, int]:
    """Return the units that can be claimed now by tier position: what is released of what is left.

    Without a daily release these are all that are left. Those reserved for receipts are not among
    them; that claims wait after a rebuild changes nothing here.
    """
    release, found = campaign.daily_release, left(client, campaign)
    kept = reserve.reserved(client, campaign, now_ms=clock.to_ms(now))
    found = {position: units - kept[position] for position, units in found.items()}
    if release is None:
        return found
    counts = {tier.position: tier.count for tier in campaign.tiers}
    if release.carry_over:
        return {
            position: max(units - release.unreleased(counts[position], now), 0)
            for position, units in found.items()
        }
    names = [f"today:{position}" for position in found]
    taken = client.hmget(keys.quota(campaign.id), names) if names else []
    today, answer = release_day(campaign, now), {}
    if reserve.day_of(client, campaign) != today:
        kept = {}
    for (position, units), text in zip(found.items(), taken, strict=True):
        day, _, count = str(text or "").partition(":")
        rest = release.units_today(now) - (int(count) if day == today else 0)
        rest -= kept.get(position, 0)
        answer[position] = max(min(units, rest), 0)
    return answer


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
