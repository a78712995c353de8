"""What a shop has redeemed in some days, as its desk lists it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Clerk
from backend.storage.models.orders import Order, Redemption


@dataclass(frozen=True, kw_only=True)
class Record:
    """A redemption and what became of it. Amounts in fen; `clerk_name` None when a phone paid."""

    id: str
    redeemed_at: datetime
    campaign_name: str
    clerk_name: str | None
    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    refunded_fen: int
    status: str


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums of what counts: reversals are out, refunds are told beside. Amounts in fen."""

    count: int
    order_amount_fen: int
    discount_fen: int
    payable_fen: int
    refunded_fen: int


@dataclass(frozen=True, kw_only=True)
class Days:
    """Whose redemptions, of which business days, both included; of one clerk or of all."""

    merchant_id: str
    first: date
    last: date
    clerk_id: int | None


def page_of(session: Session, days: Days, *, page: int, page_size: int) -> list[Record]:
    """Return one page, the newest first."""
    part = _records(days).limit(page_size).offset((page - 1) * page_size)
    return [_record(row) for row in session.execute(part)]


def all_of(session: Session, days: Days) -> Iterator[Record]:
    """Yield all of them, the newest first, some at a time."""
    for row in session.execute(_records(days).execution_options(yield_per=500)):
        yield _record(row)


def one_of(session: Session, days: Days, redemption_id: str) -> Record | None:
    """Return one of them, or None."""
    row = session.execute(_records(days).where(Redemption.id == redemption_id)).one_or_none()
    return None if row is None else _record(row)


def count_all(session: Session, days: Days) -> int:
    """Return how many there are, those undone among them."""
    found = select(func.count()).select_from(Redemption).where(*_in(days))
    return session.scalar(found) or 0


def totals_of(session: Session, days: Days) -> Totals:
    """Return the sums of what was not undone."""
    summed = (Redemption.order_amount_fen, Redemption.discount_fen, Redemption.payable_fen)
    row = session.execute(
        select(
            func.count(),
            *(func.coalesce(func.sum(column), 0) for column in (*summed, Order.refunded_fen)),
        )
        .join(Order, Order.id == Redemption.id)
        .where(*_in(days), Order.status != "reversed")
    ).one()
    count, order_fen, discount_fen, payable_fen, refunded_fen = (int(value) for value in row)
    return Totals(
        count=count,
        order_amount_fen=order_fen,
        discount_fen=discount_fen,
        payable_fen=payable_fen,
        refunded_fen=refunded_fen,
    )


def _records(days: Days) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Redemption.id,
            Redemption.redeemed_at,
            Campaign.name.label("campaign_name"),
            Clerk.name.label("clerk_name"),
            Redemption.order_amount_fen,
            Redemption.discount_fen,
            Redemption.payable_fen,
            Order.refunded_fen,
            Order.status,
        )
        .join(Order, Order.id == Redemption.id)
        .join(Campaign, Campaign.id == Redemption.campaign_id)
        .outerjoin(Clerk, Clerk.id == Redemption.clerk_id)
        .where(*_in(days))
        .order_by(Redemption.redeemed_at.desc(), Redemption.id)
    )


def _record(row: Any) -> Record:
    return Record(**row._mapping)


def _in(days: Days) -> list[ColumnElement[bool]]:
    found = [
        Redemption.merchant_id == days.merchant_id,
        Redemption.business_day.between(days.first, days.last),
    ]
    if days.clerk_id is not None:
        found.append(Redemption.clerk_id == days.clerk_id)
    return found
