"""Recycled vouchers: marked once, in numbered batches of one tier each."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Recycling
from backend.storage.models.vouchers import Voucher


@dataclass(frozen=True, kw_only=True)
class Recycled:
    """What a campaign has recycled: the last batch's number, and the units by the tier's id."""

    last_batch: int
    units: dict[int, int]


def of_campaign(session: Session, campaign_id: str) -> Recycled:
    """Return what a campaign has recycled, in one statement: the number and the units agree."""
    rows = session.execute(
        select(Recycling.tier_id, func.max(Recycling.number), func.sum(Recycling.units))
        .where(Recycling.campaign_id == campaign_id)
        .group_by(Recycling.tier_id)
    ).all()
    return Recycled(
        last_batch=max((number for _, number, _ in rows), default=0),
        units={tier_id: int(units) for tier_id, _, units in rows},
    )


def list_after(session: Session, campaign_id: str, number: int) -> list[Recycling]:
    """Return the batches of a campaign above a number, ascending."""
    return list(
        session.scalars(
            select(Recycling)
            .where(Recycling.campaign_id == campaign_id, Recycling.number > number)
            .order_by(Recycling.number)
        )
    )


def mark_vouchers(session: Session, tier_id: int, *, batch: int, limit: int) -> int:
    """Mark expired vouchers of a tier as recycled in a batch, each once; return how many."""
    waiting = (
        select(Voucher.id)
        .where(
            Voucher.tier_id == tier_id,
            Voucher.status == "expired",
            Voucher.recycled_batch.is_(None),
        )
        .limit(limit)
    )
    marked = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(waiting.scalar_subquery()), Voucher.recycled_batch.is_(None))
        .values(recycled_batch=batch)
        .execution_options(synchronize_session=False)
        .returning(Voucher.id)
    )
    return len(marked.all())
