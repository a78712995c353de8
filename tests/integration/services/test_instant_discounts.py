"""Instant discounts: one subsidy a payment, limits as of claims, units that come back once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from backend.clock import CHINA
from backend.extensions import redis_handle
from backend.services import (
    campaigns,
    cancellations,
    instant_campaigns,
    instant_discounts,
    instant_returns,
    quota_rebuilds,
    redemptions,
    vouchers,
)
from backend.storage.models.orders import Order
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, drain, new_request, rows
from tests.integration.services.instant_city import (
    FUEL,
    ICE,
    STATION,
    all_agree,
    attempt,
    buy,
    buyer,
    left,
    pending,
    quoted,
    run_instant,
    statuses,
)


def test_the_largest_tier_that_the_amount_reaches_is_taken_and_used_at_once(city: City) -> None:
    run_instant()
    person, clerk = buyer(city), city.clerk()
    for amount_fen, saved_fen in ((19_999, 0), (20_000, 4_000), (50_000, 10_000), (99_999, 10_000)):
        assert quoted(city, person, amount_fen).discount_fen == saved_fen
    order = buy(city, person, 100_000)
    assert (order.discount_fen, order.payable_fen) == (20_000, 80_000)
    assert left() == {1: 600, 2: 280, 3: 139}
    assert vouchers.wallet(person.id).vouchers == ()
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert statuses() == ["used"]
    assert drain() == 1  # the stream brings the same unit: nothing is written twice
    assert all_agree()


def test_a_phone_and_a_till_are_told_which_kind_applies_and_why_not_the_others(city: City) -> None:
    run_instant()
    person = buyer(city)
    city.claim(person, tier=3)  # 满300减90
    body = {"placard": city.placard[SUPERMARKET], "order_amount_fen": 60_000}
    answer = city.post("/api/v1/resident/quotes", person, **body).get_json()
    assert answer["discount_fen"] == 10_000
    assert (answer["voucher"]["kind"], answer["voucher"]["voucher_id"]) == ("instant", None)
    reasons = {(r["kind"], r["face_value_fen"]): r for r in answer["reasons"]}
    assert reasons["voucher", 9_000]["code"] == "smaller"
    assert reasons["instant", 4_000]["code"] == "smaller"
    assert reasons["instant", 20_000]["sentence"] == "再消费400元即可使用本优惠"
    made = city.post("/api/v1/resident/orders", person, **body, request_id=new_request())
    assert (made.status_code, made.get_json()["kind"]) == (201, "instant")
    assert statuses().count("unused") == 1  # the voucher stays in the wallet


@pytest.mark.parametrize(
    ("amount_fen", "tier", "kind"),
    [
        (60_000, 3, "instant"),  # 100 yuan against 90
        (45_000, 3, "voucher"),  # 40 against 90
        (20_000, 2, "instant"),  # 40 against 30
        (19_999, 2, "voucher"),
    ],
)
def test_an_order_takes_one_subsidy_the_larger_of_voucher_and_instant_discount(
    city: City, amount_fen: int, tier: int, kind: str
) -> None:
    run_instant()
    person = buyer(city)
    city.claim(person, tier=tier)
    order = buy(city, person, amount_fen)
    assert instant_campaigns.is_unit(order.voucher_id) == (kind == "instant")
    assert sum(left().values()) == 1020 - (kind == "instant")
    assert sorted(statuses()) == ["locked"] + ["unused"] * (kind == "instant")
    assert all_agree()


def test_without_a_card_there_is_no_instant_discount_and_the_quote_says_so(city: City) -> None:
    run_instant()
    person = city.resident()
    quote = quoted(city, person, 20_000)
    assert quote.voucher is None
    assert {(r.kind, r.code) for r in quote.reasons} == {("instant", "card_required")}
    assert attempt(city, person, 20_000) == "no_eligible_voucher"
    assert sum(left().values()) == 1020
    city.bind_card(person)
    assert quoted(city, person, 20_000).discount_fen == 4_000


def test_another_trade_area_hour_or_day_has_no_offer(city: City, moment: MovableClock) -> None:
    run_instant(use_from_minute=600, use_until_minute=660, area=None)
    person = buyer(city)
    assert quoted(city, person, 20_000).discount_fen == 4_000  # 10:01
    assert quoted(city, person, 20_000, STATION).reasons == ()  # a filling station
    moment.move(minutes=59)
    assert {r.code for r in quoted(city, person, 20_000).reasons} >= {"outside_hours"}
    moment.set(datetime(2024, 1, 1, 10, 1, tzinfo=CHINA))
    assert quoted(city, person, 20_000).reasons == ()
    moment.set(datetime(2023, 4, 28, 10, 1, tzinfo=CHINA))
    campaigns.pause(ICE, actor="test", reason="试")
    assert quoted(city, person, 20_000).reasons == ()
    assert attempt(city, person, 20_000) == "no_eligible_voucher"


def test_200_people_racing_for_50_units_of_a_day_take_exactly_50(
    city: City, moment: MovableClock
) -> None:
    run_instant(FUEL, opens_at=datetime(2023, 4, 28, tzinfo=CHINA))
    buyers = [buyer(city) for _ in range(200)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda p: attempt(city, p, 20_000, merchant_id=STATION), buyers))
    assert found.count("no_eligible_voucher") == 150
    assert len(rows(Order)) == 50
    assert left(FUEL) == {1: 2950}
    codes = [r.code for r in quoted(city, buyers[0], 20_000, STATION).reasons]
    assert codes == ["exhausted"]
    moment.move(days=1)
    assert instant_returns.give_back() == 0
    assert quoted(city, buyer(city), 20_000, STATION).discount_fen == 2_000
    assert all_agree()


def test_what_is_left_of_a_day_is_carried_over(city: City, moment: MovableClock) -> None:
    run_instant(FUEL, opens_at=datetime(2023, 4, 28, tzinfo=CHINA), daily_release=2)
    clerk = city.clerk(STATION)
    people = [buyer(city) for _ in range(5)]

    def pay(number: int) -> str:
        code = attempt(city, people[number], 20_000, merchant_id=STATION)
        if code != "no_eligible_voucher":
            redemptions.confirm_paid(order_id=code, merchant_id=STATION, clerk_id=clerk.id)
            return "paid"
        return code

    assert pay(0) == "paid"
    moment.move(days=1)
    assert [pay(n) for n in (1, 2, 3, 4)] == ["paid"] * 3 + ["no_eligible_voucher"]
    assert all_agree()


def test_a_person_has_one_a_day_and_again_on_the_next(city: City, moment: MovableClock) -> None:
    run_instant()  # per_person_per_day: 1
    person, clerk = buyer(city), city.clerk()
    order = buy(city, person, 20_000)
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert {r.code for r in quoted(city, person, 20_000).reasons} == {"limit_reached"}
    assert attempt(city, person, 50_000) == "no_eligible_voucher"
    moment.move(hours=13, minutes=59)
    assert buy(city, person, 20_000).discount_fen == 4_000


def test_a_person_pressing_20_times_at_once_takes_three_and_no_more(city: City) -> None:
    run_instant(FUEL, per_person_per_merchant_per_day=9)  # per_person: 3
    person = buyer(city)
    with ThreadPoolExecutor(20) as pool:
        found = list(
            pool.map(lambda _: attempt(city, person, 20_000, merchant_id=STATION), range(20))
        )
    assert found.count("no_eligible_voucher") == 17
    assert left(FUEL) == {1: 2997}
    assert all_agree()


def test_a_persons_day_at_one_merchant_counts_both_kinds(city: City) -> None:
    run_instant(per_person_per_day=None)
    person = buyer(city)
    city.claim(person, tier=1)
    assert buy(city, person, 5_000).discount_fen == 1_000
    assert buy(city, person, 20_000).discount_fen == 4_000
    assert attempt(city, person, 20_000) == "no_eligible_voucher"  # two a day at one merchant
    assert {r.code for r in quoted(city, person, 20_000).reasons} >= {"merchant_day_limit"}
    assert sum(left().values()) == 1019


def test_the_same_request_sent_20_times_at_once_is_one_order_and_one_unit(city: City) -> None:
    run_instant()
    person, request_id = buyer(city), new_request()
    with ThreadPoolExecutor(20) as pool:
        found = list(
            pool.map(lambda _: attempt(city, person, 20_000, request_id=request_id), range(20))
        )
    assert len(set(found)) == 1
    assert statuses() == ["locked"]
    assert sum(left().values()) == 1019
    assert all_agree()


def test_a_request_that_died_before_its_order_takes_the_same_unit_again(city: City) -> None:
    run_instant()
    person, request_id = buyer(city), new_request()
    request = (f"resident:{person.id}", request_id)
    best = instant_discounts.to_buyer(resident_id=person.id, merchant_id=SUPERMARKET).facts[0]
    taken = instant_discounts._take(best, person.id, request)  # the process died here
    assert not isinstance(taken, str)
    assert taken is not None
    order = buy(city, person, 20_000, request_id=request_id)
    assert order.voucher_id == taken.id
    assert sum(left().values()) == 1019


def test_a_sold_out_tier_gives_way_to_the_next_best(city: City) -> None:
    run_instant(per_person_per_day=None, per_person_per_merchant_per_day=9)
    redis_handle.client.hset(keys.quota(ICE), "left:3", 0)
    person = buyer(city)
    order = buy(city, person, 100_000)
    assert order.discount_fen == 10_000
    quote = quoted(city, person, 100_000)
    assert ("exhausted", 20_000) in {(r.code, r.face_value_fen) for r in quote.reasons}


def test_where_all_tiers_are_sold_out_a_voucher_pays(city: City) -> None:
    run_instant()
    person = buyer(city)
    city.claim(person, tier=2)  # 满100减30
    redis_handle.client.hset(keys.quota(ICE), mapping={"left:1": 0, "left:2": 0, "left:3": 0})
    order = buy(city, person, 100_000)
    assert order.discount_fen == 3_000
    assert not instant_campaigns.is_unit(order.voucher_id)


def test_with_a_lost_quota_vouchers_pay_and_the_quote_says_why_nothing_else_does(
    city: City,
) -> None:
    run_instant()
    person = buyer(city)
    city.claim(person, tier=2)
    drain()
    redis_handle.client.delete(keys.quota(ICE))
    quote = quoted(city, person, 100_000)
    assert quote.discount_fen == 3_000
    assert {r.code for r in quote.reasons if r.kind == "instant"} == {"unavailable"}
    assert buy(city, person, 100_000).discount_fen == 3_000


def test_a_refused_order_gives_its_unit_back(city: City) -> None:
    run_instant()
    person = buyer(city)
    clerk = city.clerk(phone=person.phone)
    code = city.post("/api/v1/resident/payment-codes", person).get_json()["code"]
    answer = city.post(
        "/api/v1/merchant/orders",
        clerk,
        payment_code=code,
        order_amount_fen=20_000,
        request_id=new_request(),
    )
    assert answer.get_json()["error"]["code"] == "own_shop"
    assert statuses() == ["returned"]
    assert sum(left().values()) == 1020
    assert all_agree()
    assert buy(city, person, 20_000).discount_fen == 4_000  # also the day's limit is back


def test_a_payment_code_takes_an_instant_discount_too(city: City) -> None:
    run_instant()
    person, clerk = buyer(city), city.clerk(RESTAURANT)
    code = city.post("/api/v1/resident/payment-codes", person).get_json()["code"]
    answer = city.post(
        "/api/v1/merchant/orders",
        clerk,
        payment_code=code,
        order_amount_fen=20_000,
        request_id=new_request(),
    ).get_json()
    assert (answer["kind"], answer["discount_fen"]) == ("instant", 4_000)
    path = f"/api/v1/merchant/orders/{answer['order_id']}/confirm"
    assert city.post(path, clerk).get_json()["status"] == "redeemed"
    assert all_agree()


def test_a_rebuild_counts_what_is_held_and_not_what_went_back(
    city: City, moment: MovableClock
) -> None:
    run_instant()
    paid, gone = buyer(city), buyer(city)
    clerk = city.clerk()
    order = buy(city, paid, 20_000)
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    cancelled = buy(city, gone, 20_000)
    cancellations.cancel_by_resident(order_id=cancelled.id, resident_id=gone.id)
    assert pending() == 1  # Valkey has not given it back yet, and is lost now
    redis_handle.client.delete(keys.quota(ICE), keys.claims(ICE))
    assert quota_rebuilds.rebuild_lost() == 1
    assert left() == {1: 599, 2: 280, 3: 140}
    assert instant_returns.give_back() == 1
    assert left() == {1: 599, 2: 280, 3: 140}  # it was counted by the rebuild
    assert all_agree()
    assert attempt(city, paid, 20_000) == "no_eligible_voucher"  # his day is used up, also now
    assert buy(city, gone, 20_000).discount_fen == 4_000
    moment.move(days=1)
    again = buy(city, paid, 50_000)  # not answered with the unit of the day before
    assert again.discount_fen == 10_000
    assert len({row.voucher_id for row in rows(Order)}) == 4
    assert len(rows(Voucher)) == 4
