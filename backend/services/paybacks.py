"""What a customer gets back of a refund or a reversal, moved by the provider that collected it.

A payback is written in the transaction that accepts the refund; the provider is asked afterwards,
under the payback's own number, until its answer is final. The subsidy's part has moved by then: the
goods are back at the merchant, so the city owes nothing for them, whenever and however the customer
gets his own money. Should the provider finally refuse, a case asks staff to pay by hand, and no
transfer is written again. What a merchant took at the till it hands back itself, and no row is
needed.
"""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.payments import AT_TILL, LEASE, REFUND_OPEN, query_delay
from backend.domain.refunds import (
    OVERDUE_AFTER,
    PaybackEnded,
    PaybackNotFailed,
    reversal_payback_id,
)
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.gateways.payments.protocol import RefundRequest, RefundState
from backend.services import audit, payment_cases, payments
from backend.storage.models.orders import Order
from backend.storage.models.refunds import Payback, Refund
from backend.storage.queries import paybacks as queries
from backend.storage.sql import transaction

log = structlog.get_logger()

BATCH = 50
TRY_EVERY_S = 600  # a bank may take days
REASONS = {"refund": "顾客退货退款", "reversal": "当日冲正，原路退回"}


def open_payback(
    session: Session, order: Order, *, payback_id: str, kind: str, amount_fen: int, at: datetime
) -> None:
    """Have an amount go back to the payer of an order, inside the caller's transaction.

    Nothing is written for zero fen, nor where the merchant collected: it pays from its own till.
    """
    if amount_fen == 0 or order.payment.provider == AT_TILL:
        return
    session.add(
        Payback(
            id=payback_id,
            order_id=order.id,
            kind=kind,
            provider=order.payment.provider,
            amount_fen=amount_fen,
            requested_at=at,
            status="due",
            next_try_at=at,
        )
    )
    session.flush()


def settle(payback_id: str) -> bool:
    """Ask the provider about one payback, unless somebody does just now; True at its end."""
    with transaction() as session:
        now = clock.now()
        if not queries.lease(session, payback_id, at=now, until=now + LEASE):
            return False
        payback = session.get_one(Payback, payback_id, populate_existing=True)
        order = session.get_one(Order, payback.order_id, populate_existing=True)
    state = payments.ask_for_refund(
        payback.provider, _request(payback, order), asked_before=payback.status != "due"
    )
    with transaction() as session:
        _keep(session, payback, state)
    log.info("payback_asked", order_id=order.id, payback=payback_id, status=state.status)
    return state.status in ("done", "failed")


def settle_due() -> int:
    """Ask providers about all paybacks that are due; for the periodic job.

    Return how many came to their end. Safe on several machines and after a kill. One that is open
    for days gets a case, so that somebody looks; it is asked about all the same.
    """
    now = clock.now()
    due = queries.list_due(db.session(), at=now, limit=BATCH)
    overdue = queries.list_overdue(db.session(), before=now - OVERDUE_AFTER, limit=BATCH)
    db.session.close()
    for payback_id in overdue:
        with transaction() as session:
            _open_case(session, session.get_one(Payback, payback_id, with_for_update=True))
    return sum(settle(payback_id) for payback_id in due)


def told(session: Session, payback_id: str, state: RefundState) -> bool:
    """Keep what a notice says of a payback; False when the number is none of ours.

    A notice that is unclear lets the next run of the job ask.
    """
    payback = session.get(Payback, payback_id, populate_existing=True)
    if payback is None:
        return False
    if state.status == "unknown":
        queries.hurry(session, payback_id, at=clock.now())
    else:
        _keep(session, payback, state)
    return True


def list_open(*, every: bool = False, limit: int = 1000) -> list[Payback]:
    """Return paybacks that have not reached the customer, or all; the oldest first."""
    statuses = (*REFUND_OPEN, "failed", *(("done", "by_hand") if every else ()))
    return queries.list_all(db.session(), statuses=statuses, limit=limit)


def of_reversal(order_id: str) -> Payback | None:
    """Return what goes back of a reversed order, or None where the merchant pays at its till."""
    return db.session().get(Payback, reversal_payback_id(order_id))


def retry(payback_id: str, *, actor: str) -> Payback:
    """Ask for a payback now, also one that failed: under the same number, so never a second one.

    Raises NotFound, PaybackEnded.
    """
    with transaction() as session:
        payback = _get(session, payback_id)
        if not queries.ask_again(session, payback_id, at=clock.now()):
            raise PaybackEnded(f"payback {payback_id}")
        _audit(session, payback, actor=actor, action="payback.retry")
    settle(payback_id)
    return session.get_one(Payback, payback_id, populate_existing=True)


def by_hand(payback_id: str, *, proof: str, actor: str) -> Payback:
    """Note that a payback which failed at the provider was paid by hand, with what proof.

    Another person than who made the refund, and another closes its case (规范资金使用, 双人复核).
    Raises NotFound, PaybackEnded, SecondPersonNeeded, and PaybackNotFailed while the provider may
    still pay it.
    """
    with transaction() as session:
        payback = _get(session, payback_id)
        if refund := session.get(Refund, payback_id):
            refuse_own_work(made_by=refund.made_by, checked_by=actor)
        if not queries.pay_by_hand(session, payback_id, by=actor, proof=proof, at=clock.now()):
            session.refresh(payback)
            if payback.status in ("done", "by_hand"):
                raise PaybackEnded(f"payback {payback_id}")
            raise PaybackNotFailed(f"payback {payback_id} is {payback.status}")
        _audit(session, payback, actor=actor, action="payback.by_hand", proof=proof)
        session.refresh(payback)
    return payback


def _get(session: Session, payback_id: str) -> Payback:
    payback = session.get(Payback, payback_id, with_for_update=True)
    if payback is None:
        raise NotFound(f"payback {payback_id!r}")
    return payback


def _audit(session: Session, payback: Payback, *, actor: str, action: str, **more: str) -> None:
    facts = {"order_id": payback.order_id, "amount_fen": payback.amount_fen, **more}
    audit.record(session, actor=actor, action=action, subject=payback.id, **facts)


def _keep(session: Session, payback: Payback, state: RefundState) -> None:
    status: str = state.status
    if status == "done" and state.amount_fen not in (None, payback.amount_fen):
        log.error("payback_differs", order_id=payback.order_id, payback=payback.id)
        status = "failed"  # another amount than asked for: staff must look
    wait = query_delay(payback.tries, every_s=TRY_EVERY_S)
    now = clock.now()
    kept = queries.keep(
        session,
        payback.id,
        status=status,
        reference=state.reference,
        at=now,
        next_try_at=now + wait if status in REFUND_OPEN else None,
    )
    if kept and status == "failed":
        _open_case(session, payback)


def _open_case(session: Session, payback: Payback) -> None:
    order = session.get_one(Order, payback.order_id)
    payment_cases.open_unfinished(
        session, order, refund_id=payback.id, amount_fen=payback.amount_fen
    )


def _request(payback: Payback, order: Order) -> RefundRequest:
    return RefundRequest(
        refund_id=payback.id,
        order_id=order.id,
        amount_fen=payback.amount_fen,
        total_fen=order.payable_fen,
        created_at=payback.requested_at,
        charge_created_at=order.created_at,
        reason=REASONS[payback.kind],
        reference=order.payment.reference,
    )


def get(payback_id: str) -> Payback:
    """Return one by its number, or raise NotFound."""
    found = db.session.get(Payback, payback_id)
    if found is None:
        raise NotFound(f"payback {payback_id[:40]!r}")
    return found
