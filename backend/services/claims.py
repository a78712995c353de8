"""Claiming (领券): the quota decides in Valkey, the voucher's row follows in SQL."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence

import redis
import structlog

from backend import clock
from backend.domain import refusals
from backend.domain.postings import campaign_posting
from backend.domain.vouchers import voucher_id
from backend.extensions import db, redis_handle
from backend.services import campaigns
from backend.services.claim_decisions import ClaimedVoucher, decide, prepare, present
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import quota
from backend.storage.redis.quota import Outcome
from backend.storage.redis.stream import StreamEntry
from backend.storage.sql import transaction

log = structlog.get_logger()

# A claim that SQL cannot show yet is at most this old; older ones were drained long ago.
STATES_WITH_CLAIMS = ("running", "paused", "stopped", "ended")


def claim_voucher(
    *, campaign_id: str, tier_position: int, resident_id: int, request_id: str
) -> ClaimedVoucher:
    """Take one voucher of a tier for a resident; the same request_id never takes two.

    Source: plan, part six (二) 限额领取，用完即止. Raises a refusal of `domain/refusals.py` for
    every outcome but taken and replayed.
    """
    campaign = campaigns.terms(campaign_id)
    db.session.close()  # the connection goes back before we wait for Valkey
    prepared = prepare(
        campaign,
        tier_position=tier_position,
        resident_id=resident_id,
        request_id=request_id,
        now=clock.now(),
    )
    try:
        answer = quota.take(redis_handle.client, prepared.call)
    except redis.RedisError as error:
        log.error("claim_unanswered", campaign_id=campaign_id, error=type(error).__name__)
        raise refusals.QuotaUnavailable(type(error).__name__) from error
    if answer.outcome is Outcome.NOT_LOADED:
        log.error("quota_not_loaded", campaign_id=campaign.id, epoch=campaign.epoch)
    return decide(prepared, answer)


def promised_vouchers(resident_id: int) -> list[ClaimedVoucher]:
    """Return every voucher that Valkey knows a resident holds, drained to SQL or not.

    Raises redis.RedisError when Valkey cannot be asked.
    """
    found = [
        campaign_queries.terms_of(campaign)
        for campaign in campaigns.list_all(STATES_WITH_CLAIMS)
        if campaign.mode == "claim"
    ]
    db.session.close()
    held = quota.held_by(redis_handle.client, found, resident_id)
    tiers = {(campaign.id, tier.position): tier for campaign in found for tier in campaign.tiers}
    return [
        present(campaign, tiers[campaign.id, claim.tier_position], claim)
        for campaign in found
        for claim in held[campaign.id]
    ]


def record_promised(resident_id: int) -> None:
    """Write a resident's promised vouchers into SQL now, so that he can pay with them now.

    What the writer would do in a moment; by the same unique numbers, so neither doubles the
    other. With Valkey down it does nothing: what SQL has is still usable.
    """
    try:
        promised = promised_vouchers(resident_id)
    except redis.RedisError as error:
        log.warning("promised_vouchers_unknown", error=type(error).__name__)
        return
    if not promised:
        return
    ids = [voucher.voucher_id for voucher in promised]
    missing = set(ids) - voucher_queries.existing_ids(db.session(), ids)
    rows = [_row(voucher, resident_id) for voucher in promised if voucher.voucher_id in missing]
    if rows:
        _insert(rows)


def _row(voucher: ClaimedVoucher, resident_id: int) -> dict[str, object]:
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


def record(entries: Sequence[StreamEntry]) -> int:
    """Write claims of the stream into SQL, each exactly once; return how many were new.

    One transaction: the rows, the ledger's movement and the tiers' counts stand or fall together.
    Entries of an older epoch are refused: the quota they were taken from is no longer counted.
    """
    known = {campaign.id: campaign for campaign in campaigns.list_all(None)}
    rows = []
    for entry in entries:
        campaign = known[entry.campaign_id]
        if entry.epoch != campaign.epoch:
            log.error(
                "stale_claim_refused",
                campaign_id=campaign.id,
                entry_id=entry.entry_id,
                epoch=entry.epoch,
            )
            continue
        tier = next(tier for tier in campaign.tiers if tier.id == entry.tier_id)
        rows.append(
            {
                "id": voucher_id(entry.tier_id, entry.serial),
                "resident_id": entry.resident_id,
                "campaign_id": campaign.id,
                "tier_id": tier.id,
                "threshold_fen": tier.threshold_fen,
                "face_value_fen": tier.face_value_fen,
                "claimed_at": clock.from_ms(entry.claimed_at_ms),
                "valid_from": clock.from_ms(entry.valid_from_ms),
                "valid_until": clock.from_ms(entry.valid_until_ms),
                "status": "unused",
                "order_id": None,
            }
        )
    return _insert(rows) if rows else 0


def _insert(rows: list[dict[str, object]]) -> int:
    """Insert voucher rows with one claim transfer for each campaign in the batch.

    Each voucher names the transfer that locked its money, so every fen is traced to its claim
    while a batch of a thousand claims costs the ledger one row (docs/adr/0005).
    """
    rows = sorted(rows, key=lambda row: str(row["id"]).zfill(20))
    transfer_ids = {row["campaign_id"]: f"claim:{uuid.uuid4()}" for row in rows}
    with transaction() as session:
        new = voucher_queries.insert_new(
            session,
            [{**row, "claim_transfer_id": transfer_ids[row["campaign_id"]]} for row in rows],
        )
        amounts: dict[str, int] = defaultdict(int)
        counts: Counter[int] = Counter()
        for row in rows:
            if row["id"] in new:
                amounts[str(row["campaign_id"])] += int(str(row["face_value_fen"]))
                counts[int(str(row["tier_id"]))] += 1
        for campaign_id, amount_fen in sorted(amounts.items()):
            posting = campaign_posting(
                "claim", campaign_id, amount_fen, id=transfer_ids[campaign_id]
            )
            ledger_queries.add_transfer(session, posting, at=clock.now())
        campaign_queries.add_claimed_counts(session, counts)
    return len(new)
