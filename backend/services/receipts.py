"""Honouring receipts (领取凭证): a claim that was lost with Valkey is restored for its holder."""

import redis
import structlog
from flask import current_app
from sqlalchemy import select

from backend import clock
from backend.domain import receipts, refusals
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.receipts import Receipt, ReceiptRefused
from backend.domain.vouchers import voucher_id
from backend.extensions import db, redis_handle
from backend.services import audit, claim_decisions, claim_rows, claims, quota_faults
from backend.services.claim_decisions import ClaimedVoucher
from backend.settings import Settings
from backend.storage.models.audit import AuditEntry
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import rebuild
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.quota import Outcome, Take
from backend.storage.sql import transaction

log = structlog.get_logger()
LIMITS = (
    *(Outcome.LIMIT_REACHED, Outcome.PERSON_LIMIT_REACHED),
    *(Outcome.DAY_LIMIT_REACHED, Outcome.DAY_COUNT_REACHED),
)


def honour(text: str, *, resident_id: int) -> ClaimedVoucher:
    """Return the voucher that a receipt proves, restored when it was lost; any number of times.

    Raises ReceiptInvalid for a forged one and another resident's alike, ReceiptNotHonoured when
    its unit is gone, and the refusals of a claim.
    """
    receipt, campaign, tier = _read(text, resident_id)
    number = voucher_id(tier.id, receipt.serial)
    claim = HeldClaim(
        tier_position=tier.position,
        serial=receipt.serial,
        claimed_at=clock.from_ms(receipt.claimed_at_ms),
    )
    holder = voucher_queries.holders(db.session(), [number]).get(number)
    db.session.close()  # the connection goes back before we wait for Valkey
    if holder is None:
        replayed = _restore(receipt, campaign, tier, claim)
    elif holder == resident_id:
        replayed = True
    else:
        raise _not_honoured(number, receipt, "number_taken")
    settings: Settings = current_app.extensions["settings"]
    again = claim_decisions.receipt_of(campaign, claim, resident_id, token_key=settings.token_key)
    return claim_decisions.present(campaign, tier, claim, replayed=replayed, receipt=again)


def _read(text: str, resident_id: int) -> tuple[Receipt, CampaignTerms, TierTerms]:
    settings: Settings = current_app.extensions["settings"]
    try:
        receipt = receipts.read(text, token_key=settings.token_key)
    except ReceiptRefused as error:
        raise refusals.ReceiptInvalid(str(error)) from error
    if receipt.resident_id != resident_id:
        raise refusals.ReceiptInvalid("another resident's")
    # From SQL itself: terms in memory may be of the epoch before.
    found = campaign_queries.get_campaign(db.session(), receipt.campaign_id)
    campaign = campaign_queries.terms_of(found) if found else None
    tier = campaign.tier(receipt.tier_position) if campaign else None
    if campaign is None or tier is None:
        raise refusals.ReceiptInvalid("of a campaign or tier that is not here")
    if receipt.epoch > campaign.epoch:  # we signed it, so SQL was restored from before it
        log.error("receipt_of_later_epoch", campaign_id=campaign.id, epoch=receipt.epoch)
        raise refusals.QuotaUnavailable("a receipt of a later epoch")
    return receipt, campaign, tier


def _restore(receipt: Receipt, campaign: CampaignTerms, tier: TierTerms, claim: HeldClaim) -> bool:
    """Take a unit for a claim that SQL does not have; True when Valkey has it already."""
    validity = claim_decisions.validity_of(campaign, claim.claimed_at)
    lost = receipt.epoch < campaign.epoch
    number = voucher_id(tier.id, claim.serial)
    try:
        answer = rebuild.restore(
            redis_handle.client,
            campaign,
            tier,
            resident_id=receipt.resident_id,
            claim=claim,
            validity=validity,
            lost=lost,
        )
    except redis.RedisError as error:
        log.error("receipt_unanswered", campaign_id=campaign.id, error=type(error).__name__)
        raise quota_faults.refusal(error) from error
    if answer.outcome not in (Outcome.TAKEN, Outcome.REPLAYED):
        raise _refusal(answer, number, receipt, campaign)
    if not lost:
        return True  # the claim of today: the writer has it in hand
    # Also after a repeated request: the first one may have died between Valkey and here.
    _note("receipt.restored", number, receipt)
    voucher = claim_decisions.present(campaign, tier, claim)
    row = claims.row_of(voucher, receipt.resident_id)
    written = claim_rows.insert([(campaign.epoch, row)])
    if written.stale:  # rebuilt once more since: the same receipt asked again restores it there
        raise refusals.QuotaUnavailable("rebuilt meanwhile")
    if written.taken:
        raise _not_honoured(number, receipt, "number_taken")
    return answer.outcome is Outcome.REPLAYED


def _refusal(answer: Take, number: int, receipt: Receipt, campaign: CampaignTerms) -> Exception:
    if answer.outcome is Outcome.EXHAUSTED:
        return _not_honoured(number, receipt, "exhausted")
    if answer.outcome in LIMITS:
        _note("receipt.refused", number, receipt, reason=answer.outcome.name.lower())
    if answer.outcome is Outcome.UNKNOWN_HERE:
        # Valkey was restored from an older copy: only a rebuild can tell which numbers are given.
        log.error("receipt_unknown_here", campaign_id=receipt.campaign_id, epoch=receipt.epoch)
        return refusals.QuotaUnavailable("this epoch's quota does not know the claim")
    details: dict[str, object] = {}
    if answer.claim is not None:
        details["held_voucher_id"] = claim_decisions.held_number(campaign, answer.claim)
    return claim_decisions.REFUSALS[answer.outcome](
        f"receipt of {receipt.campaign_id}", details=details
    )


def _not_honoured(number: int, receipt: Receipt, reason: str) -> refusals.ReceiptNotHonoured:
    """Return the refusal, written down for staff: they will be called about it."""
    _note("receipt.refused", number, receipt, reason=reason)
    return refusals.ReceiptNotHonoured(f"voucher {number}: {reason}")


def _note(action: str, number: int, receipt: Receipt, **details: str) -> None:
    """Write one audit entry for each voucher and action, however often the phone asks."""
    actor, subject = f"resident:{receipt.resident_id}", str(number)
    with transaction() as session:
        noted = select(AuditEntry.id).where(
            AuditEntry.action == action,
            AuditEntry.subject == subject,
            AuditEntry.actor == actor,
        )
        if session.scalar(noted) is None:
            facts = {"campaign_id": receipt.campaign_id, "epoch": receipt.epoch, **details}
            audit.record(session, actor=actor, action=action, subject=subject, **facts)
