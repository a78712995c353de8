"""A partner bank's till: one number from quote to reversal, instant discounts alone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain import refusals
from backend.domain.cards import CardRequired
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.reversals import ReversalTooLate
from backend.services import bank_tills, instant_returns, orders, partners, redemptions, releases
from backend.services.orders import Amounts
from backend.storage.models.orders import Order, Redemption, Reversal
from tests.factories import SUPERMARKET, City, MovableClock, Person, new_request, rows
from tests.integration.cli.test_commands import flask
from tests.integration.services.instant_city import (
    all_agree,
    buyer,
    left,
    pending,
    run_instant,
    statuses,
)

PARTNER = "BANK01"


def card_of(city: City) -> tuple[Person, str]:
    person = city.resident()
    return person, city.bind_card(person)


def pay(card_token: str, request_number: str, amount_fen: int = 20_000) -> Order:
    return bank_tills.confirm(
        partner_id=PARTNER,
        request_number=request_number,
        card_token=card_token,
        merchant_id=SUPERMARKET,
        amounts=Amounts(order_amount_fen=amount_fen),
    )


def test_a_payment_is_quoted_confirmed_and_redeemed_in_one_call(city: City) -> None:
    run_instant()
    person, card = card_of(city)
    city.claim(person, tier=3)  # 满300减90: held, and not used at the bank's till
    quote = bank_tills.quote(card_token=card, merchant_id=SUPERMARKET, order_amount_fen=40_000)
    assert (quote.discount_fen, quote.voucher and quote.voucher.kind) == (4_000, "instant")
    order = pay(card, "till-0001", 40_000)
    assert (order.status, order.entry, order.discount_fen) == ("redeemed", "bank_till", 4_000)
    assert (order.payment.status, order.payment.reference) == ("paid", "bank:BANK01")
    [redemption] = rows(Redemption)
    assert (redemption.clerk_id, redemption.discount_fen) == (None, 4_000)
    assert all_agree()
    page = city.get("/api/v1/resident/orders", person).get_json()["orders"]
    assert [(shown["entry"], shown["kind"]) for shown in page] == [("bank_till", "instant")]


def test_the_same_number_is_the_same_payment_and_other_contents_are_refused(city: City) -> None:
    run_instant()
    (_, card), (_, other) = card_of(city), card_of(city)

    def send(_: int) -> str:
        with city.app.app_context():
            return pay(card, "till-0002").id

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(send, range(12)))) == 1
    assert sum(left().values()) == 1019
    with pytest.raises(refusals.RequestReused):
        pay(card, "till-0002", 30_000)
    with pytest.raises(refusals.RequestReused):
        pay(other, "till-0002")
    assert all_agree()


def test_a_card_that_is_nobodys_has_no_discount(city: City) -> None:
    run_instant()
    with pytest.raises(CardRequired):
        pay("unknown-card", "till-0003")
    _, card = card_of(city)
    with pytest.raises(refusals.NoEligibleVoucher):
        pay(card, "till-0004", 19_999)
    with pytest.raises(refusals.MerchantNotPublished):
        bank_tills.quote(card_token=card, merchant_id="TJ0013", order_amount_fen=20_000)
    assert (rows(Order), statuses()) == ([], [])


def test_killed_between_order_and_redemption_the_same_call_goes_on(
    city: City, moment: MovableClock
) -> None:
    run_instant()
    _, card = card_of(city)
    amounts = Amounts(order_amount_fen=20_000)
    for number in ("till-0005", "till-0006"):
        orders.create_at_bank_till(
            partner_id=PARTNER,
            request_id=number,
            card_token=card,
            merchant_id=SUPERMARKET,
            amounts=amounts,
        )
        if number == "till-0005":
            assert pay(card, number).status == "redeemed"
            moment.move(days=1)
    moment.move(seconds=300)
    assert releases.release_overdue() == 1
    with pytest.raises(refusals.OrderReleased):
        pay(card, "till-0006")
    instant_returns.give_back()
    assert sum(left().values()) == 1019
    assert all_agree()


def test_a_reversal_gives_unit_and_limit_back_once_and_leaves_nothing_owed(city: City) -> None:
    run_instant()
    person, card = card_of(city)
    pay(card, "till-0007")
    for _ in range(2):
        order = bank_tills.reverse(partner_id=PARTNER, request_number="till-0007", reason="撤销")
        assert (order.status, order.payment.status) == ("reversed", "closed")
    assert (statuses(), pending(), sum(left().values())) == (["returned"], 0, 1020)
    assert len(rows(Reversal)) == 1
    day = rows(Redemption)[0].business_day
    listed, totals = redemptions.of_day(
        merchant_id=SUPERMARKET, day=day, clerk_id=None, page=1, page_size=20
    )
    assert (listed, totals.discount_fen) == ([], 0)
    assert all_agree()
    assert pay(card, "till-0008").discount_fen == 4_000
    with pytest.raises(refusals.OrderReleased):
        pay(card, "till-0007")  # the same number stays what it became
    assert person.id == order.resident_id


def test_only_the_days_own_payments_are_reversed(city: City, moment: MovableClock) -> None:
    run_instant()
    _, card = card_of(city)
    pay(card, "till-0009")
    moment.move(hours=14)  # past midnight
    with pytest.raises(ReversalTooLate):
        bank_tills.reverse(partner_id=PARTNER, request_number="till-0009", reason="撤销")
    with pytest.raises(NotFound):
        bank_tills.reverse(partner_id=PARTNER, request_number="till-0010", reason="撤销")
    with pytest.raises(NotFound):
        bank_tills.reverse(partner_id="other", request_number="till-0009", reason="撤销")
    assert statuses() == ["used"]


def test_an_order_that_was_not_redeemed_yet_is_given_up_by_a_reversal(city: City) -> None:
    run_instant()
    _, card = card_of(city)
    orders.create_at_bank_till(
        partner_id=PARTNER,
        request_id="till-0011",
        card_token=card,
        merchant_id=SUPERMARKET,
        amounts=Amounts(order_amount_fen=20_000),
    )
    order = bank_tills.reverse(partner_id=PARTNER, request_number="till-0011", reason="超时")
    assert (order.status, statuses()) == ("released", ["returned"])
    assert rows(Reversal) == []
    assert all_agree()


def test_confirming_and_reversing_at_once_end_in_one_of_the_two(city: City) -> None:
    run_instant(per_person_per_day=None, per_person_per_merchant_per_day=99)
    _, card = card_of(city)

    def act(number: str, confirms: bool) -> None:
        with city.app.app_context():
            try:
                if confirms:
                    pay(card, number)
                else:
                    bank_tills.reverse(partner_id=PARTNER, request_number=number, reason="撤销")
            except HuiquanError as refused:
                assert refused.code in ("not_found", "order_released"), refused.code  # noqa: PT017

    for _ in range(5):
        number = new_request()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(act, [number] * 4, (True, False, True, False)))
    instant_returns.give_back()
    assert 1020 - sum(left().values()) == statuses().count("used")
    assert all_agree()


def test_the_commands_do_what_the_till_will(city: City) -> None:
    run_instant()
    _, card = card_of(city)
    buyer(city)
    at = ("--card-token", card, "--merchant", SUPERMARKET, "--amount-fen", "50000")
    assert "立减 100.00 元，应付 400.00 元" in flask(city.app, "bank-till", "quote", *at).output
    partners.add(PARTNER, name="示例银行", actor="test")
    number = ("--partner", PARTNER, "--request", "till-0012")
    unknown = ("--partner", "BANK09", *number[2:])
    assert "not_found" in flask(city.app, "bank-till", "confirm", *at, *unknown).output
    for _ in range(2):
        assert "redeemed" in flask(city.app, "bank-till", "confirm", *at, *number).output
    done = flask(city.app, "bank-till", "reverse", *number, "--reason", "撤销")
    assert (done.exit_code, "reversed" in done.output) == (0, True)
    assert flask(city.app, "bank-till", "reverse", *number, "--reason", "x").exit_code == 0
    assert all_agree()
