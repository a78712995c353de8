"""Comparing what Valkey, SQL and the ledger say of every quota, tier by tier."""

import time
from collections import Counter
from dataclasses import dataclass

from backend import clock
from backend.domain.campaigns import MODES_WITH_QUOTA, CampaignTerms
from backend.domain.postings import campaign_account
from backend.domain.vouchers import voucher_id
from backend.extensions import db, redis_handle
from backend.services import claims
from backend.storage.queries import campaigns as queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import recyclings, returned_units
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import quota, rebuild, reserve, stream

LOOKS = 3  # while claims go on, Valkey and SQL are read a moment apart: a true difference stays
BETWEEN_LOOKS_S = 0.5


@dataclass(frozen=True, kw_only=True)
class TierFigures:
    """Units of one tier: what each side counts."""

    campaign_id: str
    tier_position: int
    count: int
    left: int
    reserved: int  # of `left`, for receipts
    issued: int
    held: int
    vouchers: int
    waiting: int  # in the stream, and not in SQL yet
    claimed_count: int
    returned: int  # recycled, or back from an order that was released, as Valkey knows it
    recycled: int  # as SQL does
    pending: int  # of these not given back by Valkey yet, as SQL knows it
    held_back: int  # returned, and no more in anybody's name: those of instant campaigns


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that does not agree, in units, or in fen where it says so."""

    where: str
    what: str
    expected: int
    found: int


@dataclass(frozen=True, kw_only=True)
class QuotaCheck:
    """What was counted, and what does not agree."""

    tiers: tuple[TierFigures, ...]
    differences: tuple[Difference, ...]


def check(*, looks: int = LOOKS) -> QuotaCheck:
    """Compare every campaign that has claims; look again before a difference is believed.

    Raises redis.RedisError when Valkey cannot be asked.
    """
    for look in range(looks, 0, -1):
        found = _look()
        if not found.differences or look == 1:
            return found
        time.sleep(BETWEEN_LOOKS_S)
    raise ValueError("at least one look is wanted")


def _look() -> QuotaCheck:
    db.session.rollback()
    found = [
        (queries.terms_of(campaign), {tier.id: tier.claimed_count for tier in campaign.tiers})
        for campaign in queries.list_campaigns(db.session(), claims.STATES_WITH_CLAIMS)
        if campaign.mode in MODES_WITH_QUOTA
    ]
    tiers: list[TierFigures] = []
    differences: list[Difference] = []
    for campaign, claimed_counts in found:
        loaded = quota.loaded(redis_handle.client, campaign.id)
        if loaded is None or loaded[0] != campaign.epoch:
            epoch = 0 if loaded is None else loaded[0]
            differences.append(
                Difference(
                    where=f"campaign {campaign.id}",
                    what="epoch loaded in Valkey (0: none)",
                    expected=campaign.epoch,
                    found=epoch,
                )
            )
        counted, strange = _count(campaign, claimed_counts)
        tiers += counted
        differences += strange
        for figures in counted:
            differences += _tier_differences(figures)
        differences += _ledger_differences(campaign, counted)
    db.session.rollback()
    return QuotaCheck(tiers=tuple(tiers), differences=tuple(differences))


def _count(
    campaign: CampaignTerms, claimed_counts: dict[int, int]
) -> tuple[list[TierFigures], list[Difference]]:
    client = redis_handle.client
    reserved = reserve.reserved(client, campaign, now_ms=clock.now_ms())
    left, issued = quota.left(client, campaign), quota.issued(client, campaign)
    held = _held(campaign)
    waiting, taken = _waiting(campaign)
    returned = quota.returned_units(client, campaign)
    recycled, pending = _recycled(campaign)
    vouchers = voucher_queries.counts_by_tier(db.session(), campaign.id)
    figures = [
        TierFigures(
            campaign_id=campaign.id,
            tier_position=tier.position,
            count=tier.count,
            left=left.get(tier.position, 0),
            reserved=reserved[tier.position],
            issued=issued.get(tier.position, 0),
            held=held[tier.position],
            vouchers=vouchers.get(tier.id, 0),
            waiting=waiting[tier.id],
            claimed_count=claimed_counts[tier.id],
            returned=returned[tier.position],
            recycled=recycled.get(tier.id, 0),
            pending=pending.get(tier.id, 0),
            held_back=returned[tier.position] if campaign.mode == "instant" else 0,
        )
        for tier in campaign.tiers
    ]
    return figures, [
        Difference(
            where=_where(campaign.id, tier.position),
            what="claims in the stream whose number another resident holds",
            expected=0,
            found=taken[tier.id],
        )
        for tier in campaign.tiers
        if taken[tier.id]
    ]


def _recycled(campaign: CampaignTerms) -> tuple[dict[int, int], dict[int, int]]:
    """Return the units that SQL has as given back, and those Valkey has not, by tier id."""
    if campaign.mode == "claim":
        return recyclings.of_campaign(db.session(), campaign.id).units, {}
    counts = returned_units.counts_by_tier(db.session(), campaign.id)
    return {id_: n for id_, (n, _) in counts.items()}, {id_: n for id_, (_, n) in counts.items()}


def _held(campaign: CampaignTerms) -> Counter[int]:
    """Count held claims by tier position, each number once."""
    seen = {
        (claim.tier_position, claim.serial)
        for _, claim in rebuild.all_held(redis_handle.client, campaign)
    }
    return Counter(position for position, _ in seen)


def _waiting(campaign: CampaignTerms) -> tuple[Counter[int], Counter[int]]:
    """Count entries of this epoch by tier id: those not in SQL, and those under a taken number."""
    waiting: Counter[int] = Counter()
    taken: Counter[int] = Counter()
    for entries in stream.waiting(redis_handle.client, campaign.id):
        fresh = {
            voucher_id(entry.tier_id, entry.serial): entry
            for entry in entries
            if entry.epoch == campaign.epoch
        }
        holders = voucher_queries.holders(db.session(), list(fresh))
        waiting.update(e.tier_id for number, e in fresh.items() if number not in holders)
        taken.update(
            entry.tier_id
            for number, entry in fresh.items()
            if holders.get(number, entry.resident_id) != entry.resident_id
        )
    return waiting, taken


def _tier_differences(tier: TierFigures) -> list[Difference]:
    compared = (
        (
            "left + issued - returned in Valkey, and the tier's count",
            tier.count,
            tier.left + tier.issued - tier.returned,
        ),
        ("returned in Valkey, and recycled in SQL", tier.recycled - tier.pending, tier.returned),
        ("issued in Valkey, and vouchers + waiting", tier.vouchers + tier.waiting, tier.issued),
        ("held in Valkey, and issued in Valkey", tier.issued - tier.held_back, tier.held),
        (
            "claimed_count, and vouchers - recycled",
            tier.vouchers - tier.recycled,
            tier.claimed_count,
        ),
    )
    return [
        Difference(
            where=_where(tier.campaign_id, tier.tier_position),
            what=what,
            expected=expected,
            found=found,
        )
        for what, expected, found in compared
        if expected != found
    ]


def _ledger_differences(campaign: CampaignTerms, counted: list[TierFigures]) -> list[Difference]:
    faces = {tier.position: tier.face_value_fen for tier in campaign.tiers}
    expected_fen = sum(figures.vouchers * faces[figures.tier_position] for figures in counted)
    moved = ledger_queries.transfers_by_kind(db.session())
    locked = campaign_account(campaign.id, "locked")
    found_fen = sum(
        amount_fen
        for (kind, _, target), amount_fen in moved.items()
        if kind == "claim" and target == locked
    )
    if expected_fen == found_fen:
        return []
    return [
        Difference(
            where=f"campaign {campaign.id}",
            what="claim transfers of the ledger, and the vouchers' face values (fen)",
            expected=expected_fen,
            found=found_fen,
        )
    ]


def _where(campaign_id: str, position: int) -> str:
    return f"campaign {campaign_id} tier {position}"
