"""What a purchase would cost (试算): the choice among vouchers and instant discounts, and why."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.vouchers import Purchase, Quote, choose_voucher
from backend.extensions import db
from backend.services import (
    amount_codes,
    blocks,
    cards,
    claims,
    instant_discounts,
    merchants,
    payment_asking,
    payment_codes,
    releases,
)
from backend.storage.models.merchants import Merchant
from backend.storage.queries import orders as queries
from backend.storage.queries import vouchers as voucher_queries

EXPIRED_EXPLAINED_FOR = timedelta(days=7)  # what ran out longer ago explains nothing at a till


def at_placard(
    *, resident_id: int, placard_code: str, order_amount_fen: int | None = None
) -> Quote:
    """Say what a purchase at a placard's merchant would cost a resident, and why.

    An amount code may stand for the placard: it says the amount.
    """
    scan = amount_codes.read(placard_code, order_amount_fen=order_amount_fen)
    bring_up_to_date(resident_id)
    session = db.session()
    amount_codes.refuse_used(session, scan.number)
    blocks.refuse_order(session, resident_id)
    merchant = merchants.redeeming(session, scan.merchant_id)
    offers = instant_discounts.to_buyer(resident_id=resident_id, merchant_id=merchant.id)
    return choose(session, merchant, resident_id, scan.order_amount_fen, clock.now(), offers)


def by_code(*, merchant_id: str, code: str, order_amount_fen: int) -> Quote:
    """Say what a purchase would cost the holder of a payment code; the code stays usable."""
    digits = payment_codes.check_form(code)
    resident_id = payment_codes.holder(db.session(), digits)
    bring_up_to_date(resident_id)
    session = db.session()
    blocks.refuse_order(session, resident_id)
    merchant = merchants.redeeming(session, merchant_id)
    offers = instant_discounts.to_buyer(resident_id=resident_id, merchant_id=merchant_id)
    return choose(session, merchant, resident_id, order_amount_fen, clock.now(), offers)


def at_bank_till(*, resident_id: int, merchant_id: str, order_amount_fen: int) -> Quote:
    """Say what a card's holder saves at a partner bank's till: by instant discounts alone."""
    releases.release_overdue(resident_id)
    session = db.session()
    blocks.refuse_order(session, resident_id)
    merchant = merchants.redeeming(session, merchant_id)
    offers = instant_discounts.to_buyer(resident_id=resident_id, merchant_id=merchant_id)
    return choose(session, merchant, resident_id, order_amount_fen, clock.now(), offers, wallet=())


def bring_up_to_date(resident_id: int) -> None:
    """Make usable what the resident is owed: claims not written yet, locks that ran out."""
    claims.record_promised(resident_id)
    releases.release_overdue(resident_id)
    payment_asking.settle_due(resident_id)


def choose(
    session: Session,
    merchant: Merchant,
    resident_id: int,
    order_amount_fen: int,
    now: datetime,
    offers: instant_discounts.Offers,
    *,
    wallet: tuple[()] | None = None,
) -> Quote:
    """Choose among a resident's vouchers and instant discounts, the day's limit included.

    :param wallet: empty where no voucher counts; None: what the resident holds
    """
    held = voucher_queries.list_of_resident(session, resident_id) if wallet is None else []
    used = queries.count_uses(
        session, resident_id=resident_id, merchant_id=merchant.id, day=now.date()
    )
    lately = now - EXPIRED_EXPLAINED_FOR
    current = [pair for pair in held if pair[0].status != "used" and pair[0].valid_until > lately]
    open_to = [
        (voucher, campaign)
        for voucher, campaign in current
        if used < campaign.per_person_per_merchant_per_day
    ]
    if (
        not open_to
        and not offers.facts
        and any(voucher.status == "unused" for voucher, _ in current)
    ):
        raise refusals.MerchantDayLimitReached(f"{used} uses at {merchant.id} today")
    quote = choose_voucher(
        [voucher_queries.facts_of(voucher, campaign) for voucher, campaign in open_to]
        + list(offers.facts),
        Purchase(
            order_amount_fen=order_amount_fen,
            domain_id=merchant.domain_id,
            area=merchant.area,
            at=now,
            card_bound=cards.has_card(session, resident_id),
        ),
    )
    return replace(quote, reasons=quote.reasons + offers.reasons)


def chosen(quote: Quote) -> int:
    """Return the number of what a quote took; NoEligibleVoucher, with the reasons, for none."""
    if quote.voucher is None:
        raise refusals.NoEligibleVoucher(
            "none of the resident's vouchers",
            details={
                "payable_fen": quote.payable_fen,
                "reasons": [
                    {
                        "kind": r.kind,
                        "voucher_id": r.voucher_id,
                        "code": r.code,
                        "sentence": r.sentence,
                    }
                    for r in quote.reasons
                ],
            },
        )
    return quote.voucher.id
