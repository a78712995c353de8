"""Quotes: what counts where, and that they take nothing."""

import pytest

from backend.domain import refusals
from backend.extensions import db
from backend.services import blocks, instant_discounts, merchants, quotes
from tests.factories import SUPERMARKET, City, drain
from tests.integration.services.instant_city import buyer, left, quoted, run_instant, statuses


def test_a_quote_takes_nothing_however_often_it_is_asked(city: City) -> None:
    run_instant()
    person = buyer(city)
    for _ in range(3):
        assert quoted(city, person, 100_000).discount_fen == 20_000
    assert (sum(left().values()), statuses()) == (1020, [])


def test_at_a_bank_till_no_voucher_counts_and_at_a_placard_every_one_does(city: City) -> None:
    run_instant()
    person = buyer(city)
    city.claim(person, tier=3)
    drain()
    at_till = quotes.at_bank_till(
        resident_id=person.id, merchant_id=SUPERMARKET, order_amount_fen=45_000
    )
    assert (at_till.discount_fen, at_till.voucher and at_till.voucher.kind) == (4_000, "instant")
    assert {why.kind for why in at_till.reasons} == {"instant"}
    assert quoted(city, person, 45_000).discount_fen == 9_000


def test_who_is_blocked_is_quoted_nothing_at_a_bank_till(city: City) -> None:
    run_instant()
    person = buyer(city)
    blocks.block(person.id, reason="套现", actor="test")
    with pytest.raises(refusals.ResidentBlocked):
        quotes.at_bank_till(resident_id=person.id, merchant_id=SUPERMARKET, order_amount_fen=45_000)


def test_without_any_subsidy_the_reasons_come_with_the_refusal(city: City) -> None:
    run_instant()
    person = city.resident()
    session = db.session()
    offers = instant_discounts.to_buyer(resident_id=person.id, merchant_id=SUPERMARKET)
    merchant = merchants.redeeming(session, SUPERMARKET)
    at = instant_discounts.clock.now()
    quote = quotes.choose(session, merchant, person.id, 100_000, at, offers)
    with pytest.raises(refusals.NoEligibleVoucher) as refused:
        quotes.chosen(quote)
    assert refused.value.details["reasons"] == [
        {"kind": "instant", "voucher_id": None, "code": why.code, "sentence": why.sentence}
        for why in quote.reasons
    ]
    assert len(quote.reasons) == 3
