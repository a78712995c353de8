"""What providers tell us unasked: verified, stored, answered at once, applied once.

A notice is the provider's word as the answer to a question is; it may come late, twice, in
parallel, before the answer of the charge, or never.
"""

from collections.abc import Mapping

import structlog
from sqlalchemy.orm import Session

from backend import clock, metrics
from backend.domain.errors import NotFound
from backend.domain.payments import PaymentProviderMissing, query_delay
from backend.extensions import db
from backend.gateways.payments.protocol import (
    Notice,
    NoticeRefused,
    PaymentState,
    RefundState,
)
from backend.services import paybacks, payment_cases, payment_states, payments
from backend.services.payment_states import Outcome
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentNotice
from backend.storage.queries import payment_notices as queries
from backend.storage.queries import payments as payment_queries
from backend.storage.sql import transaction

log = structlog.get_logger()

BATCH = 200
TRY_AGAIN_EVERY_S = 60
Answer = tuple[int, str, str]  # status, content type, body


def receive(provider: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Verify, store and apply one notification; return the provider's own form of an answer.

    A forged one is answered 401, counted and logged without what it says, and leaves no row. A
    stored one is answered as taken whether or not it could be applied now: the job does it then.
    Raises NotFound for a provider that this installation lacks.
    """
    try:
        party = payments.named(provider)
    except PaymentProviderMissing as error:
        raise NotFound(f"payment provider {provider!r}") from error
    try:
        notice = party.read_notice(headers, body)
    except NoticeRefused as error:
        metrics.notice_received(provider=provider, outcome="refused")
        log.warning("notice_refused", provider=provider, why=str(error))
        _, content_type, text = party.notice_answer(ok=False)
        return 401, content_type, text
    notice_id, new = _store(provider, notice)
    metrics.notice_received(provider=provider, outcome="stored" if new else "repeated")
    _try(notice_id)
    return party.notice_answer(ok=True)


def apply_left_over() -> int:
    """Apply the notices that were stored and not applied; for the periodic job. Return how many."""
    left = queries.list_left_over(db.session(), at=clock.now(), limit=BATCH)
    db.session.close()
    return sum(_try(notice_id) for notice_id in left)


def _store(provider: str, notice: Notice) -> tuple[int, bool]:
    """Return the notice's row, and whether this was its first arrival."""
    payment, refund = notice.payment, notice.refund
    now = clock.now()
    with transaction() as session:
        added = queries.add(
            session,
            provider=provider,
            event_id=notice.event_id,
            order_id=notice.order_id,
            status=payment.status if payment else None,
            amount_fen=payment.amount_fen if payment else None,
            reference=payment.reference if payment else refund.reference if refund else None,
            refund_id=notice.refund_id,
            refund_status=refund.status if refund else None,
            refund_amount_fen=refund.amount_fen if refund else None,
            received_at=now,
            next_try_at=now,
        )
        if added is not None:
            return added, True
        known = queries.get(session, provider, notice.event_id)
        if known is None:
            raise RuntimeError(f"a notice of {provider} is neither new nor known")
        return known.id, False


def _try(notice_id: int) -> bool:
    """Apply a notice, unless it was; whatever goes wrong leaves it to the job."""
    try:
        with transaction() as session:
            row = queries.take(session, notice_id, at=clock.now())
            if row is None:
                return False
            outcome = _apply(session, row)
            queries.set_outcome(session, notice_id, outcome.name)
    except Exception as error:
        db.session.close()
        log.error("notice_not_applied", notice_id=notice_id, error=type(error).__name__)
        with transaction() as session:
            wait = query_delay(queries.tries(session, notice_id), every_s=TRY_AGAIN_EVERY_S)
            queries.put_off(session, notice_id, next_try_at=clock.now() + wait)
        return False
    outcome.tell()
    return True


def _apply(session: Session, row: PaymentNotice) -> Outcome:
    if row.status is not None:
        state = PaymentState(
            status=row.status,  # type: ignore[arg-type]  # as the provider's notice said
            reference=row.reference,
            amount_fen=row.amount_fen,
        )
        return payment_states.apply(session, row.order_id, row.provider, state)
    return _apply_refund(session, row)


def _apply_refund(session: Session, row: PaymentNotice) -> Outcome:
    """Keep what became of a refund of ours; one that nobody here asked for becomes a case.

    A refund told before its payment: the payment is asked about at once, by its own question.
    """
    refund_id = row.refund_id or ""  # the schema wants one where there is no payment
    state = RefundState(
        status=row.refund_status,  # type: ignore[arg-type]  # as the provider's notice said
        reference=row.reference,
        amount_fen=row.refund_amount_fen,
    )
    order = session.get(Order, row.order_id, populate_existing=True)
    if order is None:
        name: payment_states.OutcomeName = "order_unknown"
    elif order.payment.provider != row.provider:
        name = "other_provider"
    else:
        payment_queries.ask_now(session, order.id, at=clock.now())
        # A payback first: its case, when it has one, bears the same number.
        if paybacks.told(session, refund_id, state) or payment_cases.told(
            session, refund_id, state
        ):
            name = "refund_told"
        else:
            payment_cases.open_foreign_refund(
                session, order, refund_id=refund_id, amount_fen=row.refund_amount_fen
            )
            name = "foreign_refund"
    return Outcome(name=name, provider=row.provider, order_id=row.order_id)
