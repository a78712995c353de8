"""Open orders and unpaid redemptions of merchants that lost their place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, func, insert, literal, select
from sqlalchemy.orm import Session

from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.settlements import SettlementHold, SettlementLine, SettlementSheet
from backend.storage.sql import ChinaTime

BEFORE_PAYOUT = ("drafted", "bureau_approved", "finance_approved")


def list_open_orders(session: Session, merchant_id: str | None, *, limit: int) -> list[Order]:
    """Return orders that hold a voucher at a disqualified merchant, the oldest first."""
    query = (
        select(Order)
        .join(Merchant, Merchant.id == Order.merchant_id)
        .where(Order.status == "locked", Merchant.status == "disqualified")
        .order_by(Order.created_at, Order.id)
        .limit(limit)
    )
    if merchant_id is not None:
        query = query.where(Order.merchant_id == merchant_id)
    return list(session.scalars(query))


def sheets_before_payout(session: Session, merchant_id: str) -> list[str]:
    """Return a merchant's sheets that the bank has not got, ascending."""
    return list(
        session.scalars(
            select(SettlementSheet.id)
            .where(
                SettlementSheet.merchant_id == merchant_id,
                SettlementSheet.state.in_(BEFORE_PAYOUT),
            )
            .order_by(SettlementSheet.id)
        )
    )


def orders_held_at(session: Session, merchant_id: str, *, limit: int) -> list[Order]:
    """Return a merchant's open orders, whatever its status, the oldest first."""
    return list(
        session.scalars(
            select(Order)
            .where(Order.merchant_id == merchant_id, Order.status == "locked")
            .order_by(Order.created_at, Order.id)
            .limit(limit)
        )
    )


def unpaid_of(session: Session, merchant_id: str) -> tuple[int, int]:
    """Return how many redemptions `add_holds` would hold now, and what they come to in fen."""
    count, sum_fen = session.execute(
        select(func.count(), func.coalesce(func.sum(Redemption.discount_fen), 0)).where(
            *_unpaid(merchant_id)
        )
    ).one()
    return int(count), int(sum_fen)


def add_holds(session: Session, merchant_id: str, *, reason: str, actor: str, at: datetime) -> int:
    """Hold every redemption of a merchant that no bank has got and nobody holds; return how many.

    In one statement: a merchant may have a hundred thousand.
    """
    rows = select(
        literal("disqualified:", String) + Redemption.id,
        Redemption.id,
        literal(reason, String),
        literal(actor, String),
        literal(at, ChinaTime()),
    ).where(*_unpaid(merchant_id))
    return _add(session, rows)


def add_holds_of_sheet(
    session: Session, sheet_id: str, *, file_number: str, reason: str, actor: str, at: datetime
) -> int:
    """Hold every redemption that stands in a sheet and that nobody holds; return how many."""
    in_sheet = select(SettlementLine.source_id).where(
        SettlementLine.sheet_id == sheet_id,
        SettlementLine.source_kind == "redemption",
        SettlementLine.freed_at.is_(None),
    )
    rows = select(
        literal(f"returned:{file_number}:", String) + Redemption.id,
        Redemption.id,
        literal(reason, String),
        literal(actor, String),
        literal(at, ChinaTime()),
    ).where(Redemption.id.in_(in_sheet), ~_held())
    return _add(session, rows)


def _add(session: Session, rows: Select[*tuple[Any, ...]]) -> int:
    columns = ["id", "redemption_id", "reason", "held_by", "held_at"]
    done = session.execute(insert(SettlementHold).from_select(columns, rows))
    return int(done.rowcount)  # type: ignore[attr-defined]  # of a cursor's result


def _held() -> ColumnElement[bool]:
    return (
        select(SettlementHold.id)
        .where(SettlementHold.redemption_id == Redemption.id, SettlementHold.released_at.is_(None))
        .exists()
    )


def _unpaid(merchant_id: str) -> Sequence[ColumnElement[bool]]:
    with_bank = (
        select(SettlementLine.sheet_id)
        .join(SettlementSheet, SettlementSheet.id == SettlementLine.sheet_id)
        .where(
            SettlementLine.source_kind == "redemption",
            SettlementLine.source_id == Redemption.id,
            SettlementLine.freed_at.is_(None),
            SettlementSheet.state.not_in(BEFORE_PAYOUT),
        )
    )
    return (Redemption.merchant_id == merchant_id, ~with_bank.exists(), ~_held())
