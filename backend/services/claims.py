"""Claiming (领券): the quota decides in Valkey, the voucher's row follows in SQL."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import redis
import structlog
from flask import current_app

from backend import clock, metrics
from backend.domain import receipts, refusals
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.vouchers import validity, voucher_id
from backend.extensions import db, redis_handle
from backend.services import campaigns, claim_rows
from backend.settings import Settings
from backend.storage.models.campaigns import Tier
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import quota
from backend.storage.redis.quota import HeldClaim, Outcome
from backend.storage.redis.stream import StreamEntry

log = structlog.get_logger()

# A claim that SQL cannot show yet is at most this old; older ones were drained long ago.
STATES_WITH_CLAIMS = ("running", "paused", "stopped", "ended")


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


@metrics.count_claims
def claim_voucher(
    *, campaign_id: str, tier_position: int, resident_id: int, request_id: str
) -> ClaimedVoucher:
    """Take one voucher of a tier for a resident; the same request_id never takes two.

    Source: plan, part six (二) 限额领取，用完即止. Raises a refusal of `domain/refusals.py` for
    every outcome but taken and replayed.
    """
    campaign = campaigns.terms(campaign_id)
    db.session.close()  # the connection goes back before we wait for Valkey
    tier = campaign.tier(tier_position)
    if tier is None or campaign.state == "draft":  # a draft is nobody's business yet
        raise NotFound(f"campaign {campaign_id} has no tier {tier_position}")
    if campaign.mode != "claim" or campaign.validity_days is None:
        raise refusals.ClaimNotOffered(f"campaign {campaign_id} is of mode {campaign.mode}")
    if campaign.state == "approved":
        wait_s = clock.seconds_until(campaign.opens_at, clock.now())
        raise refusals.CampaignNotOpen(
            f"campaign {campaign_id} does not run yet", retry_after_s=wait_s
        )
    now = clock.from_ms(clock.to_ms(clock.now()))  # what the script keeps: whole milliseconds
    try:
        answer = quota.take(
            redis_handle.client,
            campaign,
            tier,
            resident_id=resident_id,
            request_tag=request_tag(request_id),
            now=now,
            validity=validity_of(campaign, now),
        )
    except redis.RedisError as error:
        log.error("claim_unanswered", campaign_id=campaign_id, error=type(error).__name__)
        raise refusals.QuotaUnavailable(type(error).__name__) from error
    return _decide(campaign, tier, answer, resident_id=resident_id, now=now)


def request_tag(request_id: str) -> str:
    """Return a short tag of a request number.

    Two requests of one resident with the same tag would get the same voucher: harmless, and with
    36 bits not to be met.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(request_id.encode()).digest()[:6])[:6].decode()


REFUSALS: dict[Outcome, type[HuiquanError]] = {
    Outcome.LIMIT_REACHED: refusals.ClaimLimitReached,
    Outcome.DAY_LIMIT_REACHED: refusals.DailyClaimLimitReached,
    Outcome.EXHAUSTED: refusals.QuotaExhausted,
    Outcome.NOT_OPEN: refusals.CampaignNotOpen,
    Outcome.CLOSED: refusals.CampaignClosed,
    Outcome.PAUSED: refusals.CampaignPaused,
    Outcome.NOT_LOADED: refusals.QuotaUnavailable,
}


def _decide(
    campaign: CampaignTerms,
    tier: TierTerms,
    answer: quota.Take,
    *,
    resident_id: int,
    now: datetime,
) -> ClaimedVoucher:
    """Turn the script's answer into a voucher or a refusal."""
    held = answer.claim
    if answer.outcome in (Outcome.TAKEN, Outcome.REPLAYED) and held is not None:
        replayed = answer.outcome is Outcome.REPLAYED
        return with_receipt(
            present(campaign, tier, held, replayed=replayed), campaign, held, resident_id
        )
    if answer.outcome is Outcome.NOT_LOADED:
        log.error("quota_not_loaded", campaign_id=campaign.id, epoch=campaign.epoch)
    details: dict[str, object] = {"opens_at": campaign.opens_at.isoformat()}
    if held is not None:  # somebody who holds a voucher is told so with every refusal
        details["held_voucher_id"] = voucher_id(tier.id, held.serial)
    wait_s = None
    if answer.outcome is Outcome.NOT_OPEN:
        wait_s = clock.seconds_until(campaign.opens_at, now)
    elif answer.outcome is Outcome.DAY_LIMIT_REACHED:
        wait_s = clock.seconds_until(clock.day_bounds(now.astimezone(clock.CHINA).date())[1], now)
    raise REFUSALS[answer.outcome](f"campaign {campaign.id}", details=details, retry_after_s=wait_s)


def with_receipt(
    voucher: ClaimedVoucher, campaign: CampaignTerms, claim: HeldClaim, resident_id: int
) -> ClaimedVoucher:
    """Return the voucher with the signed text by which its holder can prove the claim."""
    settings: Settings = current_app.extensions["settings"]
    receipt = receipts.Receipt(
        campaign_id=campaign.id,
        tier_position=claim.tier_position,
        serial=claim.serial,
        resident_id=resident_id,
        claimed_at_ms=clock.to_ms(claim.claimed_at),
        epoch=campaign.epoch,
    )
    return replace(voucher, receipt=receipts.sign(receipt, token_key=settings.token_key))


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


def promised_vouchers(resident_id: int) -> list[ClaimedVoucher]:
    """Return every voucher that Valkey knows a resident holds, drained to SQL or not.

    Raises redis.RedisError when Valkey cannot be asked.
    """
    return _promised(resident_id)[0]


def _promised(resident_id: int) -> tuple[list[ClaimedVoucher], dict[str, int]]:
    """Return what Valkey promises, and the epochs that SQL knew before Valkey was asked."""
    found = [
        campaign_queries.terms_of(campaign)
        for campaign in campaigns.list_all(STATES_WITH_CLAIMS)
        if campaign.mode == "claim"
    ]
    db.session.close()
    held = quota.held_by(redis_handle.client, found, resident_id)
    tiers = {(campaign.id, tier.position): tier for campaign in found for tier in campaign.tiers}
    promised = [
        present(campaign, tiers[campaign.id, claim.tier_position], claim)
        for campaign in found
        for claim in held[campaign.id]
    ]
    return promised, {campaign.id: campaign.epoch for campaign in found}


def record_promised(resident_id: int) -> None:
    """Write a resident's promised vouchers into SQL now, so that he can pay with them now.

    What the writer would do in a moment; by the same unique numbers, so neither doubles the
    other. With Valkey down it does nothing: what SQL has is still usable.
    """
    try:
        promised, epochs = _promised(resident_id)
    except redis.RedisError as error:
        log.warning("promised_vouchers_unknown", error=type(error).__name__)
        return
    if not promised:
        return
    ids = [voucher.voucher_id for voucher in promised]
    missing = set(ids) - voucher_queries.existing_ids(db.session(), ids)
    rows = [row_of(voucher, resident_id) for voucher in promised if voucher.voucher_id in missing]
    if not rows:
        return
    result = claim_rows.insert([(epochs[str(row["campaign_id"])], row) for row in rows])
    if result.stale or result.taken:  # a rebuild came between, or two hold one number
        log.error("promised_vouchers_refused", stale=result.stale, taken=len(result.taken))


def row_of(voucher: ClaimedVoucher, resident_id: int) -> dict[str, object]:
    """Return the row of a promised voucher."""
    return {
        "id": voucher.voucher_id,
        "resident_id": resident_id,
        "campaign_id": voucher.campaign_id,
        "tier_id": voucher.voucher_id // 1_000_000_000,
        "threshold_fen": voucher.threshold_fen,
        "face_value_fen": voucher.face_value_fen,
        "claimed_at": voucher.claimed_at,
        "valid_from": voucher.valid_from,
        "valid_until": voucher.valid_until,
        "status": "unused",
        "order_id": None,
    }


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """How many claims were new, and which entries are settled; the others must be kept."""

    new: int
    settled: tuple[str, ...]


def record(entries: Sequence[StreamEntry]) -> Recorded:
    """Write claims of the stream into SQL, each exactly once.

    An entry of an older epoch is refused: the quota it was taken from is no longer counted. One
    whose number is another resident's (an old append-only file was restored) is nobody's mistake
    to drop: it is logged and kept.
    """
    known = {campaign.id: campaign for campaign in campaigns.list_all(None)}
    rows = [(entry.epoch, _entry_row(entry, known[entry.campaign_id].tiers)) for entry in entries]
    result = claim_rows.insert(rows)
    settled = []
    for entry, (_, row) in zip(entries, rows, strict=True):
        facts = {"campaign_id": entry.campaign_id, "entry_id": entry.entry_id}
        if (entry.campaign_id, entry.epoch) in result.stale:
            log.error("stale_claim_refused", **facts, epoch=entry.epoch)
        elif (row["id"], entry.resident_id) in result.taken:
            log.error("claim_number_taken", **facts, voucher_id=row["id"])
            continue
        settled.append(entry.entry_id)
    return Recorded(new=result.new, settled=tuple(settled))


def _entry_row(entry: StreamEntry, tiers: Sequence[Tier]) -> dict[str, object]:
    tier = next(tier for tier in tiers if tier.id == entry.tier_id)
    return {
        "id": voucher_id(entry.tier_id, entry.serial),
        "resident_id": entry.resident_id,
        "campaign_id": entry.campaign_id,
        "tier_id": tier.id,
        "threshold_fen": tier.threshold_fen,
        "face_value_fen": tier.face_value_fen,
        "claimed_at": clock.from_ms(entry.claimed_at_ms),
        "valid_from": clock.from_ms(entry.valid_from_ms),
        "valid_until": clock.from_ms(entry.valid_until_ms),
        "status": "unused",
        "order_id": None,
    }
