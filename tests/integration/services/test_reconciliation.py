"""Comparing: each result, both sides' sums, again with the same outcome, and what closes itself."""

import threading

import pytest
from sqlalchemy import update

from backend.domain.errors import NotFound
from backend.services import ledger, reconciliation
from backend.storage.models.orders import Order
from backend.storage.models.reconciliation import (
    OutsideFile,
    ReconciliationEvent,
    ReconciliationItem,
    ReconciliationSum,
)
from backend.storage.sql import transaction
from tests.bank_details import BANK, back, detail, line, take_detail
from tests.factories import City, MovableClock, rows
from tests.integration.services.reconciling import (
    at_the_banks_till,
    compare,
    items,
    name_the_shop,
    redeemed,
    results,
)


@pytest.fixture
def bank_city(city: City) -> City:
    """The shop has the merchant number that the bank's lines name."""
    name_the_shop()
    return city


def test_each_result_is_found_with_both_sides_sums(bank_city: City, moment: MovableClock) -> None:
    named = redeemed(bank_city)
    wrong, elsewhere = redeemed(bank_city), redeemed(bank_city)
    ours_alone = at_the_banks_till(redeemed(bank_city))
    redeemed(bank_city)  # at the till and unnamed: nobody outside has a record of it
    till = at_the_banks_till(redeemed(bank_city))
    moment.move(days=1)
    found = compare(
        line(named.id),
        line(till),
        line(wrong.id, 订单金额="101.00", 实付金额="71.00"),
        line(elsewhere.id, 商户号="898261054110002"),
        line("nobody-knows-1", 订单金额="55.00", 实付金额="25.00"),
    )
    assert found == {
        "matched": (2, 20_000, 20_000),
        "amount_differs": (1, 10_000, 10_100),
        "detail_differs": (1, 10_000, 10_000),
        "only_ours": (1, 10_000, 0),
        "only_theirs": (1, 0, 5_500),
    }
    assert items() == sorted(
        [
            (wrong.id, "amount_differs", "amount", "open"),
            (elsewhere.id, "detail_differs", "merchant", "open"),
            (ours_alone, "only_ours", "", "open"),
            ("nobody-knows-1", "only_theirs", "", "open"),
        ]
    )
    assert ledger.check().differences == ()


def test_a_discount_that_differs_is_money_and_a_campaign_is_not(
    bank_city: City, moment: MovableClock
) -> None:
    discount, campaign = redeemed(bank_city), redeemed(bank_city)
    moment.move(days=1)
    compare(
        line(discount.id, 优惠金额="20.00", 实付金额="80.00"),
        line(campaign.id, 活动编号="Q3-NIGHT"),
    )
    assert items() == sorted(
        [
            (discount.id, "amount_differs", "discount", "open"),
            (campaign.id, "detail_differs", "campaign", "open"),
        ]
    )


def test_another_banks_till_orders_are_not_missed_in_this_banks_file(
    bank_city: City, moment: MovableClock
) -> None:
    at_the_banks_till(redeemed(bank_city), bank="BANK02")
    moment.move(days=1)
    assert compare() == {}


def test_a_till_order_is_found_by_our_number_as_well(bank_city: City, moment: MovableClock) -> None:
    order = redeemed(bank_city)
    at_the_banks_till(order)
    moment.move(days=1)
    assert compare(line(order.id)) == {"matched": (1, 10_000, 10_000)}


def test_a_reversal_is_compared_with_the_order_it_undoes(
    bank_city: City, moment: MovableClock
) -> None:
    undone = at_the_banks_till(redeemed(bank_city), status="reversed")
    kept = redeemed(bank_city)
    moment.move(days=1)
    found = compare(
        *(line(undone), back(undone, "serial-1"), line(kept.id), back(kept.id, "serial-2"))
    )
    assert found == {"matched": (3, 10_000, 10_000), "only_theirs": (1, 0, -10_000)}
    assert items() == [(kept.id, "only_theirs", "", "open")]


def test_comparing_again_changes_nothing(bank_city: City, moment: MovableClock) -> None:
    order = redeemed(bank_city)
    moment.move(days=1)
    first = compare(line(order.id), line("nobody-knows-1"))
    file_id = rows(OutsideFile)[0].id
    before = (items(), len(rows(ReconciliationEvent)))
    for _ in range(2):
        assert results(reconciliation.run(file_id)) == first
    assert (items(), len(rows(ReconciliationEvent))) == before
    assert results(rows(ReconciliationSum)) == first


def test_comparing_at_once_lists_each_difference_once(
    bank_city: City, moment: MovableClock
) -> None:
    moment.move(days=1)
    file_id = take_detail(detail([line(f"nobody-{n:04d}") for n in range(50)])).file.id
    failed = []

    def run() -> None:
        with bank_city.app.app_context():
            try:
                reconciliation.run(file_id)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(rows(ReconciliationItem)) == len(rows(ReconciliationEvent)) == 50


def test_what_we_learn_of_later_is_followed_by_the_job(
    bank_city: City, moment: MovableClock
) -> None:
    moment.move(days=1)
    assert list(compare(line("till-of-later"))) == ["only_theirs"]
    assert reconciliation.run_due() == 0
    moment.move(days=-1)
    order = redeemed(bank_city)
    with transaction() as session:
        session.execute(
            update(Order)
            .where(Order.id == order.id)
            .values(entry="bank_till", requested_by=f"bank:{BANK}", request_id="till-of-later")
        )
    moment.move(days=1, hours=1)
    assert reconciliation.run_due() == 1
    assert items() == [("till-of-later", "only_theirs", "", "closed")]
    assert reconciliation.run_due() == 0


def test_a_file_that_was_taken_and_never_compared_is_compared_by_the_job(
    bank_city: City, moment: MovableClock
) -> None:
    moment.move(days=1)
    take_detail(detail([line("nobody-knows-1")]))
    assert reconciliation.run_due() == 1
    assert items() == [("nobody-knows-1", "only_theirs", "", "open")]


def test_an_absent_file_is_not_found(city: City) -> None:
    for act in (reconciliation.run, reconciliation.get_file):
        with pytest.raises(NotFound):
            act(99)
