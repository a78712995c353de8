"""What a provider's word does to an order: redeemed, released, or a case for staff.

Every word comes here, whoever brought it: the answer of a charge, a query, a closing, a notice.
Each moves the payment from an expected state, so the same word twice acts once.
"""

from dataclasses import dataclass
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from backend import clock, metrics
from backend.domain.payments import OPEN
from backend.gateways.payments.protocol import PaymentState
from backend.services import merchants, payment_cases, payments, redemptions, releases
from backend.storage.models.orders import Order
from backend.storage.queries import orders as order_queries
from backend.storage.queries import payments as queries
from backend.storage.sql import transaction

log = structlog.get_logger()

OutcomeName = Literal[
    "waiting",  # not final: to be asked again
    "redeemed",
    "released",
    "wrong_amount",
    "merchant_disqualified",
    "paid_after_release",
    "repeated",  # said before
    "refund_told",  # of a refund of ours
    "foreign_refund",
    "order_unknown",
    "other_provider",
]
QUIET = ("waiting", "repeated", "refund_told")
GOOD = ("redeemed", "released")
REASONS = {"closed": "timeout", "failed": "payment_failed"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a provider's word."""

    name: OutcomeName
    provider: str
    order_id: str

    def tell(self) -> None:
        """Count and log it; after the commit, so that only what happened is counted."""
        if self.name in QUIET:
            return
        metrics.payment_ended(provider=self.provider, outcome=self.name)
        facts = {"order_id": self.order_id, "provider": self.provider, "outcome": self.name}
        if self.name in GOOD:
            log.info("payment_ended", **facts)
        else:
            log.error("payment_ended", **facts)


def record(order_id: str, provider: str, state: PaymentState, *, reason: str = "") -> Outcome:
    """Apply a provider's word in a transaction of its own."""
    with transaction() as session:
        outcome = apply(session, order_id, provider, state, reason=reason)
    outcome.tell()
    return outcome


def apply(
    session: Session, order_id: str, provider: str, state: PaymentState, *, reason: str = ""
) -> Outcome:
    """Apply a provider's word of an order inside the caller's transaction.

    Only `closed` and `failed` give the voucher back; only `paid`, of exactly what was payable,
    redeems, also when the lock has run out meanwhile. `reason` is why an order is released.
    """
    order = session.get(Order, order_id, populate_existing=True)
    name: OutcomeName
    if order is None:
        name = "order_unknown"
    elif order.payment.provider != provider:
        name = "other_provider"
    else:
        name = _apply(session, order, payments.believed(state), reason)
    return Outcome(name=name, provider=provider, order_id=order_id)


def _apply(session: Session, order: Order, state: PaymentState, reason: str) -> OutcomeName:
    if state.status in OPEN:
        kept = queries.keep_answer(
            session,
            order.id,
            status=state.status,
            reference=state.reference,
            client=state.client,
            code_url=state.code_url,
            at=clock.now(),
        )
        return "waiting" if kept else "repeated"
    if state.status == "paid":
        return _paid(session, order, state)
    if state.status not in REASONS:
        raise ValueError(f"a provider said {state.status!r}")
    if not _finish(session, order, state, expected=OPEN):
        return "repeated"
    release(session, order, reason=reason or REASONS[state.status])
    return "released"


def release(session: Session, order: Order, *, reason: str) -> None:
    """Give an order's voucher back whose payment has come to its end; in time or overdue."""
    releases.release_locked(
        session, order, at=clock.now(), overdue=None, reason=reason, payment_status=None
    )


def _paid(session: Session, order: Order, state: PaymentState) -> OutcomeName:
    collected_fen = state.amount_fen or 0  # `believed` lets no unknown amount pass
    if not _finish(session, order, state, expected=OPEN):
        if _finish(session, order, state, expected=("closed", "failed")):
            payment_cases.open_case(session, order, "paid_after_release", collected_fen)
            return "paid_after_release"
        return "repeated"
    if collected_fen != order.payable_fen:
        return _given_back(session, order, "wrong_amount", collected_fen)
    if merchants.is_disqualified(session, order.merchant_id):
        return _given_back(session, order, "merchant_disqualified", collected_fen)
    if not order_queries.close_locked(
        session, order, status="redeemed", at=clock.now(), overdue=None
    ):
        payment_cases.open_case(session, order, "paid_after_release", collected_fen)
        return "paid_after_release"
    redemptions.redeem(session, order, clerk_id=None)
    return "redeemed"


def _given_back(
    session: Session,
    order: Order,
    kind: Literal["wrong_amount", "merchant_disqualified"],
    collected_fen: int,
) -> OutcomeName:
    """Redeem nothing: the voucher goes back to the resident, the money to the payer."""
    release(session, order, reason=kind)
    payment_cases.open_case(session, order, kind, collected_fen)
    return kind


def _finish(
    session: Session, order: Order, state: PaymentState, *, expected: tuple[str, ...]
) -> bool:
    return queries.finish(
        session,
        order.id,
        expected=expected,
        status=state.status,
        at=clock.now(),
        reference=state.reference,
        collected_fen=state.amount_fen if state.status == "paid" else None,
    )
