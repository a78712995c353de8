"""Asking providers: to collect, what became of it, and to end it.

No HTTP call runs inside a transaction. Who asks takes a lease first, so that several machines
never ask about one payment at once, and a process that dies leaves it to the next.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from flask import Flask, current_app
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import payments as domain
from backend.domain.payments import AT_TILL, LEASE, OPEN, PaymentUnsettled
from backend.extensions import db
from backend.gateways.payments.protocol import PaymentState
from backend.services import payment_states, payments
from backend.services.payment_states import Outcome
from backend.services.payments import Collecting
from backend.storage.models.orders import Order, Payment
from backend.storage.queries import payments as queries
from backend.storage.sql import transaction

BATCH = 200
THREADS = 8  # a provider that answers slowly holds up this many others at most


def start(order: Order, way: Collecting) -> Order:
    """Have a provider collect an order's rest, and return the order as it stands then.

    Asked again for an order that nobody has paid yet, it fetches what the phone needs once more.
    A code that was scanned is charged once: another attempt wants a new order.
    """
    name, openid = order.payment.provider, None
    if name == AT_TILL:
        state = payments.ask(name, "charge", payments.charge_of(order))
        if state.status == "pending":
            return order  # as every till says: nobody but the clerk knows
    else:
        with transaction() as session:
            if not _set_charged(session, order, way) and not _may_be_asked_again(session, order):
                return session.get_one(Order, order.id, populate_existing=True)
            if way.at_placard:
                openid = queries.openid(session, order.resident_id, way.wechat_user_id)
        charge = payments.charge_of(order, openid=openid, payer_code=way.payer_digits)
        state = payments.ask(name, "charge", charge)
    payment_states.record(order.id, name, state)
    return _fresh(order.id)


def settle_due(resident_id: int | None = None) -> int:
    """Ask providers about all payments that are due, or one resident's overdue ones.

    Return how many came to their end. Until a lock ends they are queried, afterwards closed, or
    reversed where a wallet's code was scanned, until the answer is final. Safe on several machines
    at once and after a kill at any point.
    """
    due = queries.list_due(db.session(), at=clock.now(), limit=BATCH, resident_id=resident_id)
    db.session.close()
    if len(due) < 2:
        return sum(_settle(order_id) for order_id in due)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def settle(order_id: str) -> int:
        with app.app_context():
            return _settle(order_id)

    with ThreadPoolExecutor(min(THREADS, len(due))) as pool:
        return sum(pool.map(settle, due))


def end_early(order_id: str, *, reason: str) -> Outcome:
    """End a payment before its lock does, or raise PaymentUnsettled while nobody knows.

    Returns what came of it: `released`, or that it was paid after all.
    """
    if outcome := _end_uncharged(order_id, reason=reason):
        return outcome
    order = db.session.get_one(Order, order_id, populate_existing=True)
    db.session.close()
    state = _asked(order, end=True)
    outcome = payment_states.record(
        order_id, order.payment.provider, state, reason=reason if state.status == "closed" else ""
    )
    if outcome.name == "waiting":
        raise PaymentUnsettled(f"order {order_id}")
    return outcome


def _settle(order_id: str) -> int:
    with transaction() as session:
        now = clock.now()
        if not queries.lease(session, order_id, at=now, until=now + LEASE):
            return 0
        order = session.get_one(Order, order_id, populate_existing=True)
    if order.payment.charged_at is None:
        return int(_end_uncharged(order_id, reason="timeout") is not None)
    state = _asked(order, end=False)
    with transaction() as session:
        outcome = payment_states.apply(session, order_id, order.payment.provider, state)
        if outcome.name == "waiting":
            at = _next_query_at(order, attempts=order.payment.attempts + 1)
            queries.ask_again(session, order_id, next_query_at=at)
    outcome.tell()
    return int(outcome.name != "waiting")


def _asked(order: Order, *, end: bool) -> PaymentState:
    """Ask what became of a charge, or end it. A reversal gives back what was paid: query first."""
    name, charge = order.payment.provider, payments.charge_of(order)
    act = domain.act_for(
        clock.now(),
        lock_expires_at=order.lock_expires_at,
        scanned=order.payment.scanned,
        charged_at=order.payment.charged_at or order.created_at,
        end=end,
    )
    if act == "reverse":
        state = payments.ask(name, "query", charge)
        if state.status not in OPEN:
            return state
    return payments.ask(name, act, charge)


def _end_uncharged(order_id: str, *, reason: str) -> Outcome | None:
    """Release an order whose provider was never asked for money; None when it was asked."""
    with transaction() as session:
        order = session.get_one(Order, order_id, populate_existing=True)
        if not queries.finish(
            session,
            order_id,
            expected=("pending",),
            status="closed",
            at=clock.now(),
            uncharged=True,
        ):
            return None
        payment_states.release(session, order, reason=reason)
    outcome = Outcome(name="released", provider=order.payment.provider, order_id=order_id)
    outcome.tell()
    return outcome


def _set_charged(session: Session, order: Order, way: Collecting) -> bool:
    """Note that the provider is being asked for the money; True for the first who does."""
    now = clock.now()
    return now < order.lock_expires_at and queries.set_charged(
        session,
        order.id,
        scanned=way.payer_digits is not None,
        at=now,
        next_query_at=_next_query_at(order, attempts=0),
    )


def _may_be_asked_again(session: Session, order: Order) -> bool:
    payment = session.get_one(Payment, order.id, populate_existing=True)
    return (
        payment.status in OPEN
        and clock.now() < order.lock_expires_at
        and not payment.scanned
        and payment.client is None
        and payment.code_url is None
    )


def _next_query_at(order: Order, *, attempts: int) -> datetime:
    return domain.next_query_at(
        clock.now(),
        attempts=attempts,
        every_s=payments.query_every_s(),
        lock_expires_at=order.lock_expires_at,
    )


def _fresh(order_id: str) -> Order:
    order = db.session.get_one(Order, order_id, populate_existing=True)
    db.session.close()
    return order
