"""Marks of claims (可疑标记) for staff and for the rules against fraud."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend import clock
from backend.domain import claim_marks
from backend.domain.identifiers import masked_mobile
from backend.extensions import db
from backend.services.personal_data import vault
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import claim_marks as queries
from backend.storage.sql import transaction

RANGES_KEPT = timedelta(days=1)
VIRTUAL_NUMBER = "virtual_number"  # of the phone, marked once when it was bound


@dataclass(frozen=True, kw_only=True)
class MarkedVoucher:
    """A voucher whose claim is marked, as staff see it."""

    voucher_id: int
    campaign_id: str
    phone: str
    claimed_at: datetime
    marks: tuple[str, ...]


def names() -> list[str]:
    """Return every mark's name."""
    return [*claim_marks.NAMES.values(), VIRTUAL_NUMBER]


def counts(campaign_id: str | None = None) -> dict[str, dict[str, int]]:
    """Return how many vouchers have each mark, by campaign; a voucher counts under each of its."""
    found: dict[str, Counter[str]] = {}
    for campaign, marks, count in queries.counts(db.session(), campaign_id):
        of_campaign = found.setdefault(campaign, Counter())
        for name in claim_marks.names(marks):
            of_campaign[name] += count
    for campaign, count in queries.virtual_counts(db.session(), campaign_id):
        found.setdefault(campaign, Counter())[VIRTUAL_NUMBER] += count
    return {
        campaign: {name: of_campaign[name] for name in names() if of_campaign[name]}
        for campaign, of_campaign in sorted(found.items())
    }


def marked(
    campaign_id: str | None = None, *, mark: str | None = None, limit: int
) -> Sequence[MarkedVoucher]:
    """Return marked vouchers, the latest claim first, phones masked.

    :param mark: only those with this mark; ValueError for a name that is none
    """
    bits = sum(claim_marks.NAMES) if mark is None else _bits(mark)
    virtual = mark in (None, VIRTUAL_NUMBER)
    rows = queries.list_marked(
        db.session(), campaign_id, bits=bits, virtual_operator=virtual, limit=limit
    )
    return [
        MarkedVoucher(
            voucher_id=voucher.id,
            campaign_id=voucher.campaign_id,
            phone=masked_mobile(vault().decrypt(phone_encrypted)),
            claimed_at=voucher.claimed_at,
            marks=(*claim_marks.names(voucher.marks), *([VIRTUAL_NUMBER] if is_virtual else [])),
        )
        for voucher, phone_encrypted, is_virtual in rows
    ]


def mark_crowded() -> int:
    """Mark claims of ranges with many residents in the first seconds; return how many are new.

    For the job: what is marked stays marked, so it may run twice. The ranges are erased a day after
    the campaign's opening; they are of no further use.
    """
    now, marked_count = clock.now(), 0
    opened = queries.campaigns_with_ranges(db.session())
    db.session.close()
    for campaign_id, opens_at in opened:
        with transaction() as session:
            campaign_queries.lock_campaign(
                session, campaign_id
            )  # writers wait, and none crosses us
            marked_count += queries.mark_ranges(
                session,
                campaign_id,
                residents=claim_marks.CROWD_RESIDENTS,
                mark=claim_marks.RANGE_CROWDED,
            )
            if now >= opens_at + RANGES_KEPT:
                queries.erase_ranges(session, campaign_id)
    return marked_count


def _bits(mark: str) -> int:
    if mark == VIRTUAL_NUMBER:
        return 0
    for bit, name in claim_marks.NAMES.items():
        if name == mark:
            return bit
    raise ValueError(f"no mark {mark!r}")
