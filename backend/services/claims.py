"""Claiming (领券): the quota decides in Valkey, the voucher's row follows in SQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis
import structlog
from flask import current_app

from backend import clock, metrics, redis_clients
from backend.domain.campaigns import CampaignTerms
from backend.domain.claim_rules import Position
from backend.domain.vouchers import SERIALS_PER_TIER, voucher_id
from backend.extensions import db, redis_handle
from backend.services import blocks, campaigns, card_holders, claim_rows, quota_faults
from backend.services.claim_decisions import (
    Came,
    ClaimedVoucher,
    decide,
    marks_of,
    prepare,
    present,
)
from backend.settings import Settings
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.queries.voucher_inserts import NewVoucher
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
        holders = card_holders.SNAPSHOTS.get(card_holders.ALL) if campaign.card_required else ()
        db.session.close()  # the connection goes back before we wait for Valkey
        prepared = prepare(
            campaign,
            tier_position=tier_position,
            resident_id=resident_id,
            request_id=request_id,
            now_ms=clock.now_ms(),
            position=position,
            came=Came(ticket=ticket, address=address, settings=settings),
            card_bound=resident_id in holders,
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
    result = claim_rows.insert([(known.epochs[row.campaign_id], row) for row in rows])
    if result.stale or result.taken:  # a rebuild came between, or two hold one number
        log.error("promised_vouchers_refused", stale=result.stale, taken=len(result.taken))


def row_of(voucher: ClaimedVoucher, resident_id: int) -> NewVoucher:
    """Return the row of a promised voucher."""
    return NewVoucher(
        id=voucher.voucher_id,
        resident_id=resident_id,
        campaign_id=voucher.campaign_id,
        tier_id=voucher.voucher_id // SERIALS_PER_TIER,
        threshold_fen=voucher.threshold_fen,
        face_value_fen=voucher.face_value_fen,
        claimed_at_ms=clock.to_ms(voucher.claimed_at),
        valid_from_ms=clock.to_ms(voucher.valid_from),
        valid_until_ms=clock.to_ms(voucher.valid_until),
        # Its marks come with the stream.
    )


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
    names = sorted({entry.campaign_id for entry in entries})
    terms = campaign_queries.voucher_terms(db.session(), names)
    rows = [
        NewVoucher(  # by position: the writer's pace is made of this
            voucher_id(entry.tier_id, entry.serial),
            entry.resident_id,
            entry.campaign_id,
            entry.tier_id,
            *terms[entry.campaign_id, entry.tier_id],
            entry.claimed_at_ms,
            entry.valid_from_ms,
            entry.valid_until_ms,
            entry.marks,
            entry.address_range,
        )
        for entry in entries
    ]
    epochs = [entry.epoch for entry in entries]
    result = claim_rows.insert(list(zip(epochs, rows, strict=True)))
    return Recorded(new=result.new, settled=tuple(_settled(entries, rows, result)))


def _settled(
    entries: Sequence[StreamEntry], rows: Sequence[NewVoucher], result: claim_rows.Inserted
) -> Iterator[str]:
    """Yield the entries that need not be kept, and log what was refused."""
    for entry, row in zip(entries, rows, strict=True):
        if (entry.campaign_id, entry.epoch) in result.stale:
            log.error("stale_claim_refused", **_facts(entry), epoch=entry.epoch)
        elif (row.id, row.resident_id) in result.taken:
            log.error("claim_number_taken", **_facts(entry), voucher_id=row.id)
            continue
        yield entry.entry_id


def _facts(entry: StreamEntry) -> dict[str, str]:
    return {"campaign_id": entry.campaign_id, "entry_id": entry.entry_id}
