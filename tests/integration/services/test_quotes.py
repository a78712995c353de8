"""Quotes: what counts where, and that they take nothing."""

import pytest

from backend.domain import refusals
from backend.extensions import db
from backend.services import blocks, instant_discounts, merchants, quotes
from tests.factories import SUPERMARKET, City, MovableClock, drain
from tests.integration.services.instant_city import buyer, left, quoted, run_instant, statuses
from tests.integration.services.test_orders import holder_of_all_tiers


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


@pytest.mark.parametrize(
    ("amount_fen", "discount_fen"),
    [(4_999, 0), (5_000, 1_000), (9_999, 1_000), (10_000, 3_000), (29_999, 3_000), (30_000, 9_000)],
)
def test_the_largest_voucher_whose_threshold_is_reached_is_taken(
    city: City, amount_fen: int, discount_fen: int
) -> None:
    person = holder_of_all_tiers(city)
    quote = quotes.at_placard(
        resident_id=person.id,
        placard_code=city.placard[SUPERMARKET],
        order_amount_fen=amount_fen,
    )
    assert quote.discount_fen == discount_fen
    assert quote.payable_fen == amount_fen - discount_fen
    assert len(quote.reasons) == (3 if discount_fen == 0 else 2)


def test_a_quote_says_why_each_other_voucher_is_not_taken(city: City) -> None:
    person = holder_of_all_tiers(city)
    quote = quotes.at_placard(
        resident_id=person.id, placard_code=city.placard[SUPERMARKET], order_amount_fen=12_050
    )
    assert [(reason.code, reason.sentence) for reason in quote.reasons] == [
        ("below_threshold", "再消费179.50元即可使用本券"),
        ("smaller", "已为您使用优惠更大的券，本券留待下次使用"),
    ]


def test_a_voucher_that_ran_out_a_week_ago_is_not_explained_any_more(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    valid_until = city.claim(person, tier=1).valid_until

    def reasons() -> list[str]:
        quote = quotes.at_placard(
            resident_id=person.id,
            placard_code=city.placard[SUPERMARKET],
            order_amount_fen=6_000,
        )
        return [reason.code for reason in quote.reasons]

    moment.set(valid_until)
    moment.move(days=7, seconds=-1)
    assert reasons() == ["expired"]
    moment.move(seconds=1)
    assert reasons() == []
