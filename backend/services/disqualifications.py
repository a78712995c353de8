"""What becomes of a disqualified merchant's open orders and unpaid redemptions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend import clock
from backend.domain.payments import AT_TILL, PaymentUnsettled
from backend.extensions import db
from backend.services import audit, payment_asking, payments, releases
from backend.storage.models.orders import Order
from backend.storage.queries import disqualifications as queries
from backend.storage.queries import settlements as settlement_queries
from backend.storage.sql import transaction

REASON = "merchant_disqualified"
RETURNED = "商户已取消参与资格，银行退回了代发款"
BATCH = 200


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a disqualification at this moment would end (orders) and hold back (redemptions)."""

    orders: Sequence[Order]  # the first of them, the oldest first
    unpaid: int  # redemptions that the bank has not got
    unpaid_fen: int  # what they come to


def outlook(merchant_id: str) -> Outlook:
    """Return what staff should know before they suspend or disqualify a merchant."""
    session = db.session()
    unpaid, unpaid_fen = queries.unpaid_of(session, merchant_id)
    return Outlook(
        orders=queries.orders_held_at(session, merchant_id, limit=BATCH),
        unpaid=unpaid,
        unpaid_fen=unpaid_fen,
    )


def hold_unpaid(session: Session, merchant_id: str, *, reason: str, actor: str) -> int:
    """Hold all redemptions of a locked merchant that are not with the bank; return how many.

    Each is looked at by itself and released by another person (settlement_holds).
    """
    for sheet_id in queries.sheets_before_payout(session, merchant_id):
        settlement_queries.lock_sheet(session, sheet_id)  # paying waits until it sees the holds
    held = queries.add_holds(session, merchant_id, reason=reason, actor=actor, at=clock.now())
    audit.record(
        session, actor=actor, action="settlement.hold_all", subject=merchant_id, redemptions=held
    )
    return held


def hold_returned(session: Session, sheet_id: str, *, file_number: str, actor: str) -> int:
    """Hold all redemptions of a disqualified merchant's sheet that the bank did not pay.

    The sheet is locked. Return how many; each is released by another person, as after
    `hold_unpaid`.
    """
    held = queries.add_holds_of_sheet(
        session, sheet_id, file_number=file_number, reason=RETURNED, actor=actor, at=clock.now()
    )
    audit.record(
        session, actor=actor, action="settlement.hold_all", subject=sheet_id, redemptions=held
    )
    return held


def release_due(merchant_id: str | None = None) -> int:
    """End open orders of disqualified merchants, one's or all; return how many vouchers went back.

    Each provider is asked first, outside any transaction. While it cannot say, the order stays: the
    job asks again. Safe on several machines at once.
    """
    due = queries.list_open_orders(db.session(), merchant_id, limit=BATCH)
    db.session.close()
    return sum(_release(order) for order in due)


def _release(order: Order) -> bool:
    if order.payment.provider != AT_TILL:
        with suppress(PaymentUnsettled):
            return payment_asking.end_early(order.id, reason=REASON).name == "released"
        return False
    if payments.ask(AT_TILL, "close", payments.charge_of(order)).status != "closed":
        return False
    with transaction() as session:
        found = session.get_one(Order, order.id)
        return releases.release_locked(session, found, at=clock.now(), overdue=None, reason=REASON)
