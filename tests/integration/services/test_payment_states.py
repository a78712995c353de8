"""What a provider's word does: once, and only when it is final."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.services import ledger, payment_states
from backend.storage.models.ledger import Transfer
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.payments import PaymentCase
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, Person, rows
from tests.integration.services.paying import (
    PAYABLE_FEN,
    at_placard,
    buyer,
    now_is,
    provided,
    voucher_of,
)
from tests.providers import CLOSED, FAILED, PENDING, UNKNOWN, PaymentState, ScriptedProvider, paid


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def person(city: City) -> Person:
    return buyer(city)


@pytest.fixture
def order(city: City, provider: ScriptedProvider, person: Person) -> Order:
    return at_placard(city, person)


def say(order: Order, state: PaymentState) -> str:
    return payment_states.record(order.id, "wechat_pay", state).name


def test_paid_redeems_once_though_20_threads_say_so(
    city: City, order: Order, person: Person
) -> None:
    def tell(_: int) -> str:
        with city.app.app_context():
            return say(order, paid(PAYABLE_FEN))

    with ThreadPoolExecutor(20) as pool:
        said = Counter(pool.map(tell, range(20)))
    assert said == {"redeemed": 1, "repeated": 19}
    (redemption,) = rows(Redemption)
    assert (redemption.clerk_id, redemption.payable_fen) == (None, PAYABLE_FEN)
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "redemption"] == [9_000]
    assert now_is(order.id) == ("redeemed", "paid")
    assert voucher_of(person) == ["used"]
    assert ledger.check().differences == ()


@pytest.mark.parametrize(("said", "status"), [(CLOSED, "closed"), (FAILED, "failed")])
def test_closed_and_failed_give_the_voucher_back(
    order: Order, person: Person, said: PaymentState, status: str
) -> None:
    assert say(order, said) == "released"
    assert say(order, said) == "repeated"
    assert now_is(order.id) == ("released", status)
    assert voucher_of(person) == ["unused"]
    assert ledger.check().differences == ()


@pytest.mark.parametrize(
    "said", [PENDING, UNKNOWN, PaymentState(status="paid")], ids=["pending", "unknown", "no amount"]
)
def test_what_is_not_final_neither_redeems_nor_releases(
    order: Order, person: Person, said: PaymentState, moment: MovableClock
) -> None:
    moment.move(hours=1)
    assert say(order, said) == "waiting"
    assert now_is(order.id)[0] == "locked"
    assert voucher_of(person) == ["locked"]


def test_paid_after_the_lock_ran_out_redeems_as_well(order: Order, moment: MovableClock) -> None:
    moment.move(hours=1)
    assert say(order, paid(PAYABLE_FEN)) == "redeemed"
    assert ledger.check().differences == ()


@pytest.mark.parametrize("fen", [PAYABLE_FEN - 1, PAYABLE_FEN + 1, 0])
def test_another_amount_redeems_nothing_and_opens_a_case(
    order: Order, person: Person, fen: int
) -> None:
    assert say(order, paid(fen)) == "wrong_amount"
    assert now_is(order.id) == ("released", "paid")
    assert (rows(Redemption), voucher_of(person)) == ([], ["unused"])
    (case,) = rows(PaymentCase)
    assert (case.kind, case.expected_fen, case.collected_fen) == ("wrong_amount", PAYABLE_FEN, fen)
    assert (case.refund_fen, case.refund_status) == (fen, "due" if fen else "none")
    assert ledger.check().differences == ()


def test_paid_after_release_redeems_nothing_and_opens_one_case(
    city: City, order: Order, person: Person
) -> None:
    say(order, CLOSED)
    assert voucher_of(person) == ["unused"]

    def tell(_: int) -> str:
        with city.app.app_context():
            return say(order, paid(PAYABLE_FEN))

    with ThreadPoolExecutor(8) as pool:
        said = Counter(pool.map(tell, range(8)))
    assert said == {"paid_after_release": 1, "repeated": 7}
    (case,) = rows(PaymentCase)
    assert (case.kind, case.refund_fen) == ("paid_after_release", PAYABLE_FEN)
    assert now_is(order.id) == ("released", "paid")
    assert ledger.check().differences == ()


def test_money_for_a_merchant_disqualified_meanwhile_goes_back(
    order: Order, person: Person
) -> None:
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).status = "disqualified"
    assert say(order, paid(PAYABLE_FEN)) == "merchant_disqualified"
    assert voucher_of(person) == ["unused"]
    assert [case.kind for case in rows(PaymentCase)] == ["merchant_disqualified"]


def test_a_word_about_another_providers_order_or_none_of_ours_changes_nothing(
    order: Order,
) -> None:
    other = payment_states.record(order.id, "unionpay", paid(PAYABLE_FEN))
    absent = payment_states.record("f" * 32, "wechat_pay", paid(PAYABLE_FEN))
    assert (other.name, absent.name) == ("other_provider", "order_unknown")
    assert now_is(order.id) == ("locked", "pending")


def test_paid_and_closed_said_at_once_end_in_one_of_them_with_every_fen_accounted_for(
    city: City, provider: ScriptedProvider
) -> None:
    for _ in range(6):
        person = buyer(city)
        order = at_placard(city, person)

        def tell(state: PaymentState, order: Order = order) -> str:
            with city.app.app_context():
                return say(order, state)

        with ThreadPoolExecutor(4) as pool:
            said = sorted(pool.map(tell, [paid(PAYABLE_FEN), CLOSED] * 2))
        assert said in (
            ["redeemed", "repeated", "repeated", "repeated"],
            ["paid_after_release", "released", "repeated", "repeated"],
        )
    assert ledger.check().differences == ()
