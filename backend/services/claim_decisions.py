"""What a claim asks the script and what its answer means: the same for every way in.

The Flask view and the claim lane differ in how they wait for Valkey, in nothing else: `prepare`
comes before it, `decide` after it.
"""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from backend import clock
from backend.domain import receipts, refusals
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.vouchers import validity, voucher_id
from backend.storage.redis import quota
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.quota import Outcome, TakeCall

log = structlog.get_logger()


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
    receipt: str = ""  # of a claim's own answer alone


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedClaim:
    """A claim that nothing but the quota can refuse any more, and what to ask it."""

    campaign: CampaignTerms
    tier: TierTerms
    resident_id: int
    now: datetime
    call: TakeCall


REFUSALS: dict[Outcome, type[HuiquanError]] = {
    Outcome.LIMIT_REACHED: refusals.ClaimLimitReached,
    Outcome.DAY_LIMIT_REACHED: refusals.DailyClaimLimitReached,
    Outcome.PERSON_LIMIT_REACHED: refusals.CampaignClaimLimitReached,
    Outcome.DAY_COUNT_REACHED: refusals.DailyClaimCountReached,
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
        wait_s = clock.seconds_until(campaign.opens_at, now)
        raise refusals.CampaignNotOpen(
            f"campaign {campaign.id} does not run yet", retry_after_s=wait_s
        )
    whole_ms = clock.from_ms(clock.to_ms(now))  # what the script keeps: whole milliseconds
    call = quota.take_call(
        campaign,
        tier,
        resident_id=resident_id,
        request_tag=request_tag(request_id),
        now=whole_ms,
        validity=validity_of(campaign, whole_ms),
    )
    return PreparedClaim(
        campaign=campaign, tier=tier, resident_id=resident_id, now=whole_ms, call=call
    )


def request_tag(request_id: str) -> str:
    """Return a short tag of a request number.

    Two requests of one resident with the same tag would get the same voucher: harmless, and with
    36 bits not to be met.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(request_id.encode()).digest()[:6])[:6].decode()


def decide(prepared: PreparedClaim, answer: quota.Take, *, token_key: bytes) -> ClaimedVoucher:
    """Turn the script's answer into a voucher with its receipt, or raise the refusal it means."""
    campaign, tier, held = prepared.campaign, prepared.tier, answer.claim
    if answer.outcome is Outcome.NOT_LOADED:
        log.error("quota_not_loaded", campaign_id=campaign.id, epoch=campaign.epoch)
    if answer.outcome in (Outcome.TAKEN, Outcome.REPLAYED) and held is not None:
        voucher = present(campaign, tier, held, replayed=answer.outcome is Outcome.REPLAYED)
        return with_receipt(voucher, campaign, held, prepared.resident_id, token_key=token_key)
    details: dict[str, object] = {"opens_at": campaign.opens_at.isoformat()}
    if held is not None:  # somebody who holds a voucher is told so with every refusal
        details["held_voucher_id"] = held_number(campaign, held)
    raise REFUSALS[answer.outcome](
        f"campaign {campaign.id}",
        details=details,
        retry_after_s=_wait_s(campaign, answer.outcome, prepared.now),
    )


def held_number(campaign: CampaignTerms, claim: HeldClaim) -> int:
    """Return the voucher's number of a held claim, whichever tier it is of."""
    tier = campaign.tier(claim.tier_position)
    if tier is None:
        raise ValueError(f"campaign {campaign.id} has no tier {claim.tier_position}")
    return voucher_id(tier.id, claim.serial)


def _wait_s(campaign: CampaignTerms, outcome: Outcome, now: datetime) -> int | None:
    """Return the seconds after which asking again makes sense, where they are known."""
    if outcome is Outcome.NOT_OPEN:
        return clock.seconds_until(campaign.opens_at, now)
    if outcome in (Outcome.DAY_LIMIT_REACHED, Outcome.DAY_COUNT_REACHED):
        return clock.seconds_until(clock.day_bounds(now.astimezone(clock.CHINA).date())[1], now)
    return None


def with_receipt(
    voucher: ClaimedVoucher,
    campaign: CampaignTerms,
    claim: HeldClaim,
    resident_id: int,
    *,
    token_key: bytes,
) -> ClaimedVoucher:
    """Return the voucher with the signed text by which its holder can prove the claim."""
    receipt = receipts.Receipt(
        campaign_id=campaign.id,
        tier_position=claim.tier_position,
        serial=claim.serial,
        resident_id=resident_id,
        claimed_at_ms=clock.to_ms(claim.claimed_at),
        epoch=campaign.epoch,
    )
    return replace(voucher, receipt=receipts.sign(receipt, token_key=token_key))


def present(
    campaign: CampaignTerms, tier: TierTerms, claim: HeldClaim, *, replayed: bool = False
) -> ClaimedVoucher:
    """Return the voucher that a claim in Valkey promises: the terms are fixed, so is the result."""
    valid_from, valid_until = validity_of(campaign, claim.claimed_at)
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


def validity_of(campaign: CampaignTerms, claimed_at: datetime) -> tuple[datetime, datetime]:
    """Return [valid_from, valid_until) of a voucher of a campaign."""
    if campaign.validity_days is None:
        raise ValueError(f"campaign {campaign.id} gives no vouchers")
    return validity(
        claimed_at, days=campaign.validity_days, claim_day_counts=campaign.claim_day_counts
    )
