"""Reversals: a redemption of today is undone, whole and once, as if it had not been."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.refusals import OwnShop
from backend.domain.reversals import ReversalAfterRefund, ReversalNotPossible, ReversalTooLate
from backend.gateways.payments.protocol import RefundRequest, RefundState
from backend.services import paybacks, redemptions, reversals, vouchers
from backend.services.bank_tills import refund as refund_at_bank
from backend.storage.models.orders import Order, Redemption, Reversal
from backend.storage.models.refunds import Payback, Refund
from backend.storage.models.settlements import SettlementLine
from backend.storage.models.vouchers import Voucher
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, Person, drain, rows
from tests.integration.services.instant_city import all_agree, left, run_instant, statuses
from tests.integration.services.instant_city import buyer as card_holder
from tests.integration.services.paying import at_placard, buyer, provided, voucher_of
from tests.integration.services.refunding import (
    DISCOUNT_FEN,
    ORDER_FEN,
    attempt,
    books_agree,
    goods,
    moved,
    order_now,
    policy,
    redeemed_at_till,
    redeemed_online,
    refund,
    voucher_now,
)
from tests.integration.services.test_bank_tills import PARTNER, card_of, pay
from tests.providers import ScriptedProvider
from tests.settling import sheet_of_today


def reverse(order_id: str, clerk: Person) -> Order:
    return reversals.reverse_at_merchant(
        redemption_id=order_id, merchant_id=SUPERMARKET, clerk_id=clerk.id, reason="金额输错"
    )


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.mark.parametrize("name", ["voucher_stays_used", "restore_within_validity"])
def test_the_voucher_is_unused_again_whatever_the_campaign_says_of_refunds(
    city: City, name: str
) -> None:
    policy(name)
    person = buyer(city)
    order_id, clerk = redeemed_at_till(city, person)
    for _ in range(2):
        order = reverse(order_id, clerk)
        assert (order.status, order.payment.status) == ("reversed", "closed")
    (row,) = rows(Reversal)
    assert (row.id, row.reason, row.made_by) == (order_id, "金额输错", f"clerk:{clerk.id}")
    assert voucher_of(person) == ["unused"]
    assert moved("reversal") == [("reversal", DISCOUNT_FEN)]
    assert rows(Payback) == []
    assert books_agree()


def test_what_was_undone_counts_in_no_total_and_in_no_limit(city: City) -> None:
    person = buyer(city)
    for _ in range(4):  # two a day at one merchant, were they not undone
        order_id, clerk = redeemed_at_till(city, person)
        reverse(order_id, clerk)
    day = rows(Redemption)[0].business_day
    listed, totals = redemptions.of_day(
        merchant_id=SUPERMARKET, day=day, clerk_id=None, page=1, page_size=20
    )
    assert (listed, totals.count, totals.discount_fen) == ([], 0, 0)
    assert sorted(row.use_number for row in rows(Redemption)) == [1, 2, 3, 4]
    assert books_agree()


def test_a_sheet_has_the_redemption_and_its_reversal_and_owes_nothing(city: City) -> None:
    undone_id, clerk = redeemed_at_till(city)
    redeemed_at_till(city)
    reverse(undone_id, clerk)
    sheet = sheet_of_today()
    assert sheet is not None
    assert sheet.amount_fen == 9_000
    assert Counter(row.source_kind for row in rows(SettlementLine)) == {
        "redemption": 2,
        "reversal": 1,
    }
    assert books_agree()


def test_only_todays_redemptions_are_reversed(city: City, moment: MovableClock) -> None:
    order_id, clerk = redeemed_at_till(city)
    midnight = (clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    moment.set(midnight)
    with pytest.raises(ReversalTooLate):
        reverse(order_id, clerk)
    moment.set(midnight - timedelta(microseconds=1))
    assert reverse(order_id, clerk).status == "reversed"


def test_nobody_reverses_what_is_not_his_or_not_redeemed(city: City) -> None:
    person = buyer(city)
    order_id, _ = redeemed_at_till(city, person)
    with pytest.raises(OwnShop):
        reverse(order_id, city.clerk(phone=person.phone))
    with pytest.raises(NotFound):
        reversals.reverse_at_merchant(
            redemption_id=order_id,
            merchant_id=RESTAURANT,
            clerk_id=city.clerk(RESTAURANT).id,
            reason="x",
        )
    open_ = at_placard(city, buyer(city))
    with pytest.raises(ReversalNotPossible):
        reverse(open_.id, city.clerk())
    assert rows(Reversal) == []


def test_an_order_of_which_a_part_was_refunded_is_not_reversed(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    refund(order_id, clerk, 1)
    with pytest.raises(ReversalAfterRefund):
        reverse(order_id, clerk)
    refund(order_id, clerk, ORDER_FEN - 1)
    with pytest.raises(ReversalAfterRefund):
        reverse(order_id, clerk)
    assert books_agree()


@pytest.mark.parametrize("amount_fen", [16_000, ORDER_FEN])
def test_reversal_and_refund_racing_end_in_one_of_the_two(city: City, amount_fen: int) -> None:
    policy("restore_within_validity")
    for _ in range(4):
        order_id, clerk = redeemed_at_till(city)

        def act(number: int, order_id: str = order_id, clerk: Person = clerk) -> str:
            if number % 2:
                return attempt(city, order_id, clerk, amount_fen)
            with city.app.app_context():
                try:
                    return reverse(order_id, clerk).status
                except HuiquanError as refused:
                    return refused.code

        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(act, range(8)))
        order = order_now(order_id)
        if order.status == "reversed":
            assert said.count("refund_not_possible") == 4
        else:
            assert said.count("reversal_after_refund") == 4
            assert order.refunded_fen in (amount_fen, 2 * amount_fen)
        assert voucher_now(order_id).restored_count <= 1
    assert books_agree()


def test_what_a_provider_collected_goes_back_whole_under_one_number(
    provider: ScriptedProvider, city: City, moment: MovableClock
) -> None:
    person = buyer(city)
    order_id, clerk = redeemed_online(city, person)
    provider.tell("refund", TimeoutError(), RefundState(status="processing"))
    provider.tell(
        "query_refund",
        RefundState(status="unknown"),
        RefundState(status="done", amount_fen=23_000, reference="5030001"),
    )
    assert reverse(order_id, clerk).payment.status == "paid"  # it was, and goes back
    for _ in range(40):
        moment.move(seconds=1)
        paybacks.settle_due()
    asked = [about for _, about in provider.asked if isinstance(about, RefundRequest)]
    assert len({(one.refund_id, one.amount_fen, one.created_at) for one in asked}) == 1
    (payback,) = rows(Payback)
    assert (payback.kind, payback.amount_fen, payback.status) == ("reversal", 23_000, "done")
    assert voucher_of(person) == ["unused"]
    assert books_agree()


def test_a_voucher_that_ran_out_meanwhile_expires_after_the_reversal(
    city: City, moment: MovableClock
) -> None:
    person = buyer(city)
    drain()
    (held,) = rows(Voucher)
    moment.set(held.valid_until - timedelta(seconds=10))
    order_id, clerk = redeemed_at_till(city, person)
    end = held.valid_until
    reverse(order_id, clerk)
    moment.set(end)
    vouchers.expire_due()
    assert voucher_of(person) == ["expired"]
    assert books_agree()


def test_an_instant_discounts_unit_is_back_in_its_tier_and_in_its_persons_limit(
    city: City,
) -> None:
    run_instant()
    person, clerk = card_holder(city), city.clerk()
    for _ in range(2):  # one a day
        order = at_placard(city, person, yuan=200)
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
        reverse(order.id, clerk)
    assert (statuses(), sum(left().values())) == (["returned"] * 2, 1020)
    assert all_agree()


def test_a_banks_till_refunds_under_a_number_of_its_own_and_does_not_reverse_then(
    city: City, moment: MovableClock
) -> None:
    run_instant()
    _, card = card_of(city)
    order = pay(card, "till-0101")
    moment.move(days=3)
    for _ in range(2):
        made = refund_at_bank(
            partner_id=PARTNER, request_number="till-0101", goods=goods(5_000, "refund-01")
        )
        assert (made.refund.customer_fen, made.refund.subsidy_fen) == (4_000, 1_000)
    with pytest.raises(NotFound):
        refund_at_bank(partner_id="other", request_number="till-0101", goods=goods(5_000))
    assert [(row.numbered_by, row.order_id) for row in rows(Refund)] == [("bank:BANK01", order.id)]
    assert all_agree()
