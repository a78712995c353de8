"""Cancelling an order whose rest a provider collects; at the till see test_redemptions."""

from collections.abc import Iterator

import pytest

from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.payments import PaymentByProvider, PaymentUnsettled
from backend.services import cancellations, ledger, redemptions
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, Person
from tests.integration.services.paying import (
    PAYABLE_FEN,
    at_placard,
    buyer,
    by_wallet,
    now_is,
    provided,
    voucher_of,
)
from tests.providers import CLOSED, UNKNOWN, ScriptedProvider, paid


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def person(city: City) -> Person:
    return buyer(city)


def test_a_cancelled_payment_is_closed_at_its_provider_first(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    order = at_placard(city, person)
    provider.tell("close", UNKNOWN, CLOSED)
    with pytest.raises(PaymentUnsettled):
        cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert voucher_of(person) == ["locked"]
    done = cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert (done.status, done.release_reason) == ("released", "cancelled_by_resident")
    again = cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert again.status == "released"
    assert provider.counts()["close"] == 2
    assert voucher_of(person) == ["unused"]


def test_cancelling_what_was_paid_meanwhile_redeems_it_and_says_so(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    order = at_placard(city, person)
    provider.tell("close", paid(PAYABLE_FEN))
    with pytest.raises(refusals.OrderRedeemed):
        cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert now_is(order.id) == ("redeemed", "paid")
    assert ledger.check().differences == ()


def test_a_scanned_wallet_cannot_be_reversed_before_15_seconds(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    provider.tell("reverse", CLOSED)
    order = by_wallet(city.clerk(), person, "134567890123456789")
    moment.move(seconds=14)
    with pytest.raises(PaymentUnsettled):
        cancellations.cancel_by_merchant(order_id=order.id, merchant_id=SUPERMARKET)
    moment.move(seconds=1)
    done = cancellations.cancel_by_merchant(order_id=order.id, merchant_id=SUPERMARKET)
    assert done.status == "released"
    assert provider.counts()["reverse"] == 1


def test_a_clerk_confirms_no_order_whose_provider_speaks_for_itself(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    order, clerk = at_placard(city, person), city.clerk()
    with pytest.raises(PaymentByProvider):
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert now_is(order.id) == ("locked", "pending")


def test_somebody_elses_order_is_absent_to_who_would_cancel_it(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    order = at_placard(city, person)
    with pytest.raises(NotFound):
        cancellations.cancel_by_resident(order_id=order.id, resident_id=city.resident().id)
    with pytest.raises(NotFound):
        cancellations.cancel_by_merchant(order_id=order.id, merchant_id=RESTAURANT)
    assert provider.counts()["close"] == 0


def test_a_clerks_own_voucher_pays_by_no_phone_at_his_own_shop(
    city: City, provider: ScriptedProvider
) -> None:
    phone = "13700002222"
    own = city.resident(phone)
    city.claim(own, tier=3)
    city.clerk(phone=phone)
    with pytest.raises(refusals.OwnShop):
        at_placard(city, own)
    assert provider.asked == []
