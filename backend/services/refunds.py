"""Refunds (退款) of redeemed orders: accepted once under the caller's number, split to the fen.

In one transaction a refund is counted in its order, its row and the subsidy's transfer are written,
and the customer's part is set on its way (services/paybacks.py), which the provider moves later.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refunds as domain
from backend.domain.errors import NotFound
from backend.domain.postings import campaign_posting
from backend.domain.refunds import (
    Paid,
    Parts,
    RefundNotPossible,
    RefundNumberReused,
    RefundTooManyParts,
)
from backend.extensions import db
from backend.services import audit, clerks, instant_campaigns, paybacks
from backend.storage.models.campaigns import Campaign
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.refunds import Payback, Refund
from backend.storage.models.vouchers import Voucher
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import orders as order_queries
from backend.storage.queries import paybacks as payback_queries
from backend.storage.queries import refunds as queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.sql import transaction

log = structlog.get_logger()

STAFF = "staff"


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What is given back: goods of an order, in fen, under the caller's number, and why."""

    number: str
    refund_amount_fen: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A refund and how its customer's part stands; None where the merchant pays it at its till."""

    refund: Refund
    payback: Payback | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """What went back of an order, for staff: its refunds, and the customer's money."""

    order: Order
    refunds: list[Refund]
    paybacks: list[Payback]


@dataclass(frozen=True, kw_only=True)
class _Caller:
    """Whose number it is, and who acts."""

    numbered_by: str
    made_by: str
    clerk_id: int | None = None


def refund_at_merchant(
    *, redemption_id: str, merchant_id: str, clerk_id: int, goods: Goods
) -> Shown:
    """Refund goods that a customer brings back to the shop; the same number is the same refund.

    Also by a merchant that was suspended or disqualified since: the money goes back, not out.
    Raises NotFound for another merchant's redemption, OwnShop, and what `domain.refunds` refuses.
    """
    caller = _Caller(
        numbered_by=f"merchant:{merchant_id}", made_by=f"clerk:{clerk_id}", clerk_id=clerk_id
    )
    if queries.get_redemption(db.session(), redemption_id, merchant_id=merchant_id) is None:
        raise NotFound(f"redemption {redemption_id!r}")
    return _refund(redemption_id, goods, caller)


def refund_by_partner(*, partner_id: str, request_number: str, goods: Goods) -> Shown:
    """Refund a payment of a partner bank's till, named by the till's own number of it."""
    order = order_queries.get_by_request(db.session(), f"bank:{partner_id}", request_number)
    if order is None:
        raise NotFound(f"no order {request_number} of {partner_id}")
    party = f"bank:{partner_id}"
    return _refund(order.id, goods, _Caller(numbered_by=party, made_by=party))


def refuse_impossible(session: Session, *, order_id: str, goods: Goods) -> None:
    """Raise what a refund of these goods would be refused with now; writes nothing."""
    domain.check_number(goods.number)
    _parts(session, order_id, queries.lock_order(session, order_id), goods)


def accept_by_staff(session: Session, *, order_id: str, goods: Goods, actor: str) -> Refund:
    """Write a refund that two of the staff agreed on (services/refund_proposals.py).

    After the commit the caller sets the customer's money on its way: `on_its_way`.
    """
    return _accept(session, order_id, goods, _Caller(numbered_by=STAFF, made_by=actor))


def get_by_staff(session: Session, number: str) -> Refund | None:
    """Return the refund that a number of the staff's made, or None."""
    return queries.get_by_number(session, STAFF, number)


def of_redemption(*, redemption_id: str, merchant_id: str) -> tuple[Order, list[Shown]]:
    """Return a merchant's own redeemed order and its refunds, or raise NotFound."""
    session = db.session()
    if queries.get_redemption(session, redemption_id, merchant_id=merchant_id) is None:
        raise NotFound(f"redemption {redemption_id!r}")
    order = session.get_one(Order, redemption_id)
    return order, of_orders([order])[order.id]


def record_of(order_id: str) -> Record:
    """Return what went back of an order, or raise NotFound."""
    session = db.session()
    order = session.get(Order, order_id)
    if order is None:
        raise NotFound(f"order {order_id!r}")
    return Record(
        order=order,
        refunds=queries.list_of_orders(session, [order_id]),
        paybacks=payback_queries.list_of_orders(session, [order_id]),
    )


def of_orders(orders: Iterable[Order]) -> Mapping[str, list[Shown]]:
    """Return the refunds of each order in their order; SQL is asked only when there are any."""
    ids = [order.id for order in orders if order.refund_count]
    found: defaultdict[str, list[Shown]] = defaultdict(list)
    if ids:
        session = db.session()
        money = {payback.id: payback for payback in payback_queries.list_of_orders(session, ids)}
        for refund in queries.list_of_orders(session, ids):
            found[refund.order_id].append(Shown(refund=refund, payback=money.get(refund.id)))
    return found


def _refund(order_id: str, goods: Goods, caller: _Caller) -> Shown:
    domain.check_number(goods.number)
    try:
        with transaction() as session:
            refund = _accept(session, order_id, goods, caller)
    except IntegrityError:
        # The number was used for another order at the same moment; its refund is written by now.
        known = queries.get_by_number(db.session(), caller.numbered_by, goods.number)
        if known is None:
            raise
        refund = _same(known, order_id, goods)
    return on_its_way(refund)


def on_its_way(refund: Refund) -> Shown:
    """Ask the provider for the customer's part of a refund that is committed, and show both."""
    paybacks.settle(refund.id)
    log.info("refund_accepted", order_id=refund.order_id, refund=refund.id, part=refund.part)
    return Shown(refund=refund, payback=db.session().get(Payback, refund.id))


def _accept(session: Session, order_id: str, goods: Goods, caller: _Caller) -> Refund:
    """Write a refund once: what the number made before, or a new one by the rules."""
    order = queries.lock_order(session, order_id)
    if known := queries.get_by_number(session, caller.numbered_by, goods.number):
        return _same(known, order_id, goods)
    order, redemption, parts = _parts(session, order_id, order, goods)
    if caller.clerk_id is not None:
        clerks.refuse_own_shop(session, clerk_id=caller.clerk_id, resident_id=order.resident_id)
    now = clock.now()
    part = order.refund_count + 1
    whole_at_once = part == 1 and goods.refund_amount_fen == order.order_amount_fen
    if not queries.add_to_order(session, order, goods.refund_amount_fen, parts):
        raise RuntimeError(f"order {order_id} changed under its lock")  # rolls all back
    refund = Refund(
        id=domain.refund_id(caller.numbered_by, goods.number),
        numbered_by=caller.numbered_by,
        number=goods.number,
        order_id=order_id,
        part=part,
        merchant_id=order.merchant_id,
        campaign_id=redemption.campaign_id,
        refund_amount_fen=goods.refund_amount_fen,
        customer_fen=parts.customer_fen,
        subsidy_fen=parts.subsidy_fen,
        restored=_restores(session, redemption, whole_at_once=whole_at_once),
        reason=goods.reason,
        made_by=caller.made_by,
        refunded_at=now,
        business_day=now.date(),
    )
    refund.transfer_id = _move_subsidy(session, order, refund)
    session.add(refund)
    session.flush()
    paybacks.open_payback(
        session, order, payback_id=refund.id, kind="refund", amount_fen=parts.customer_fen, at=now
    )
    if caller.numbered_by == STAFF:
        facts = {"order_id": order_id, "amount_fen": goods.refund_amount_fen}
        audit.record(
            session,
            actor=caller.made_by,
            action="refund.make",
            subject=refund.id,
            reason=goods.reason,
            **facts,
        )
    return refund


def _parts(
    session: Session, order_id: str, order: Order | None, goods: Goods
) -> tuple[Order, Redemption, Parts]:
    """Return a locked order, its redemption and the two parts of a refund, by the rules."""
    if order is None:
        raise NotFound(f"order {order_id!r}")
    redemption = session.get(Redemption, order_id)
    if redemption is None or order.status not in ("redeemed", "refunded"):
        raise RefundNotPossible(f"order {order_id} is {order.status}")
    domain.refuse_late(redeemed_at=redemption.redeemed_at, now=clock.now())
    if order.refund_count >= domain.MAX_PARTS:
        raise RefundTooManyParts(f"order {order_id}")
    return order, redemption, domain.split(_paid(order), goods.refund_amount_fen)


def _same(known: Refund, order_id: str, goods: Goods) -> Refund:
    if (known.order_id, known.refund_amount_fen) != (order_id, goods.refund_amount_fen):
        raise RefundNumberReused(f"number {known.number} is refund {known.id}")
    return known


def _paid(order: Order) -> Paid:
    return Paid(
        order_amount_fen=order.order_amount_fen,
        payable_fen=order.payable_fen,
        refunded_fen=order.refunded_fen,
        customer_refunded_fen=order.customer_refunded_fen,
    )


def _restores(session: Session, redemption: Redemption, *, whole_at_once: bool) -> bool:
    """Whether the campaign gives the voucher back. Nobody holds an instant discount: its money
    returns to the campaign as any refund's."""
    if instant_campaigns.is_unit(redemption.voucher_id):
        return False
    return domain.restores_voucher(
        policy=session.get_one(Campaign, redemption.campaign_id).on_full_refund,
        whole_at_once=whole_at_once,
        valid_until=session.get_one(Voucher, redemption.voucher_id).valid_until,
        now=clock.now(),
    )


def _move_subsidy(session: Session, order: Order, refund: Refund) -> str | None:
    """Write the subsidy's way back: to the campaign, or into the restored voucher."""
    if not refund.subsidy_fen:
        return None
    id_ = f"refund:{refund.id}"
    posting = campaign_posting("refund", refund.campaign_id, refund.subsidy_fen, id=id_)
    if refund.restored:
        posting = campaign_posting("reversal", refund.campaign_id, refund.subsidy_fen, id=id_)
        restore_voucher(session, order, rest_id=f"refund-rest:{refund.id}")
    ledger_queries.add_transfer(session, posting, at=refund.refunded_at)
    return id_


def restore_voucher(session: Session, order: Order, *, rest_id: str) -> None:
    """Make an order's used voucher unused again, and lock what it had left unused of its face.

    The caller writes the reversal of the discount itself.
    """
    voucher = session.get_one(Voucher, order.voucher_id, populate_existing=True)
    if rest_fen := voucher.face_value_fen - order.discount_fen:
        rest = campaign_posting("restoration", voucher.campaign_id, rest_fen, id=rest_id)
        ledger_queries.add_transfer(session, rest, at=clock.now())
    if not voucher_queries.restore_used(session, voucher.id, order_id=order.id):
        raise RuntimeError(f"order {order.id} has no used voucher")  # rolls all back
