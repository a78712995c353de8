"""The ledger's proof of what came back: each refund and reversal is counted once on every side."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, String, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from backend.domain.payments import AT_TILL
from backend.domain.postings import Difference
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Order, Payment, Reversal
from backend.storage.models.refunds import Payback, Refund
from backend.storage.models.settlements import SettlementLine


def differences(session: Session) -> Iterator[Difference]:
    """Yield what does not agree; nothing when all does."""
    checks = {
        "refunded: its refunds and its sum": _sums("refund_amount_fen", Order.refunded_fen),
        "refunded to the customer: its refunds and its sum": _sums(
            "customer_fen", Order.customer_refunded_fen
        ),
        "refund: its subsidy and its transfer": _transfers(),
        "refund: its line of settlement": _lines(),
        "the customer's part of a refund and its payback": _paybacks_of_refunds(),
        "what a reversed order had collected and its payback": _paybacks_of_reversals(),
        "payback without a refund or a reversal": _paybacks_of_nothing(),
    }
    for what, query in checks.items():
        for where, expected_fen, found_fen in session.execute(query.order_by("where")):
            yield Difference(
                where=where, what=what, expected_fen=int(expected_fen), found_fen=int(found_fen)
            )


def _row(kind: str, id_: Any, expected_fen: Any, found_fen: Any) -> Select[Any]:
    return select(
        (literal(f"{kind} ", String) + id_).label("where"),
        func.coalesce(expected_fen, 0).label("expected_fen"),
        func.coalesce(found_fen, 0).label("found_fen"),
    )


def _sums(column: str, kept: Any) -> Select[Any]:
    sums = (
        select(Refund.order_id, func.sum(getattr(Refund, column)).label("fen"))
        .group_by(Refund.order_id)
        .subquery()
    )
    return (
        _row("order", Order.id, sums.c.fen, kept)
        .outerjoin(sums, sums.c.order_id == Order.id)
        .where(func.coalesce(sums.c.fen, 0) != kept)
    )


def _transfers() -> Select[Any]:
    wanted = case((Refund.restored, "reversal"), else_="refund")
    return (
        _row("refund", Refund.id, Refund.subsidy_fen, Transfer.amount_fen)
        .outerjoin(Transfer, and_(Transfer.id == Refund.transfer_id, Transfer.kind == wanted))
        .where(func.coalesce(Transfer.amount_fen, 0) != Refund.subsidy_fen)
    )


def _lines() -> Select[Any]:
    return (
        _row("refund", Refund.id, -Refund.subsidy_fen, SettlementLine.amount_fen)
        .join(
            SettlementLine,
            and_(SettlementLine.source_kind == "refund", SettlementLine.source_id == Refund.id),
        )
        .where(
            or_(
                SettlementLine.amount_fen != -Refund.subsidy_fen,
                SettlementLine.order_id != Refund.order_id,
                SettlementLine.campaign_id != Refund.campaign_id,
            )
        )
    )


def _paybacks_of_refunds() -> Select[Any]:
    return (
        _row("refund", Refund.id, Refund.customer_fen, Payback.amount_fen)
        .join(Payment, Payment.order_id == Refund.order_id)
        .outerjoin(Payback, and_(Payback.id == Refund.id, Payback.kind == "refund"))
        .where(
            Payment.provider != AT_TILL,
            func.coalesce(Payback.amount_fen, 0) != Refund.customer_fen,
        )
    )


def _paybacks_of_reversals() -> Select[Any]:
    return (
        _row("order", Order.id, Order.payable_fen, Payback.amount_fen)
        .join(Reversal, Reversal.id == Order.id)
        .join(Payment, Payment.order_id == Order.id)
        .outerjoin(Payback, and_(Payback.order_id == Order.id, Payback.kind == "reversal"))
        .where(
            Payment.provider != AT_TILL,
            func.coalesce(Payback.amount_fen, 0) != Order.payable_fen,
        )
    )


def _paybacks_of_nothing() -> Select[Any]:
    return (
        _row("payback", Payback.id, literal(0), Payback.amount_fen)
        .outerjoin(Refund, Refund.id == Payback.id)
        .outerjoin(Reversal, Reversal.id == Payback.order_id)
        .where(
            or_(
                and_(Payback.kind == "refund", Refund.id.is_(None)),
                and_(Payback.kind == "reversal", Reversal.id.is_(None)),
            )
        )
    )
