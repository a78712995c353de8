"""Claiming (领券): the quota decides in Valkey, the voucher's row follows in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis
import structlog
from flask import current_app

from backend import clock, metrics, redis_clients
from backend.domain.campaigns import CampaignTerms
from backend.domain.claim_rules import Position
from backend.domain.vouchers import voucher_id
from backend.extensions import db, redis_handle
from backend.services import blocks, campaigns, claim_rows, quota_faults
from backend.services.claim_decisions import (
    Came,
    ClaimedVoucher,
    decide,
    marks_of,
    prepare,
    present,
)
from backend.settings import Settings
from backend.storage.models.campaigns import Tier
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import keys, quota
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.stream import StreamEntry

log = structlog.get_logger()

# A claim that SQL cannot show yet is at most this old; older ones were drained long ago.
STATES_WITH_CLAIMS = ("running", "paused", "stopped", "ended")


def claim_voucher(
    *,
    campaign_id: str,
    tier_position: int,
    resident_id: int,
    request_id: str,
    position: Position | None = None,
    ticket: str | None = None,
    address: str = "",
) -> ClaimedVoucher:
    """Take one voucher of a tier for a resident; the same request_id never takes two.

    `ticket` and `address` decide marks, nothing else.
    Source: plan, part six (二) 限额领取，用完即止. Raises a refusal of `domain/refusals.py` for
    every outcome but taken and replayed.
    """
    settings: Settings = current_app.extensions["settings"]
    with metrics.CountedClaim(campaign_id) as counted:
        blocks.refuse_claim(resident_id, blocks.SNAPSHOTS.get(blocks.ALL))
        campaign = campaigns.terms(campaign_id)
        db.session.close()  # the connection goes back before we wait for Valkey
        prepared = prepare(
            campaign,
            tier_position=tier_position,
            resident_id=resident_id,
            request_id=request_id,
            now=clock.now(),
            position=position,
            came=Came(ticket=ticket, address=address, settings=settings),
        )
        try:
            answer = quota.take(redis_handle.client, prepared.call)
        except redis.RedisError as error:
            log.error("claim_unanswered", campaign_id=campaign_id, error=type(error).__name__)
            raise quota_faults.refusal(error) from error
        voucher = decide(prepared, answer, token_key=settings.token_key)
        counted.outcome = "replayed" if voucher.replayed else "taken"
        counted.marks = marks_of(prepared, answer)
        return voucher


@dataclass(frozen=True, kw_only=True)
class Promised:
    """What Valkey promises, and the epochs that SQL knew before Valkey was asked.

    `complete` is False when Valkey, or a node of the cluster, could not be asked.
    """

    vouchers: list[ClaimedVoucher]
    epochs: dict[str, int]
    complete: bool


def promised(resident_id: int) -> Promised:
    """Return every voucher that Valkey knows a resident holds, drained to SQL or not."""
    found = [
        campaign_queries.terms_of(campaign)
        for campaign in campaigns.list_all(STATES_WITH_CLAIMS)
        if campaign.mode == "claim"
    ]
    db.session.close()
    held, complete = _held_by(found, resident_id)
    tiers = {(campaign.id, tier.position): tier for campaign in found for tier in campaign.tiers}
    vouchers = [
        present(campaign, tiers[campaign.id, claim.tier_position], claim)
        for campaign in found
        for claim in held.get(campaign.id, ())
    ]
    epochs = {campaign.id: campaign.epoch for campaign in found}
    return Promised(vouchers=vouchers, epochs=epochs, complete=complete)


def _held_by(
    found: Sequence[CampaignTerms], resident_id: int
) -> tuple[dict[str, list[HeldClaim]], bool]:
    """Return what a resident holds, and whether every campaign's server told it."""
    held: dict[str, list[HeldClaim]] = {}
    complete = True
    try:
        client = redis_handle.client
    except redis.RedisError as error:
        log.warning("promised_vouchers_unknown", error=type(error).__name__)
        return {}, False
    for group in redis_clients.by_node(client, found, lambda campaign: keys.quota(campaign.id)):
        try:
            held |= quota.held_by(client, group, resident_id)
        except redis.RedisError as error:
            complete = False
            log.warning("promised_vouchers_unknown", error=type(error).__name__)
    return held, complete


def record_promised(resident_id: int) -> None:
    """Write a resident's promised vouchers into SQL now, so that he can pay with them now.

    What the writer would do in a moment; by the same unique numbers, so neither doubles the
    other. With Valkey down it does nothing: what SQL has is still usable.
    """
    known = promised(resident_id)
    if not known.vouchers:
        return
    ids = [voucher.voucher_id for voucher in known.vouchers]
    missing = set(ids) - voucher_queries.existing_ids(db.session(), ids)
    rows = [
        row_of(voucher, resident_id) for voucher in known.vouchers if voucher.voucher_id in missing
    ]
    if not rows:
        return
    result = claim_rows.insert([(known.epochs[str(row["campaign_id"])], row) for row in rows])
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
        "marks": 0,  # these come with the stream
        "claim_range": None,
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
        "marks": entry.marks,
        "claim_range": entry.address_range or None,
    }
