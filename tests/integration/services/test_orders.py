"""Quoting and ordering: the best voucher, once, under any race."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.extensions import redis_handle
from backend.services import (
    ledger,
    orders,
    payment_codes,
    placards,
    redemptions,
    standings,
    vouchers,
)
from backend.services.orders import Amounts
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.models.payment_codes import PaymentCode
from backend.storage.models.vouchers import Voucher
from tests.factories import (
    RESTAURANT,
    SUPERMARKET,
    City,
    MovableClock,
    Person,
    drain,
    new_request,
    rows,
)


def at_placard(
    city: City, person: Person, yuan: int, merchant_id: str = SUPERMARKET, request: str = ""
) -> Order:
    return orders.create_at_placard(
        resident_id=person.id,
        request_id=request or new_request(),
        placard_code=city.placard[merchant_id],
        amounts=Amounts(order_amount_fen=yuan * 100),
    )


def by_code(clerk: Person, code: str, yuan: int, request: str = "") -> Order:
    return orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=SUPERMARKET,
        request_id=request or new_request(),
        code=code,
        amounts=Amounts(order_amount_fen=yuan * 100),
    )


def holder_of_all_tiers(city: City) -> Person:
    person = city.resident()
    for tier in (1, 2, 3):
        city.claim(person, tier=tier)
    return person


def test_a_voucher_counts_only_in_its_campaigns_domains(city: City) -> None:
    person = holder_of_all_tiers(city)
    with pytest.raises(refusals.NoEligibleVoucher) as refused:
        at_placard(city, person, 500, RESTAURANT)
    reasons = refused.value.details["reasons"]
    assert isinstance(reasons, list)
    assert {reason["code"] for reason in reasons} == {"other_domain"}
    assert rows(Order) == []


def test_a_voucher_pays_at_once_while_the_writer_is_down(city: City) -> None:
    person = holder_of_all_tiers(city)
    assert rows(Voucher) == []  # nothing was drained
    order = at_placard(city, person, 320)
    assert (order.discount_fen, order.payable_fen) == (9_000, 23_000)
    drain()
    assert len(rows(Voucher)) == 3


def test_both_ways_end_in_the_same_order(city: City) -> None:
    clerk = city.clerk()
    first, second = holder_of_all_tiers(city), holder_of_all_tiers(city)
    scanned = at_placard(city, first, 320)
    shown = by_code(clerk, payment_codes.issue(second.id).code, 320)
    for order in (scanned, shown):
        assert (order.order_amount_fen, order.discount_fen, order.payable_fen) == (
            32_000,
            9_000,
            23_000,
        )
        assert order.status == "locked"
        done = redemptions.confirm_paid(
            order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id
        )
        assert (done.status, done.payment.status) == ("redeemed", "paid")
    assert (scanned.entry, shown.entry) == ("placard", "payment_code")
    assert ledger.check().differences == ()


def test_20_clerks_racing_one_code_pay_once(city: City) -> None:
    person = holder_of_all_tiers(city)
    clerks = [city.clerk() for _ in range(20)]
    code = payment_codes.issue(person.id).code

    def scan(clerk: Person) -> str:
        with city.app.app_context():
            try:
                order = by_code(clerk, code, 320)
                redemptions.confirm_paid(
                    order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id
                )
            except HuiquanError as refused:
                return refused.code
            return "paid"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(scan, clerks))
    assert outcomes == {"paid": 1, "payment_code_invalid": 19}
    assert len(rows(Redemption)) == 1
    assert len(rows(Order)) == 1
    assert ledger.check().differences == ()


def test_one_voucher_is_never_in_two_orders_though_20_phones_order_at_once(city: City) -> None:
    person = city.resident()
    city.claim(person, tier=1)

    def order(_: int) -> str:
        with city.app.app_context():
            try:
                at_placard(city, person, 60)
            except HuiquanError as refused:
                return refused.code
            return "locked"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(order, range(20)))
    assert outcomes["locked"] == 1
    assert set(outcomes) <= {"locked", "no_eligible_voucher", "merchant_day_limit_reached"}
    assert len(rows(Order)) == 1


def test_the_same_request_number_answers_with_the_same_order(city: City) -> None:
    person, clerk = holder_of_all_tiers(city), city.clerk()
    request, code = new_request(), payment_codes.issue(person.id).code
    first = by_code(clerk, code, 320, request)
    again = by_code(clerk, code, 320, request)  # its code is used up by now
    assert again.id == first.id
    assert len(rows(Order)) == 1


def test_the_same_request_sent_20_times_at_once_makes_one_order_and_20_same_answers(
    city: City,
) -> None:
    person, clerk = holder_of_all_tiers(city), city.clerk()
    request, code = new_request(), payment_codes.issue(person.id).code

    def scan(_: int) -> str:
        with city.app.app_context():
            return by_code(clerk, code, 320, request).id

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(scan, range(20)))
    assert len(answers) == 1
    assert len(rows(Order)) == 1


def test_the_same_request_number_with_another_amount_is_refused(city: City) -> None:
    person, request = holder_of_all_tiers(city), new_request()
    at_placard(city, person, 320, request=request)
    with pytest.raises(refusals.RequestReused):
        at_placard(city, person, 321, request=request)


def test_a_refused_order_leaves_the_code_usable(city: City) -> None:
    person, clerk = city.resident(), city.clerk()
    city.claim(person, tier=2)
    code = payment_codes.issue(person.id).code
    with pytest.raises(refusals.NoEligibleVoucher):
        by_code(clerk, code, 99)
    assert by_code(clerk, code, 100).discount_fen == 3_000


def test_a_third_use_at_one_merchant_on_one_day_is_refused_and_tomorrow_is_another_day(
    city: City, moment: MovableClock
) -> None:
    person, clerk = holder_of_all_tiers(city), city.clerk()
    for yuan in (320, 120):
        order = at_placard(city, person, yuan)
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    with pytest.raises(refusals.MerchantDayLimitReached):
        at_placard(city, person, 60)
    moment.move(hours=13, minutes=59)  # midnight in China
    assert at_placard(city, person, 60).discount_fen == 1_000


def test_a_merchant_off_the_list_or_suspended_takes_no_voucher(city: City) -> None:
    person = holder_of_all_tiers(city)
    standings.suspend(SUPERMARKET, actor="test", reason="核查")
    with pytest.raises(refusals.MerchantNotPublished):
        at_placard(city, person, 320)
    standings.resume(SUPERMARKET, actor="another", reason="核查完毕")
    assert at_placard(city, person, 320)


def test_a_clerk_cannot_redeem_for_himself_on_either_way(city: City) -> None:
    phone = "13700001111"
    person, clerk = city.resident(phone), city.clerk(phone=phone)
    city.claim(person, tier=3)
    with pytest.raises(refusals.OwnShop):
        by_code(clerk, payment_codes.issue(person.id).code, 320)
    order = at_placard(city, person, 320)
    with pytest.raises(refusals.OwnShop):
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    other = city.clerk()
    assert redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=other.id)


def test_what_was_taken_off_before_is_recorded_and_the_threshold_is_tested_after_it(
    city: City,
) -> None:
    person, clerk = holder_of_all_tiers(city), city.clerk()
    order = orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=SUPERMARKET,
        request_id=new_request(),
        code=payment_codes.issue(person.id).code,
        amounts=Amounts(
            order_amount_fen=29_999, merchant_discount_fen=5_000, bank_discount_fen=1_000
        ),
    )
    assert order.discount_fen == 3_000  # 359.99 on the tag, but 299.99 due
    assert order.list_amount_fen == 35_999


def test_a_voucher_is_usable_until_its_last_moment_and_not_after(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    valid_until = city.claim(person, tier=1).valid_until
    moment.set(valid_until)
    with pytest.raises(refusals.NoEligibleVoucher) as refused:
        at_placard(city, person, 60)
    assert refused.value.details["reasons"][0]["code"] == "expired"  # type: ignore[index]
    moment.move(seconds=-0.001)
    assert at_placard(city, person, 60).discount_fen == 1_000


def test_redemption_goes_on_while_valkey_is_down(city: City, app: Flask) -> None:
    person, clerk = holder_of_all_tiers(city), city.clerk()
    drain()
    app.config["REDIS_URL"], kept = "redis://127.0.0.1:9/0", app.config["REDIS_URL"]
    redis_handle.init_app(app)
    try:
        order = by_code(clerk, payment_codes.issue(person.id).code, 320)
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
        shown = vouchers.wallet(person.id)
    finally:
        app.config["REDIS_URL"] = kept
        redis_handle.init_app(app)
    assert not shown.complete
    assert [v.status for v in shown.vouchers] == ["unused", "unused", "used"]


def test_a_payment_waits_for_the_clerk_and_names_its_provider(city: City) -> None:
    order = at_placard(city, holder_of_all_tiers(city), 320)
    (payment,) = rows(Payment)
    assert (payment.provider, payment.status, payment.amount_fen) == ("at_till", "pending", 23_000)
    assert payment.order_id == order.id


def test_no_payment_code_is_ever_stored_in_clear(city: City) -> None:
    code = payment_codes.issue(city.resident().id).code
    (row,) = rows(PaymentCode)
    assert code not in repr(vars(row))


def test_an_order_made_before_its_placard_was_revoked_is_still_the_answer(city: City) -> None:
    person, request = holder_of_all_tiers(city), new_request()
    order = at_placard(city, person, 320, request=request)
    placards.revoke(SUPERMARKET, 1, actor="test", reason="丢失")
    assert at_placard(city, person, 320, request=request).id == order.id
    with pytest.raises(refusals.PlacardRevoked):
        at_placard(city, person, 320)
