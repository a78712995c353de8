"""What a claim asks the script and what its answer means: pure, and the same for every way in.

The Flask view and the claim lane differ in how they wait for Valkey, in nothing else: `prepare`
comes before it, `decide` after it.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from backend import clock
from backend.domain import refusals
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.vouchers import validity, voucher_id
from backend.storage.redis import quota
from backend.storage.redis.quota import HeldClaim, Outcome, TakeCall


@dataclass(frozen=True, kw_only=True)
class ClaimedVoucher:
    """A voucher as it was promised. `replayed` says the same request had been answered before."""

    voucher_id: int
    campaign_id: str
    campaign_name: str
    tier_position: int
    threshold_fen: int
    face_value_fen: int
    claimed_at: datetime
    valid_from: datetime
    valid_until: datetime
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedClaim:
    """A claim that nothing but the quota can refuse any more, and what to ask it."""

    campaign: CampaignTerms
    tier: TierTerms
    call: TakeCall


REFUSALS: dict[Outcome, type[HuiquanError]] = {
    Outcome.LIMIT_REACHED: refusals.ClaimLimitReached,
    Outcome.DAY_LIMIT_REACHED: refusals.DailyClaimLimitReached,
    Outcome.EXHAUSTED: refusals.QuotaExhausted,
    Outcome.NOT_OPEN: refusals.CampaignNotOpen,
    Outcome.CLOSED: refusals.CampaignClosed,
    Outcome.PAUSED: refusals.CampaignPaused,
    Outcome.NOT_LOADED: refusals.QuotaUnavailable,
}


def prepare(
    campaign: CampaignTerms,
    *,
    tier_position: int,
    resident_id: int,
    request_id: str,
    now: datetime,
) -> PreparedClaim:
    """Return what to ask the script, or raise the refusal that the terms alone decide."""
    tier = campaign.tier(tier_position)
    if tier is None or campaign.state == "draft":  # a draft is nobody's business yet
        raise NotFound(f"campaign {campaign.id} has no tier {tier_position}")
    if campaign.mode != "claim" or campaign.validity_days is None:
        raise refusals.ClaimNotOffered(f"campaign {campaign.id} is of mode {campaign.mode}")
    if campaign.state == "approved":
        raise refusals.CampaignNotOpen(f"campaign {campaign.id} does not run yet")
    whole_ms = clock.from_ms(clock.to_ms(now))  # what the script keeps: whole milliseconds
    call = quota.take_call(
        campaign,
        tier,
        resident_id=resident_id,
        request_tag=request_tag(request_id),
        now=whole_ms,
        validity=_validity(campaign, whole_ms),
    )
    return PreparedClaim(campaign=campaign, tier=tier, call=call)


def request_tag(request_id: str) -> str:
    """Return a short tag of a request number.

    Two requests of one resident with the same tag would get the same voucher: harmless, and with
    36 bits not to be met.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(request_id.encode()).digest()[:6])[:6].decode()


def decide(prepared: PreparedClaim, answer: quota.Take) -> ClaimedVoucher:
    """Turn the script's answer into a voucher, or raise the refusal it means."""
    campaign, tier, held = prepared.campaign, prepared.tier, answer.claim
    if answer.outcome in (Outcome.TAKEN, Outcome.REPLAYED) and held is not None:
        return present(campaign, tier, held, replayed=answer.outcome is Outcome.REPLAYED)
    details: dict[str, object] = {"opens_at": campaign.opens_at.isoformat()}
    if held is not None:  # somebody who holds a voucher is told so with every refusal
        details["held_voucher_id"] = voucher_id(tier.id, held.serial)
    raise REFUSALS[answer.outcome](f"campaign {campaign.id}", details=details)


def present(
    campaign: CampaignTerms, tier: TierTerms, claim: HeldClaim, *, replayed: bool = False
) -> ClaimedVoucher:
    """Return the voucher that a claim in Valkey promises: the terms are fixed, so is the result."""
    valid_from, valid_until = _validity(campaign, claim.claimed_at)
    return ClaimedVoucher(
        voucher_id=voucher_id(tier.id, claim.serial),
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        tier_position=tier.position,
        threshold_fen=tier.threshold_fen,
        face_value_fen=tier.face_value_fen,
        claimed_at=claim.claimed_at,
        valid_from=valid_from,
        valid_until=valid_until,
        replayed=replayed,
    )


def _validity(campaign: CampaignTerms, claimed_at: datetime) -> tuple[datetime, datetime]:
    if campaign.validity_days is None:
        raise ValueError(f"campaign {campaign.id} gives no vouchers")
    return validity(
        claimed_at, days=campaign.validity_days, claim_day_counts=campaign.claim_day_counts
    )
