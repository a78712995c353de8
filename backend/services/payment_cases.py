"""Money that a provider collected and no redemption stands for: it goes back, and staff look.

A case is opened in the transaction that refuses the redemption. Its refund has a number of its
own, so asking again never gives back twice, and it is asked for until the answer is final.
"""

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.payments import (
    LEASE,
    REFUND_OPEN,
    CaseKind,
    PaymentCaseClosed,
    PaymentCaseUnsettled,
    case_refund_id,
    query_delay,
)
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.gateways.payments.protocol import RefundRequest, RefundState
from backend.services import audit, payments
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback
from backend.storage.queries import payment_cases as queries
from backend.storage.sql import transaction

log = structlog.get_logger()

BATCH = 50
REFUND_EVERY_S = 600  # a bank may take days
REASON = "付款未能核销，原路退回"


def open_case(session: Session, order: Order, kind: CaseKind, collected_fen: int) -> None:
    """Open a case and have all that was collected go back, inside the caller's transaction."""
    session.add(
        PaymentCase(
            order_id=order.id,
            kind=kind,
            provider=order.payment.provider,
            expected_fen=order.payable_fen,
            collected_fen=collected_fen,
            opened_at=clock.now(),
            state="open",
            refund_id=case_refund_id(order.id, kind),
            refund_status="due" if collected_fen else "none",
            refund_fen=collected_fen,
            next_refund_at=clock.now() if collected_fen else None,
        )
    )
    session.flush()


def open_foreign_refund(
    session: Session, order: Order, *, refund_id: str, amount_fen: int | None
) -> None:
    """Open a case for a refund that nobody here asked for; what it gave back stays given back."""
    session.add(
        PaymentCase(
            order_id=order.id,
            kind="foreign_refund",
            provider=order.payment.provider,
            expected_fen=0,
            collected_fen=amount_fen or 0,
            opened_at=clock.now(),
            state="open",
            refund_id=refund_id,
            refund_status="none",
            refund_fen=0,
        )
    )
    session.flush()


def open_unfinished(session: Session, order: Order, *, refund_id: str, amount_fen: int) -> None:
    """Open the case of a customer's money that does not reach him, once for its number.

    Nothing is sent from here: the payback of that number is the only one that asks.
    """
    if queries.get_by_refund(session, refund_id) is not None:
        return
    session.add(
        PaymentCase(
            order_id=order.id,
            kind="payback_unfinished",
            provider=order.payment.provider,
            expected_fen=order.payable_fen,
            collected_fen=order.payable_fen,
            opened_at=clock.now(),
            state="open",
            refund_id=refund_id,
            refund_status="failed",
            refund_fen=amount_fen,
        )
    )
    session.flush()


def refund_due() -> int:
    """Ask providers to give back what cases hold, or what became of it; for the periodic job.

    Return how many refunds came to their end. Safe on several machines and after a kill.
    """
    due = queries.list_due(db.session(), at=clock.now(), limit=BATCH)
    db.session.close()
    return sum(_refund(case_id) for case_id in due)


def told(session: Session, refund_id: str, state: RefundState) -> bool:
    """Keep what a notice says of a case's refund; False when no case has this refund."""
    case = queries.get_by_refund(session, refund_id)
    if case is None:
        return False
    _keep(session, case, state)
    return True


def list_cases(*, state: str | None = "open") -> list[PaymentCase]:
    """Return cases, the oldest first; None for all of them."""
    return queries.list_all(db.session(), state=state)


def close(case_id: int, *, actor: str, reason: str) -> PaymentCase:
    """Close a case that staff have looked into; its refund must have come to its end.

    Raises NotFound, PaymentCaseUnsettled, PaymentCaseClosed, and SecondPersonNeeded for whoever
    paid the money by hand.
    """
    with transaction() as session:
        case = session.get(PaymentCase, case_id)
        if case is None:
            raise NotFound(f"payment case {case_id}")
        _refuse_unfinished(session, case, actor)
        if not queries.close(session, case_id, by=actor, reason=reason, at=clock.now()):
            session.refresh(case)
            if case.state == "closed":
                raise PaymentCaseClosed(f"case {case_id}")
            raise PaymentCaseUnsettled(f"case {case_id}: refund {case.refund_status}")
        audit.record(
            session,
            actor=actor,
            action="payment_case.close",
            subject=str(case_id),
            order_id=case.order_id,
            kind=case.kind,
            reason=reason,
        )
        session.refresh(case)
    return case


def _refuse_unfinished(session: Session, case: PaymentCase, actor: str) -> None:
    """A customer's money must have reached him; if by hand, another person than the payer looks."""
    payback = session.get(Payback, case.refund_id)
    if payback is None or case.state == "closed":
        return
    if payback.ended_at is None:
        raise PaymentCaseUnsettled(f"payback {payback.id} is {payback.status}")
    if payback.hand_by is not None:
        refuse_own_work(made_by=payback.hand_by, checked_by=actor)


def _refund(case_id: int) -> int:
    with transaction() as session:
        now = clock.now()
        if not queries.lease(session, case_id, at=now, until=now + LEASE):
            return 0
        case = session.get_one(PaymentCase, case_id, populate_existing=True)
        order = session.get_one(Order, case.order_id, populate_existing=True)
    state = payments.ask_for_refund(
        case.provider, _request(case, order), asked_before=case.refund_status != "due"
    )
    with transaction() as session:
        _keep(session, case, state)
    log.info("payment_refund", order_id=case.order_id, refund=case.refund_id, status=state.status)
    return int(state.status in ("done", "failed"))


def _request(case: PaymentCase, order: Order) -> RefundRequest:
    return RefundRequest(
        refund_id=case.refund_id,
        order_id=case.order_id,
        amount_fen=case.refund_fen,
        total_fen=case.collected_fen,
        created_at=case.opened_at,
        charge_created_at=order.created_at,
        reason=REASON,
        reference=order.payment.reference,
    )


def _keep(session: Session, case: PaymentCase, state: RefundState) -> None:
    status: str = state.status
    if status == "done" and state.amount_fen not in (None, case.refund_fen):
        log.error("payment_refund_differs", order_id=case.order_id, refund=case.refund_id)
        status = "failed"  # another amount than asked for: staff must look
    wait = query_delay(case.refund_tries, every_s=REFUND_EVERY_S)
    queries.keep_refund(
        session,
        case.refund_id,
        status=status,
        reference=state.reference,
        next_refund_at=clock.now() + wait if status in REFUND_OPEN else None,
    )


def get(case_id: int) -> PaymentCase:
    """Return one by its number, or raise NotFound."""
    found = db.session.get(PaymentCase, case_id)
    if found is None:
        raise NotFound(f"payment case {case_id}")
    return found
