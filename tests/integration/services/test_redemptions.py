"""The end of an order: redeemed once, cancelled, or released after 300 seconds."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, inspect

from backend import clock
from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.extensions import db
from backend.services import (
    cancellations,
    ledger,
    order_readings,
    orders,
    redemptions,
    releases,
    vouchers,
)
from backend.services.orders import Amounts
from backend.storage.models.ledger import Transfer
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, Person, new_request, rows


@pytest.fixture
def buyer(city: City) -> Person:
    person = city.resident()
    city.claim(person, tier=3)
    return person


@pytest.fixture
def clerk(city: City) -> Person:
    return city.clerk()


@pytest.fixture
def order(city: City, buyer: Person) -> Order:
    return orders.create_at_placard(
        resident_id=buyer.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=32_000),
    )


def confirm(order: Order, clerk: Person) -> Order:
    return redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)


def statuses(person: Person) -> list[str]:
    return [voucher.status for voucher in vouchers.wallet(person.id).vouchers]


def columns(row: Order | Payment) -> dict[str, Any]:
    return {name: getattr(row, name) for name in inspect(type(row)).columns.keys()}


def test_confirming_redeems_once_however_often_it_is_asked(
    city: City, order: Order, clerk: Person, buyer: Person
) -> None:
    def ask(_: int) -> str:
        with city.app.app_context():
            return confirm(order, clerk).status

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(ask, range(12))) == {"redeemed"}
    assert len(rows(Redemption)) == 1
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "redemption"] == [9_000]
    assert statuses(buyer) == ["used"]
    assert ledger.check().differences == ()


def test_the_answer_to_a_confirmation_is_what_the_rows_say(order: Order, clerk: Person) -> None:
    done = confirm(order, clerk)
    told = [columns(done), columns(done.payment)]
    db.session.close()
    [kept] = rows(Order)
    assert told == [columns(kept), columns(kept.payment)]
    assert (kept.status, kept.payment.reference) == ("redeemed", f"clerk:{clerk.id}")


def test_a_redemption_asks_the_database_eight_times(
    city: City, order: Order, clerk: Person
) -> None:
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        confirm(order, clerk)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 8, "\n".join(asked)


def test_a_merchant_suspended_meanwhile_finishes_what_it_began_and_a_disqualified_one_does_not(
    order: Order, clerk: Person, buyer: Person
) -> None:
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).status = "disqualified"
    with pytest.raises(refusals.MerchantNotPublished):
        confirm(order, clerk)
    assert statuses(buyer) == ["locked"]
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).status = "suspended"
    assert confirm(order, clerk).status == "redeemed"


def test_an_unpaid_order_is_released_after_300_seconds_and_not_before(
    order: Order, buyer: Person, moment: MovableClock
) -> None:
    moment.move(seconds=299.999)
    assert releases.release_overdue() == 0
    assert statuses(buyer) == ["locked"]
    moment.move(seconds=0.001)
    assert order_readings.shown_status(order) == "released"  # by the clock, before the job has run
    assert releases.release_overdue() == 1
    assert releases.release_overdue() == 0
    assert statuses(buyer) == ["unused"]


def test_a_confirmation_in_time_redeems_and_one_too_late_is_refused(
    order: Order, clerk: Person, buyer: Person, moment: MovableClock
) -> None:
    moment.move(seconds=300)
    with pytest.raises(refusals.OrderReleased):
        confirm(order, clerk)
    assert rows(Redemption) == []
    moment.move(seconds=-0.001)
    assert confirm(order, clerk).status == "redeemed"


def test_a_lock_taken_in_time_may_finish_after_the_vouchers_end(
    city: City, buyer: Person, clerk: Person, moment: MovableClock
) -> None:
    (voucher,) = vouchers.wallet(buyer.id).vouchers
    moment.set(voucher.valid_until)
    moment.move(seconds=-1)
    order = orders.create_at_placard(
        resident_id=buyer.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=30_000),
    )
    moment.move(seconds=10)
    vouchers.expire_due()
    assert confirm(order, clerk).status == "redeemed"
    assert ledger.check().differences == ()


def test_a_lock_released_after_the_vouchers_end_expires_and_its_money_returns(
    order: Order, buyer: Person, moment: MovableClock
) -> None:
    (voucher,) = vouchers.wallet(buyer.id).vouchers
    moment.set(voucher.valid_until)
    assert releases.release_overdue() == 1
    assert statuses(buyer) == ["expired"]
    assert vouchers.expire_due() == 1
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "expiry"] == [9_000]
    assert ledger.check().differences == ()


def test_a_cancelled_order_gives_the_voucher_back_at_once(
    order: Order, buyer: Person, clerk: Person
) -> None:
    for _ in range(2):
        cancelled = cancellations.cancel_by_resident(order_id=order.id, resident_id=buyer.id)
        assert cancelled.status == "released"
    assert statuses(buyer) == ["unused"]
    with pytest.raises(refusals.OrderReleased):
        confirm(order, clerk)


def test_the_shop_may_cancel_an_unpaid_order_but_not_a_redeemed_one(
    order: Order, buyer: Person, clerk: Person
) -> None:
    confirm(order, clerk)
    with pytest.raises(refusals.OrderRedeemed):
        cancellations.cancel_by_merchant(order_id=order.id, merchant_id=SUPERMARKET)
    assert statuses(buyer) == ["used"]


def test_confirm_and_cancel_racing_end_in_exactly_one_of_the_two(city: City, clerk: Person) -> None:
    for _ in range(10):
        person = city.resident()
        city.claim(person, tier=3)
        order = orders.create_at_placard(
            resident_id=person.id,
            request_id=new_request(),
            placard_code=city.placard[SUPERMARKET],
            amounts=Amounts(order_amount_fen=32_000),
        )

        def act(name: str, order: Order = order, person: Person = person) -> str:
            with city.app.app_context():
                try:
                    if name == "confirm":
                        return confirm(order, clerk).status
                    return cancellations.cancel_by_resident(
                        order_id=order.id, resident_id=person.id
                    ).status
                except HuiquanError as refused:
                    return refused.code

        with ThreadPoolExecutor(2) as pool:
            outcome = Counter(pool.map(act, ("confirm", "cancel")))
        assert outcome in (
            {"redeemed": 1, "order_redeemed": 1},
            {"released": 1, "order_released": 1},
        )
        assert statuses(person) == (["used"] if outcome["redeemed"] else ["unused"])
    assert ledger.check().differences == ()


def test_the_list_of_a_day_has_totals_of_all_pages_and_filters_by_clerk(
    city: City, moment: MovableClock
) -> None:
    first, second = city.clerk(), city.clerk()
    for number in range(5):
        person = city.resident()
        city.claim(person, tier=2)
        order = orders.create_at_placard(
            resident_id=person.id,
            request_id=new_request(),
            placard_code=city.placard[SUPERMARKET],
            amounts=Amounts(order_amount_fen=10_000 + number),
        )
        confirm(order, first if number < 3 else second)
        moment.move(seconds=1)
    page, totals = redemptions.of_day(
        merchant_id=SUPERMARKET, day=clock.today(), clerk_id=None, page=1, page_size=2
    )
    assert [row.order_amount_fen for row in page] == [10_004, 10_003]
    assert (totals.count, totals.order_amount_fen, totals.discount_fen, totals.payable_fen) == (
        5,
        50_010,
        15_000,
        35_010,
    )
    page, _ = redemptions.of_day(
        merchant_id=SUPERMARKET, day=clock.today(), clerk_id=None, page=3, page_size=2
    )
    assert [row.order_amount_fen for row in page] == [10_000]
    _, totals = redemptions.of_day(
        merchant_id=SUPERMARKET, day=clock.today(), clerk_id=second.id, page=1, page_size=20
    )
    assert (totals.count, totals.discount_fen) == (2, 6_000)
    moment.move(days=1)
    page, totals = redemptions.of_day(
        merchant_id=SUPERMARKET, day=clock.today(), clerk_id=None, page=1, page_size=20
    )
    assert (page, totals.count, totals.discount_fen) == ([], 0, 0)


def test_an_overdue_lock_is_free_for_the_residents_next_purchase_before_any_job_runs(
    city: City, order: Order, buyer: Person, moment: MovableClock
) -> None:
    moment.move(seconds=300)
    again = orders.create_at_placard(
        resident_id=buyer.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=32_000),
    )
    assert again.voucher_id == order.voucher_id
