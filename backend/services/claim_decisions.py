"""What a claim asks the script and what its answer means: the same for every way in.

The Flask view and the claim lane differ in how they wait for Valkey, in nothing else: `prepare`
comes before it, `decide` after it.
"""

import base64
import functools
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from backend import clock
from backend.domain import claim_marks, receipts, refusals
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.cards import CardRequired
from backend.domain.claim_rules import ClaimArea, Position, next_window, window_open, within
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.vouchers import validity, voucher_id
from backend.settings import Settings
from backend.storage.redis import moments, quota
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


class Came(NamedTuple):
    """What tells how a claim came: its ticket, if it showed one, and its caller's address."""

    ticket: str | None
    address: str
    settings: Settings


class PreparedClaim(NamedTuple):
    """A claim that nothing but the quota can refuse any more, and what to ask it."""

    campaign: CampaignTerms
    resident_id: int
    call: TakeCall
    marks: int = 0


PROMISED = (Outcome.TAKEN, Outcome.REPLAYED)
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
    Outcome.RELEASED_EXHAUSTED: refusals.DailyQuotaExhausted,
    Outcome.WINDOW_CLOSED: refusals.ClaimWindowClosed,
    Outcome.POSITION_MISSING: refusals.PositionRequired,
    Outcome.OUTSIDE_AREA: refusals.OutsideClaimArea,
    Outcome.RESTORING: refusals.QuotaRestoring,
    Outcome.CARD_MISSING: CardRequired,
}
AGAIN_IN_DETAILS: dict[Outcome, str] = {
    Outcome.RELEASED_EXHAUSTED: "next_release_at",
    Outcome.WINDOW_CLOSED: "next_window_at",
    Outcome.RESTORING: "claims_resume_at",
}
WHEN_NOTHING_FOLLOWS: dict[Outcome, Outcome] = {
    Outcome.RELEASED_EXHAUSTED: Outcome.EXHAUSTED,
    Outcome.WINDOW_CLOSED: Outcome.CLOSED,
}


def prepare(
    campaign: CampaignTerms,
    *,
    tier_position: int,
    resident_id: int,
    request_id: str,
    now_ms: int,
    position: Position | None = None,
    came: Came | None = None,
    card_bound: bool = False,
) -> PreparedClaim:
    """Return what to ask the script, or raise the refusal that the terms alone decide.

    What bars a new claim by card, hour or place is the script's to say: a replay comes before it.
    Who is not known to have a bound card has none (plan, part six: 必须绑定金融机构APP).
    """
    at, in_window = _moment(campaign, tier_position, now_ms)
    barred = None
    if campaign.card_required and not card_bound:
        barred = Outcome.CARD_MISSING
    elif not in_window:
        barred = Outcome.WINDOW_CLOSED
    elif campaign.claim_area is not None:
        barred = _barred_by_place(campaign.claim_area, position)
    origin = claim_marks.UNKNOWN if came is None else _origin(came, campaign, resident_id, now_ms)
    call = quota.take_call(
        campaign,
        at,
        resident_id=resident_id,
        request_tag=request_tag(request_id),
        barred=barred,
        origin=origin,
    )
    return PreparedClaim(campaign, resident_id, call, origin.marks)


@functools.lru_cache(maxsize=64)
def _moment(
    campaign: CampaignTerms, tier_position: int, now_ms: int
) -> tuple[moments.Moment, bool]:
    """Return a tier at a moment, and whether a window for claims is open.

    Kept for whoever else claims in the same millisecond: in a rush those are dozens.
    """
    tier = campaign.tier(tier_position)
    if tier is None or campaign.state == "draft":  # a draft is nobody's business yet
        raise NotFound(f"campaign {campaign.id} has no tier {tier_position}")
    if campaign.mode != "claim" or campaign.validity_days is None:
        raise refusals.ClaimNotOffered(f"campaign {campaign.id} is of mode {campaign.mode}")
    now = clock.from_ms(now_ms)
    if campaign.state == "approved":
        wait_s = clock.seconds_until(campaign.opens_at, now)
        raise refusals.CampaignNotOpen(
            f"campaign {campaign.id} does not run yet", retry_after_s=wait_s
        )
    at = moments.moment_of(campaign, tier, now_ms, validity_of(campaign, now))
    return at, window_open(campaign.claim_windows, now)


def _origin(
    came: Came, campaign: CampaignTerms, resident_id: int, now_ms: int
) -> claim_marks.Origin:
    return claim_marks.judge(
        ticket=came.ticket,
        address=came.address,
        campaign_id=campaign.id,
        resident_id=resident_id,
        since_opening_ms=now_ms - campaign.opens_at_ms,
        now_ms=now_ms,
        ticket_ttl_s=came.settings.ticket_ttl_s,
        token_key=came.settings.token_key,
    )


def marks_of(prepared: PreparedClaim, answer: quota.Take) -> int:
    """Return the marks of a claim that was taken now; none of one that was refused or repeated."""
    if answer.outcome is not Outcome.TAKEN:
        return 0
    return prepared.marks | (claim_marks.TICKET_REUSED if answer.ticket_reused else 0)


def _barred_by_place(area: ClaimArea, position: Position | None) -> Outcome | None:
    """Return why nothing can be claimed at this place (plan, part four: 区域).

    Where a rule needs a position, none is a refusal: the rule fails closed.
    """
    if position is None:
        return Outcome.POSITION_MISSING
    return None if within(area, position) else Outcome.OUTSIDE_AREA


def request_tag(request_id: str) -> str:
    """Return a short tag of a request number.

    Two requests of one resident with the same tag would get the same voucher: harmless, and with
    36 bits not to be met.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(request_id.encode()).digest()[:6])[:6].decode()


def decide(prepared: PreparedClaim, answer: quota.Take, *, token_key: bytes) -> ClaimedVoucher:
    """Turn the script's answer into a voucher with its receipt, or raise the refusal it means."""
    campaign, at, held = prepared.campaign, prepared.call.at, answer.claim
    if answer.outcome is Outcome.NOT_LOADED:
        log.error("quota_not_loaded", campaign_id=campaign.id, epoch=campaign.epoch)
    if answer.outcome not in PROMISED or held is None:
        raise _refusal(prepared, answer)
    return present(
        campaign,
        at.tier,
        held,
        replayed=answer.outcome is Outcome.REPLAYED,
        receipt=receipt_of(campaign, held, prepared.resident_id, token_key=token_key),
        valid=at.validity if held.claimed_at is at.now else None,
    )


def _refusal(prepared: PreparedClaim, answer: quota.Take) -> HuiquanError:
    campaign, now, outcome = prepared.campaign, prepared.call.at.now, answer.outcome
    details: dict[str, object] = {"opens_at": campaign.opens_at.isoformat()}
    if answer.claim is not None:  # somebody who holds a voucher is told so with every refusal
        details["held_voucher_id"] = held_number(campaign, answer.claim)
    if outcome is Outcome.OUTSIDE_AREA and campaign.claim_area is not None:
        details["area"] = campaign.claim_area.name
    again_at = _again_at(campaign, answer, now)
    if again_at is not None and outcome in AGAIN_IN_DETAILS:
        details[AGAIN_IN_DETAILS[outcome]] = again_at.isoformat()
    if again_at is None:  # no release and no window follow before the end
        outcome = WHEN_NOTHING_FOLLOWS.get(outcome, outcome)
    return REFUSALS[outcome](
        f"campaign {campaign.id}",
        details=details,
        retry_after_s=None if again_at is None else clock.seconds_until(again_at, now),
    )


def held_number(campaign: CampaignTerms, claim: HeldClaim) -> int:
    """Return the voucher's number of a held claim, whichever tier it is of."""
    tier = campaign.tier(claim.tier_position)
    if tier is None:
        raise ValueError(f"campaign {campaign.id} has no tier {claim.tier_position}")
    return voucher_id(tier.id, claim.serial)


def _again_at(campaign: CampaignTerms, answer: quota.Take, now: datetime) -> datetime | None:
    """Return when asking again makes sense, where that is known."""
    outcome = answer.outcome
    if answer.again_ms is not None:
        return clock.from_ms(answer.again_ms)
    if outcome is Outcome.NOT_OPEN:
        return campaign.opens_at
    if outcome in (Outcome.DAY_LIMIT_REACHED, Outcome.DAY_COUNT_REACHED):
        return clock.day_bounds(now.astimezone(clock.CHINA).date())[1]
    if outcome is Outcome.WINDOW_CLOSED:
        return next_window(campaign.claim_windows, now, ends_at=campaign.ends_at)
    if outcome is Outcome.RELEASED_EXHAUSTED and campaign.daily_release is not None:
        return campaign.daily_release.next_at(now, ends_at=campaign.ends_at)
    return None


def receipt_of(
    campaign: CampaignTerms, claim: HeldClaim, resident_id: int, *, token_key: bytes
) -> str:
    """Return the signed text by which the holder of a claim can prove it."""
    receipt = receipts.Receipt(
        campaign.id,
        claim.tier_position,
        claim.serial,
        resident_id,
        clock.to_ms(claim.claimed_at),
        campaign.epoch,
    )
    return receipts.sign(receipt, token_key=token_key)


def present(
    campaign: CampaignTerms,
    tier: TierTerms,
    claim: HeldClaim,
    *,
    replayed: bool = False,
    receipt: str = "",
    valid: tuple[datetime, datetime] | None = None,
) -> ClaimedVoucher:
    """Return the voucher that a claim in Valkey promises: the terms are fixed, so is the result.

    :param valid: its validity, where the caller knows it already
    """
    valid_from, valid_until = valid or validity_of(campaign, claim.claimed_at)
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
        receipt=receipt,
    )


def validity_of(campaign: CampaignTerms, claimed_at: datetime) -> tuple[datetime, datetime]:
    """Return [valid_from, valid_until) of a voucher of a campaign."""
    if campaign.validity_days is None:
        raise ValueError(f"campaign {campaign.id} gives no vouchers")
    return validity(
        claimed_at, days=campaign.validity_days, claim_day_counts=campaign.claim_day_counts
    )
