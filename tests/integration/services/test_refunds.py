"""Refunds: split to the fen, once under their number, never above what was paid."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import InvalidRequest, NotFound
from backend.domain.refunds import (
    RefundAboveOrder,
    RefundNotPossible,
    RefundNumberReused,
    RefundTooLate,
    RefundTooManyParts,
)
from backend.domain.refusals import OwnShop
from backend.services import redemptions, refunds, settlements, vouchers
from backend.storage.models.audit import AuditEntry
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.refunds import Payback, Refund
from backend.storage.models.settlements import SettlementLine
from backend.storage.sql import transaction
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, new_request, rows
from tests.integration.services.instant_city import (
    buyer as card_holder,
)
from tests.integration.services.instant_city import (
    run_instant,
    statuses,
)
from tests.integration.services.paying import at_placard, buyer, voucher_of
from tests.integration.services.refunding import (
    DISCOUNT_FEN,
    ORDER_FEN,
    attempt,
    books_agree,
    goods,
    moved,
    order_now,
    parts,
    policy,
    redeemed_at_till,
    refund,
    refund_by_staff,
    voucher_now,
)
from tests.settling import approved, sheet_of_today


def test_goods_that_come_back_in_parts_give_both_sides_exactly_what_they_paid(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    made = [refund(order_id, clerk, fen) for fen in (333, 10_001, 1, ORDER_FEN - 10_335)]
    # 333 × 23000 ÷ 32000 = 239.34…, 10001 × … = 7188.2…, 1 × … = 0.7…; the last takes the rest
    assert [parts(one) for one in made[:3]] == [(239, 94), (7_188, 2_813), (1, 0)]
    assert [sum(side) for side in zip(*map(parts, made), strict=True)] == [23_000, DISCOUNT_FEN]
    order = order_now(order_id)
    assert (order.status, order.refund_count, order.refunded_fen) == ("refunded", 4, ORDER_FEN)
    assert sum(fen for _, fen in moved("refund")) == DISCOUNT_FEN
    assert voucher_of_order(order_id) == "used"
    assert rows(Payback) == []  # the shop hands it back itself
    assert books_agree()


def voucher_of_order(order_id: str) -> str:
    return voucher_now(order_id).status


def test_the_same_number_is_the_same_refund_and_other_contents_are_refused(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    other_id, _ = redeemed_at_till(city)
    number = new_request()
    with ThreadPoolExecutor(12) as pool:
        made = set(pool.map(lambda _: attempt(city, order_id, clerk, 10_000, number), range(12)))
    assert len(made) == len(rows(Refund)) == 1
    for order, fen in ((order_id, 10_001), (other_id, 10_000)):
        with pytest.raises(RefundNumberReused):
            refund(order, clerk, fen, number)
    colleague = city.clerk()
    assert refund(order_id, colleague, 10_000, number).refund.made_by == f"clerk:{clerk.id}"
    assert order_now(order_id).refunded_fen == 10_000
    assert books_agree()


def test_one_number_sent_for_two_orders_at_once_refunds_one_of_them(city: City) -> None:
    orders = [redeemed_at_till(city) for _ in range(6)]
    number = new_request()
    with ThreadPoolExecutor(6) as pool:
        said = pool.map(lambda made: attempt(city, *made, 5_000, number), orders)
        outcomes = Counter(code for code in said if code == "refund_number_reused")
    assert outcomes["refund_number_reused"] == 5
    assert len(rows(Refund)) == 1
    assert books_agree()


def test_20_refunds_of_60_percent_at_once_end_in_exactly_one(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: attempt(city, order_id, clerk, 19_200), range(20)))
    assert said.count("refund_above_order") == 19
    assert order_now(order_id).refunded_fen == 19_200
    assert books_agree()


def test_no_more_is_refunded_than_was_paid_and_the_rest_is_told(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    refund(order_id, clerk, 12_000)
    with pytest.raises(RefundAboveOrder) as refused:
        refund(order_id, clerk, 20_001)
    assert refused.value.details == {"left_fen": 20_000}
    refund(order_id, clerk, 20_000)
    with pytest.raises(RefundAboveOrder):
        refund(order_id, clerk, 1)
    assert books_agree()


def test_the_51st_part_is_refused(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    for _ in range(50):
        refund(order_id, clerk, 1)
    with pytest.raises(RefundTooManyParts):
        refund(order_id, clerk, 1)
    assert [row.part for row in sorted(rows(Refund), key=lambda r: r.part)] == list(range(1, 51))
    assert books_agree()


def test_a_refund_comes_within_365_days_and_not_later(city: City, moment: MovableClock) -> None:
    order_id, clerk = redeemed_at_till(city)
    moment.move(days=365)
    refund(order_id, clerk, 100)
    moment.move(seconds=1)
    with pytest.raises(RefundTooLate):
        refund(order_id, clerk, 100)


def test_what_was_never_redeemed_is_not_refunded(city: City) -> None:
    order = at_placard(city, buyer(city))
    with pytest.raises(NotFound):
        refund(order.id, city.clerk(), 100)
    with pytest.raises(RefundNotPossible):
        refund_by_staff(order.id, 100)
    with pytest.raises(NotFound):
        refund_by_staff("0" * 32, 100)
    with pytest.raises(InvalidRequest):
        refund_by_staff(order.id, 100, "7")


def test_a_clerk_refunds_neither_another_shops_sale_nor_his_own_purchase(city: City) -> None:
    person = buyer(city)
    order_id, _ = redeemed_at_till(city, person)
    own = city.clerk(phone=person.phone)
    with pytest.raises(OwnShop):
        refund(order_id, own, 100)
    with pytest.raises(NotFound):
        refunds.refund_at_merchant(
            redemption_id=order_id,
            merchant_id=RESTAURANT,
            clerk_id=city.clerk(RESTAURANT).id,
            goods=goods(100),
        )
    assert rows(Refund) == []


def test_staff_refund_in_a_merchants_place_and_it_is_written_down(city: City) -> None:
    order_id, _ = redeemed_at_till(city)
    made = refund_by_staff(order_id, 3_200)
    assert parts(made) == (2_300, 900)
    (entry,) = [row for row in rows(AuditEntry) if row.action == "refund.make"]
    assert (entry.actor, entry.subject) == ("王主任", made.refund.id)


@pytest.mark.parametrize(
    ("name", "days", "amounts", "voucher"),
    [
        ("voucher_stays_used", 0, (ORDER_FEN,), "used"),
        ("restore_within_validity", 0, (ORDER_FEN,), "unused"),
        ("restore_within_validity", 0, (1, ORDER_FEN - 1), "used"),
        ("restore_within_validity", 0, (ORDER_FEN - 1,), "used"),
        ("restore_within_validity", 60, (ORDER_FEN,), "used"),
    ],
)
def test_a_voucher_comes_back_only_whole_in_its_validity_and_where_the_campaign_says_so(
    city: City, moment: MovableClock, name: str, days: int, amounts: tuple[int, ...], voucher: str
) -> None:
    policy(name)
    person = buyer(city)
    order_id, clerk = redeemed_at_till(city, person)
    moment.move(days=days)
    for fen in amounts:
        refund(order_id, clerk, fen)
    assert voucher_of(person) == [voucher]
    back = [("reversal", DISCOUNT_FEN)] if voucher == "unused" else []
    assert moved("reversal") == back
    assert (sum(fen for _, fen in moved("refund")) > 0) == (voucher == "used")
    assert voucher_now(order_id).restored_count == (voucher == "unused")
    assert books_agree()


def test_a_voucher_is_restored_up_to_the_last_moment_of_its_validity(
    city: City, moment: MovableClock
) -> None:
    policy("restore_within_validity")
    (first, clerk), (second, _) = redeemed_at_till(city), redeemed_at_till(city)
    end = voucher_now(first).valid_until
    moment.set(end - timedelta(microseconds=1))
    assert refund(first, clerk, ORDER_FEN).refund.restored
    moment.set(end)
    assert not refund(second, clerk, ORDER_FEN).refund.restored
    assert vouchers.expire_due() == 1
    assert books_agree()


def test_what_the_order_left_unused_of_the_face_is_locked_again_with_the_voucher(
    city: City,
) -> None:
    policy("restore_within_validity")
    person = buyer(city)
    order = at_placard(city, person, yuan=300)
    clerk = city.clerk()
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    refund(order.id, clerk, 30_000)
    assert moved("reversal", "restoration") == [("reversal", DISCOUNT_FEN)]
    assert books_agree()


def test_a_restored_voucher_is_used_again_as_its_second_use(city: City) -> None:
    policy("restore_within_validity")
    person = buyer(city)
    order_id, clerk = redeemed_at_till(city, person)
    refund(order_id, clerk, ORDER_FEN)
    again_id, _ = redeemed_at_till(city, person)
    uses = {row.id: row.use_number for row in rows(Redemption)}
    assert uses == {order_id: 1, again_id: 2}
    refund(again_id, clerk, 16_000)
    assert voucher_of(person) == ["used"]
    assert books_agree()


def test_20_whole_refunds_at_once_restore_the_voucher_once(city: City) -> None:
    policy("restore_within_validity")
    person = buyer(city)
    order_id, clerk = redeemed_at_till(city, person)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: attempt(city, order_id, clerk, ORDER_FEN), range(20)))
    assert said.count("refund_above_order") == 19
    assert voucher_now(order_id).restored_count == 1
    assert books_agree()


def test_a_confirmation_repeated_after_the_refund_is_the_same_redemption(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    refund(order_id, clerk, ORDER_FEN)
    again = redemptions.confirm_paid(order_id=order_id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert again.status == "refunded"
    assert len(rows(Redemption)) == 1


def test_an_instant_discounts_money_returns_to_its_campaign_and_its_unit_stays_used(
    city: City,
) -> None:
    run_instant(on_full_refund="restore_within_validity")
    order = at_placard(city, card_holder(city), yuan=200)
    clerk = city.clerk()
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    refund(order.id, clerk, 20_000)
    assert (statuses(), moved("refund")) == (["used"], [("refund", 4_000)])
    assert books_agree()


def lines(sheet_id: str) -> dict[str, int]:
    return {
        row.source_kind: row.amount_fen for row in rows(SettlementLine) if row.sheet_id == sheet_id
    }


def test_a_refund_before_settlement_stands_in_the_same_sheet(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    refund(order_id, clerk, 16_000)
    sheet = sheet_of_today()
    assert sheet is not None
    assert (sheet.amount_fen, lines(sheet.id)) == (4_500, {"redemption": 9_000, "refund": -4_500})
    assert books_agree()


def test_a_refund_after_settlement_is_a_negative_line_of_the_next_sheet(
    city: City, moment: MovableClock
) -> None:
    order_id, clerk = redeemed_at_till(city)
    first = sheet_of_today()
    assert first is not None
    approved(first)
    refund(order_id, clerk, 16_000)
    assert sheet_of_today() is None  # less than nothing is carried forward
    redeemed_at_till(city)
    second = sheet_of_today()
    assert second is not None
    assert lines(second.id) == {"redemption": 9_000, "refund": -4_500}
    assert settlements.sheet_of(first.id).amount_fen == 9_000
    assert books_agree()


def test_a_refund_of_which_the_city_paid_nothing_has_no_line_and_moves_nothing(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    assert parts(refund(order_id, clerk, 1)) == (1, 0)
    sheet = sheet_of_today()
    assert sheet is not None
    assert lines(sheet.id) == {"redemption": 9_000}
    assert moved("refund") == []
    assert books_agree()


def test_the_schema_itself_refuses_more_than_was_paid(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    refund(order_id, clerk, 100)
    for values in (
        {"refunded_fen": ORDER_FEN + 1, "customer_refunded_fen": 23_000},
        {"refunded_fen": ORDER_FEN},  # whole, and not said so
        {"refunded_fen": 100, "customer_refunded_fen": 101},
        {"refunded_fen": 24_000, "customer_refunded_fen": 23_001},
        {"refund_count": 51},
        {"status": "reversed"},
        {"status": "refunded"},
    ):
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(update(Order).where(Order.id == order_id).values(**values))
    assert order_now(order_id).refunded_fen == 100
