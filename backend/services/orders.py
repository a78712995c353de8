"""Paying with a voucher: the best one is locked, and the rest is to be paid.

A resident who scans a placard and a clerk who scans a payment code make the same order. All
amounts are computed here; the caller names only what the purchase costs.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.payments import AT_TILL
from backend.domain.vouchers import Quote
from backend.extensions import db
from backend.gateways.payments.protocol import PaymentState
from backend.services import (
    amount_codes,
    blocks,
    cards,
    clerks,
    instant_discounts,
    merchants,
    payment_asking,
    payment_codes,
    payment_states,
    payments,
    quotes,
    releases,
)
from backend.services.payments import Collecting
from backend.settings import Settings
from backend.storage.models.orders import Order
from backend.storage.models.residents import Resident
from backend.storage.queries import orders as queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.sql import transaction

NOTHING_DUE = PaymentState(status="paid", reference="nothing_due", amount_fen=0)


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """What the purchase costs, in fen, and what was taken off before the voucher.

    `order_amount_fen` is what is due after the merchant's and the bank's own discounts; the
    threshold is tested on it (plan, part five: 在享受商家打折让利、金融机构产品优惠的基础上).
    """

    order_amount_fen: int
    merchant_discount_fen: int = 0
    bank_discount_fen: int = 0


@dataclass(frozen=True, kw_only=True)
class Request:
    """Whose request this is, its number, and a digest that tells another body under that number."""

    requested_by: str
    request_id: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Met:
    """How resident and shop met: `entry` as in the order's row, the clerk where there is one."""

    entry: str
    merchant_id: str
    clerk_id: int | None = None
    amount_code: int | None = None  # its number, where one was scanned


def create_at_placard(
    *,
    resident_id: int,
    request_id: str,
    placard_code: str,
    amounts: Amounts | None = None,
    wechat_user_id: int | None = None,
) -> Order:
    """Lock the best voucher for a purchase the resident entered at a placard, and have it paid.

    An amount code may stand for the placard: it says the amount, and becomes one order only.
    `wechat_user_id` is whose phone pays, by default the resident's newest.
    """
    way = Collecting(at_placard=True, wechat_user_id=wechat_user_id)
    request = Request(
        requested_by=f"resident:{resident_id}",
        request_id=request_id,
        digest=_digest("placard", placard_code, amounts),
    )
    # First of all: an answer that was given stays the answer, though the placard is revoked now.
    if replay := _replayed(db.session(), request):
        return _started(replay, way)
    told_fen = amounts.order_amount_fen if amounts else None
    scan = amount_codes.read(placard_code, order_amount_fen=told_fen)
    quotes.bring_up_to_date(resident_id)
    with amount_codes.once(scan.number):
        return _create(
            request,
            Met(
                entry="placard" if scan.number is None else "amount_code",
                merchant_id=scan.merchant_id,
                amount_code=scan.number,
            ),
            resident_id=resident_id,
            amounts=amounts or Amounts(order_amount_fen=scan.order_amount_fen),
            way=way,
            consume=lambda session: amount_codes.refuse_used(session, scan.number),
        )


def create_by_code(
    *,
    clerk_id: int,
    merchant_id: str,
    request_id: str,
    code: str,
    amounts: Amounts,
    payer_code: str | None = None,
    code_wanted: bool = False,
) -> Order:
    """Use up a payment code and lock its holder's best voucher for a purchase at the till.

    The clerk collects the rest himself, or has it collected: from the wallet whose `payer_code`
    he scanned, or by a code that the payer scans.
    """
    digits = payment_codes.check_form(code)
    way = Collecting(at_placard=False, payer_code=payer_code, code_wanted=code_wanted)
    collecting = (way.payer_digits, code_wanted) if payer_code or code_wanted else ()
    request = Request(
        requested_by=f"clerk:{clerk_id}",
        request_id=request_id,
        digest=_digest("payment_code", digits, amounts, *collecting),
    )
    # First of all: when the answer was given but lost on its way, the code is used up by now.
    if replay := _replayed(db.session(), request):
        return _started(replay, way)
    try:
        resident_id = payment_codes.holder(db.session(), digits)
        quotes.bring_up_to_date(resident_id)
        return _create(
            request,
            Met(entry="payment_code", merchant_id=merchant_id, clerk_id=clerk_id),
            resident_id=resident_id,
            amounts=amounts,
            way=way,
            consume=lambda session: payment_codes.use(session, digits),
        )
    except refusals.PaymentCodeInvalid:
        # The same request, sent twice at once: the other one has used the code for this order.
        if replay := _replayed(db.session(), request):
            return _started(replay, way)
        raise


def create_at_bank_till(
    *, partner_id: str, request_id: str, card_token: str, merchant_id: str, amounts: Amounts
) -> Order:
    """Lock the best instant discount for a payment at a partner bank's till."""
    request = Request(
        requested_by=f"bank:{partner_id}",
        request_id=request_id,
        digest=_digest("bank_till", cards.fingerprint(card_token), merchant_id, amounts),
    )
    if replay := _replayed(db.session(), request):
        return replay
    resident_id = cards.owner(card_token)
    releases.release_overdue(resident_id)
    return _create(
        request,
        Met(entry="bank_till", merchant_id=merchant_id),
        resident_id=resident_id,
        amounts=amounts,
        way=Collecting(at_placard=False),  # the bank moves the rest by its own means
        consume=lambda session: None,
    )


def _create(
    request: Request,
    met: Met,
    *,
    resident_id: int,
    amounts: Amounts,
    way: Collecting,
    consume: Callable[[Session], object],
) -> Order:
    """Make the order: the one place where it happens, in one transaction.

    The resident's row is locked first, so the limits of one person are counted and not raced,
    and every transaction that makes one takes its locks in the same order: resident, code,
    voucher; the order's row is new.
    """
    wallet = () if met.entry == "bank_till" else None

    def choose(offers: instant_discounts.Offers) -> Quote:
        found = merchants.redeeming(db.session(), met.merchant_id)
        return quotes.choose(
            db.session(),
            found,
            resident_id,
            amounts.order_amount_fen,
            clock.now(),
            offers,
            wallet=wallet,
        )

    unit = instant_discounts.unit_for(
        request=(request.requested_by, request.request_id),
        resident_id=resident_id,
        merchant_id=met.merchant_id,
        quote=choose,
    )
    with unit as offers, transaction() as session:
        session.execute(
            select(Resident.id).where(Resident.id == resident_id).with_for_update()
        ).one()
        if replay := _replayed(session, request):
            return replay  # whoever made it has it paid
        blocks.refuse_order(session, resident_id)
        merchant = merchants.redeeming(session, met.merchant_id)
        if met.clerk_id is not None:
            clerks.refuse_own_shop(session, clerk_id=met.clerk_id, resident_id=resident_id)
        consume(session)
        now = clock.now()
        quote = quotes.choose(
            session, merchant, resident_id, amounts.order_amount_fen, now, offers, wallet=wallet
        )
        order = _order(request, quote, amounts, at=now)
        name = payments.choose(session, merchant, order.voucher_id, order.payable_fen, way)
        if name != AT_TILL and met.clerk_id is None:
            clerks.refuse_clerk_of(session, merchant_id=merchant.id, resident_id=resident_id)
        order.payment = payments.new_payment(
            name, payable_fen=order.payable_fen, lock_expires_at=order.lock_expires_at, at=now
        )
        order.entry, order.merchant_id, order.clerk_id = met.entry, merchant.id, met.clerk_id
        order.resident_id, order.amount_code = resident_id, met.amount_code
        if not voucher_queries.change_status(
            session, order.voucher_id, expected="unused", status="locked", order_id=order.id
        ):
            raise refusals.NoEligibleVoucher("the voucher was taken by another order")
        session.add(order)
        session.flush()
        session.refresh(order)
        if name != AT_TILL and order.payable_fen == 0:
            payment_states.apply(session, order.id, name, NOTHING_DUE)
            session.refresh(order)
            session.refresh(order.payment)
    return _started(order, way)


def _started(order: Order, way: Collecting) -> Order:
    """Have the rest collected, outside any transaction: a provider may take seconds."""
    return payment_asking.start(order, way) if order.status == "locked" else order


def _order(request: Request, quote: Quote, amounts: Amounts, *, at: datetime) -> Order:
    """Build an order's row from a quote; NoEligibleVoucher when the quote took none."""
    settings: Settings = current_app.extensions["settings"]
    before_fen = amounts.merchant_discount_fen + amounts.bank_discount_fen
    return Order(
        id=uuid.uuid4().hex,
        requested_by=request.requested_by,
        request_id=request.request_id,
        request_digest=request.digest,
        voucher_id=quotes.chosen(quote),
        list_amount_fen=amounts.order_amount_fen + before_fen,
        merchant_discount_fen=amounts.merchant_discount_fen,
        bank_discount_fen=amounts.bank_discount_fen,
        order_amount_fen=quote.order_amount_fen,
        discount_fen=quote.discount_fen,
        payable_fen=quote.payable_fen,
        status="locked",
        created_at=at,
        lock_expires_at=at + timedelta(seconds=settings.order_lock_ttl_s),
    )


def _replayed(session: Session, request: Request) -> Order | None:
    order = queries.get_by_request(session, request.requested_by, request.request_id)
    if order is not None and order.request_digest != request.digest:
        raise refusals.RequestReused(f"{request.requested_by} {order.id}")
    return order


def _digest(*parts: object) -> str:
    """Tell two requests apart without keeping what they said (a payment code is a secret)."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
