"""Orders and redemptions for staff: found by what they look for, no page repeats or misses."""

from backend import clock
from backend.services import cancellations, order_lists, orders
from backend.services.order_lists import Sought
from backend.services.orders import Amounts
from tests.factories import MAY, SUPERMARKET, City, MovableClock, new_request
from tests.integration.services.refunding import refund
from tests.settling import MALL, redeem


def found(sought: Sought) -> list[str]:
    return [row.redemption.id for row in order_lists.redemptions(sought).each()]


def test_redemptions_come_newest_first_and_turned_around_when_asked(
    city: City, moment: MovableClock
) -> None:
    first = redeem(city)
    moment.move(minutes=1)
    second = redeem(city)
    assert found(Sought()) == [second, first]
    assert found(Sought(oldest_first=True)) == [first, second]
    listing = order_lists.redemptions(Sought())
    assert [listing.page(n, 1)[0].redemption.id for n in (1, 2)] == [second, first]


def test_both_days_are_included_and_end_at_midnight_in_china(
    city: City, moment: MovableClock
) -> None:
    moment.move(hours=13, minutes=58, seconds=59)  # 23:59:59
    day = clock.today()
    last = redeem(city)
    moment.move(seconds=1)
    first = redeem(city)
    assert found(Sought(since=day, through=day)) == [last]
    assert found(Sought(since=clock.today())) == [first]


def test_a_merchant_is_found_by_its_number_or_a_part_of_its_name(city: City) -> None:
    here = redeem(city)
    redeem(city, MALL)
    [row] = order_lists.redemptions(Sought(merchant=SUPERMARKET)).page(1, 9)
    assert row.redemption.id == here
    assert found(Sought(merchant=row.order.merchant.name[1:4])) == [here]
    assert found(Sought(merchant="%")) == []


def test_what_came_back_in_part_has_a_state_of_its_own(city: City) -> None:
    whole, part = redeem(city), redeem(city)
    clerk = city.clerk()
    refund(part, clerk, 100)
    refund(whole, clerk, 32_000)
    assert found(Sought(state="part_refunded")) == [part]
    assert found(Sought(state="refunded")) == [whole]
    assert found(Sought(state="redeemed")) == [part]


def test_orders_that_came_to_nothing_are_in_the_orders_alone(city: City) -> None:
    resident = city.resident()
    city.claim(resident)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=32_000),
    )
    cancellations.cancel_by_resident(order_id=order.id, resident_id=resident.id)
    [row] = order_lists.orders(Sought(state="released", campaign_id="Q2-MAY")).page(1, 9)
    assert row.order.id == order.id
    assert found(Sought()) == []
    assert order_lists.orders(Sought(at_least_fen=32_001)).count(at_most=9) == 0


def test_whatever_the_filter_as_many_are_counted_as_there_are(city: City) -> None:
    redeem(city)
    redeem(city, MALL)
    for sought in (
        Sought(),
        Sought(merchant=SUPERMARKET, campaign_id=MAY, provider="at_till", state="redeemed"),
        Sought(at_least_fen=32_000, at_most_fen=32_000, provider="at_till"),
        Sought(state="refunded"),
        Sought(campaign_id="Q1-NY"),
    ):
        for listing in (order_lists.orders(sought), order_lists.redemptions(sought)):
            assert listing.count(at_most=9) == len(list(listing.each())), sought


def test_an_order_has_its_vouchers_campaign(city: City) -> None:
    redeem(city)
    [row] = order_lists.orders(Sought(campaign_id=MAY)).page(1, 9)
    assert row.order.campaign_id == MAY
    assert list(order_lists.orders(Sought(campaign_id="Q1-NY")).each()) == []
