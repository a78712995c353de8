"""Units of instant discounts that were given back, and those that Valkey has still to give back."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import DateTime, bindparam, delete, func, select, type_coerce
from sqlalchemy.orm import Session

from backend.domain.vouchers import SERIALS_PER_TIER
from backend.storage.models.campaigns import Campaign
from backend.storage.models.vouchers import PendingReturn, Voucher

_MS = timedelta(milliseconds=1)
_PENDING = (
    select(PendingReturn)
    .where(PendingReturn.voucher_id > bindparam("after_id"))
    .order_by(PendingReturn.voucher_id)
    .limit(bindparam("most"))
)
_PENDING_OF_ONE = _PENDING.where(PendingReturn.resident_id == bindparam("resident_id"))


class Unit(NamedTuple):
    """A unit of a tier that was taken: its serial, whose it was, when, and whether it went back."""

    serial: int
    resident_id: int
    claimed_at_ms: int
    returned: bool


def units_of_tier(session: Session, tier_id: int, *, after_serial: int, limit: int) -> list[Unit]:
    """Return a tier's units above a serial, ascending: what is held and what is back, together.

    For a rebuild. Both from one row each, so that a unit which goes back meanwhile is counted as
    held or as returned, and never as both.
    """
    before = tier_id * SERIALS_PER_TIER
    columns = Voucher.__table__.c
    rows = session.execute(
        select(
            columns.id,
            columns.resident_id,
            type_coerce(columns.claimed_at, DateTime(timezone=True)),
            columns.status,
        )
        .where(columns.id > before + after_serial, columns.id < before + SERIALS_PER_TIER)
        .order_by(columns.id)
        .limit(limit)
    ).all()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    if rows and rows[0][2].tzinfo is None:  # SQLite keeps UTC without saying so
        epoch = epoch.replace(tzinfo=None)
    return [
        Unit(number - before, resident, (at - epoch) // _MS, status == "returned")
        for number, resident, at, status in rows
    ]


def add_pending(session: Session, voucher: Voucher) -> None:
    """Note that Valkey has still to give a unit back."""
    session.add(
        PendingReturn(
            voucher_id=voucher.id,
            campaign_id=voucher.campaign_id,
            tier_id=voucher.tier_id,
            resident_id=voucher.resident_id,
            claimed_at=voucher.claimed_at,
        )
    )


def list_pending(
    session: Session, *, after_id: int, limit: int, resident_id: int | None = None
) -> list[PendingReturn]:
    """Return what Valkey has still to give back above a number; all, or one resident's."""
    named: dict[str, Any] = {"after_id": after_id, "most": limit}
    if resident_id is None:
        return list(session.scalars(_PENDING, named))
    return list(session.scalars(_PENDING_OF_ONE, {**named, "resident_id": resident_id}))


def forget_pending(session: Session, voucher_ids: Sequence[int]) -> None:
    """Forget what Valkey has given back."""
    session.execute(delete(PendingReturn).where(PendingReturn.voucher_id.in_(voucher_ids)))


def list_unpaid(session: Session, *, at: datetime, limit: int) -> list[int]:
    """Return units that were taken for an order which was never made, when their time is over."""
    return list(
        session.scalars(
            select(Voucher.id)
            .join(Campaign, Campaign.id == Voucher.campaign_id)
            .where(
                Voucher.status == "unused", Voucher.valid_until <= at, Campaign.mode == "instant"
            )
            .order_by(Voucher.id)
            .limit(limit)
        )
    )


def counts_by_tier(session: Session, campaign_id: str) -> dict[int, tuple[int, int]]:
    """Return (returned, of these not given back by Valkey yet) by the tier's id."""
    rows = session.execute(
        select(Voucher.tier_id, func.count(), func.count(PendingReturn.voucher_id))
        .join(PendingReturn, PendingReturn.voucher_id == Voucher.id, isouter=True)
        .where(Voucher.campaign_id == campaign_id, Voucher.status == "returned")
        .group_by(Voucher.tier_id)
    )
    return {tier_id: (int(count), int(pending)) for tier_id, count, pending in rows}
