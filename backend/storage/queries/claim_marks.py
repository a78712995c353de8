"""Marks of claims: counted, listed, and set for ranges of addresses that many came from."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Campaign
from backend.storage.models.residents import Resident, ResidentIdentity
from backend.storage.models.vouchers import Voucher

HAS_VIRTUAL_NUMBER = exists().where(
    ResidentIdentity.resident_id == Voucher.resident_id, ResidentIdentity.virtual_operator
)


def counts(session: Session, campaign_id: str | None) -> list[tuple[str, int, int]]:
    """Return (campaign_id, marks, vouchers) for each combination of marks."""
    rows = session.execute(
        select(Voucher.campaign_id, Voucher.marks, func.count())
        .where(Voucher.marks != 0, *_of(campaign_id))
        .group_by(Voucher.campaign_id, Voucher.marks)
    )
    return [(campaign, marks, int(count)) for campaign, marks, count in rows]


def virtual_counts(session: Session, campaign_id: str | None) -> list[tuple[str, int]]:
    """Return (campaign_id, vouchers) of residents with a virtual operator's number."""
    rows = session.execute(
        select(Voucher.campaign_id, func.count())
        .where(HAS_VIRTUAL_NUMBER, *_of(campaign_id))
        .group_by(Voucher.campaign_id)
    )
    return [(campaign, int(count)) for campaign, count in rows]


def list_marked(
    session: Session, campaign_id: str | None, *, bits: int, virtual_operator: bool, limit: int
) -> list[tuple[Voucher, bytes, bool]]:
    """Return (voucher, encrypted phone, has a virtual operator's number), the latest first.

    :param bits: vouchers with any of these marks
    :param virtual_operator: also those of a virtual operator's number
    """
    wanted: list[ColumnElement[Any]] = [Voucher.marks.bitwise_and(bits) != 0]
    if virtual_operator:
        wanted.append(HAS_VIRTUAL_NUMBER)
    rows = session.execute(
        select(Voucher, Resident.phone_encrypted, HAS_VIRTUAL_NUMBER)
        .join(Resident, Resident.id == Voucher.resident_id)
        .where(or_(*wanted), *_of(campaign_id))
        .order_by(Voucher.claimed_at.desc(), Voucher.id.desc())
        .limit(limit)
    )
    return [(voucher, phone, bool(virtual)) for voucher, phone, virtual in rows]


def campaigns_with_ranges(session: Session) -> list[tuple[str, datetime]]:
    """Return (id, opens_at) of campaigns some of whose claims have their range."""
    in_a_range = exists().where(
        Voucher.campaign_id == Campaign.id, Voucher.claim_range.is_not(None)
    )
    rows = session.execute(select(Campaign.id, Campaign.opens_at).where(in_a_range))
    return [(campaign_id, opens_at) for campaign_id, opens_at in rows]


def mark_ranges(session: Session, campaign_id: str, *, residents: int, mark: int) -> int:
    """Mark the claims of every range with so many residents; return how many were not yet."""
    crowded = (
        select(Voucher.claim_range)
        .where(Voucher.campaign_id == campaign_id, Voucher.claim_range.is_not(None))
        .group_by(Voucher.claim_range)
        .having(func.count(Voucher.resident_id.distinct()) >= residents)
    )
    marked = session.scalars(
        update(Voucher)
        .where(
            Voucher.campaign_id == campaign_id,
            Voucher.claim_range.in_(crowded.scalar_subquery()),
            Voucher.marks.bitwise_and(mark) == 0,
        )
        .values(marks=Voucher.marks.bitwise_or(mark))
        .execution_options(synchronize_session=False)
        .returning(Voucher.id)
    )
    return len(marked.all())


def erase_ranges(session: Session, campaign_id: str) -> None:
    """Forget the ranges of a campaign's claims."""
    session.execute(
        update(Voucher)
        .where(Voucher.campaign_id == campaign_id, Voucher.claim_range.is_not(None))
        .values(claim_range=None)
        .execution_options(synchronize_session=False)
    )


def _of(campaign_id: str | None) -> list[ColumnElement[bool]]:
    return [] if campaign_id is None else [Voucher.campaign_id == campaign_id]
