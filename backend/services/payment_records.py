"""What is known of a payment, for staff and for operators' figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from backend import clock
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentCase, PaymentNotice
from backend.storage.queries import paybacks, payment_cases, payment_notices, payments


@dataclass(frozen=True, kw_only=True)
class PaymentRecord:
    """An order with its payment, its provider's notices and its cases, each the oldest first."""

    order: Order
    notices: list[PaymentNotice]
    cases: list[PaymentCase]


@dataclass(frozen=True, kw_only=True)
class OpenMoney:
    """How many payments or paybacks of a provider are in a state without an end, since when (s)."""

    provider: str
    status: str
    count: int
    oldest_s: float


@dataclass(frozen=True, kw_only=True)
class OpenFigures:
    """What is not at its end: payments, paybacks, notices to be applied, cases for staff."""

    payments: tuple[OpenMoney, ...]
    paybacks: tuple[OpenMoney, ...]
    notices: int
    cases: int


def of_order(order_id: str) -> PaymentRecord:
    """Return what is known of an order's payment, or raise NotFound."""
    session = db.session()
    order = session.get(Order, order_id)
    if order is None:
        raise NotFound(f"order {order_id!r}")
    return PaymentRecord(
        order=order,
        notices=payment_notices.list_of_order(session, order_id),
        cases=payment_cases.list_of_order(session, order_id),
    )


def open_now() -> OpenFigures:
    """Return the figures of what has come to no end yet, from SQL."""
    session = db.session()
    now = clock.now()
    figures = OpenFigures(
        payments=_aged(payments.open_counts(session), now),
        paybacks=_aged(paybacks.open_counts(session), now),
        notices=payment_notices.count_left_over(session),
        cases=payment_cases.count_open(session),
    )
    db.session.close()
    return figures


def _aged(counts: Iterable[tuple[str, str, int, datetime]], now: datetime) -> tuple[OpenMoney, ...]:
    return tuple(
        OpenMoney(
            provider=provider,
            status=status,
            count=count,
            oldest_s=max((now - since).total_seconds(), 0.0),
        )
        for provider, status, count, since in counts
    )
