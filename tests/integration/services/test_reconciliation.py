"""Comparing: each result, both sides' sums, again with the same outcome, and what closes itself."""

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.reconciliation import OutsideFileNotInForce
from backend.services import ledger, orders, reconciliation, redemptions
from backend.services.orders import Amounts
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment
from backend.storage.models.reconciliation import (
    OutsideFile,
    ReconciliationEvent,
    ReconciliationItem,
    ReconciliationSum,
)
from backend.storage.sql import transaction
from tests.bank_details import BANK, DAY, MERCHANT_NUMBER, back, detail, line, take_detail
from tests.factories import SUPERMARKET, City, MovableClock, new_request, rows


@pytest.fixture
def bank_city(city: City) -> City:
    """The shop has the merchant number that the bank's lines name."""
    with transaction() as session:
        session.execute(
            update(Merchant)
            .where(Merchant.id == SUPERMARKET)
            .values(merchant_number=MERCHANT_NUMBER)
        )
    return city


def redeemed(city: City, *, tier: int = 2, order_fen: int = 10_000) -> Order:
    """Return an order of 100 yuan with 30 taken off, paid at the till."""
    resident, clerk = city.resident(), city.clerk()
    city.claim(resident, tier=tier)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=order_fen),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    return order


def at_the_banks_till(order: Order, *, bank: str = BANK, status: str = "redeemed") -> str:
    """Make an order one that the bank's till sent under its own number; return that."""
    number = f"till-{order.id[:12]}"
    with transaction() as session:
        session.execute(
            update(Order)
            .where(Order.id == order.id)
            .values(
                entry="bank_till", requested_by=f"bank:{bank}", request_id=number, status=status
            )
        )
    return number


def collected_by(order: Order, provider: str) -> None:
    with transaction() as session:
        session.execute(
            update(Payment).where(Payment.order_id == order.id).values(provider=provider)
        )


def moment_of(day: date, **after: float) -> datetime:
    return clock.day_bounds(day)[0] + timedelta(**after)


def compare(*lines: dict[str, Any], **changed: Any) -> dict[str, tuple[int, int, int]]:
    """Take a file and compare it; return (count, our fen, their fen) by result."""
    return results(reconciliation.run(take_detail(detail(lines), **changed).file.id))


def results(sums: list[ReconciliationSum]) -> dict[str, tuple[int, int, int]]:
    return {s.result: (s.count, s.our_fen, s.their_fen) for s in sums}


def items() -> list[tuple[str, str, str, str]]:
    return sorted((i.our_number, i.result, i.differs, i.state) for i in rows(ReconciliationItem))


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


def test_a_corrected_file_closes_what_it_makes_match_and_keeps_the_history(
    bank_city: City, moment: MovableClock
) -> None:
    order = redeemed(bank_city)
    moment.move(days=1)
    wrong = line(order.id, 订单金额="101.00", 实付金额="71.00")
    compare(wrong, line("nobody-knows-1"), line("nobody-knows-2"))
    first = rows(OutsideFile)[0].id
    found = compare(line(order.id), line("nobody-knows-2"), replaces=first, reason="银行更正")
    assert found == {"matched": (1, 10_000, 10_000), "only_theirs": (1, 0, 10_000)}
    assert items() == sorted(
        [
            (order.id, "amount_differs", "amount", "closed"),
            ("nobody-knows-1", "only_theirs", "", "closed"),
            ("nobody-knows-2", "only_theirs", "", "open"),
        ]
    )
    steps = [(e.state, e.actor) for e in rows(ReconciliationEvent)]
    assert steps.count(("open", "reconciliation")) == 3
    assert steps.count(("closed", "reconciliation")) == 2
    with pytest.raises(OutsideFileNotInForce):
        reconciliation.run(first)


def test_a_difference_that_comes_back_is_opened_again(
    bank_city: City, moment: MovableClock
) -> None:
    moment.move(days=1)
    compare(line("nobody-knows-1"))
    second = take_detail(detail([]), replaces=rows(OutsideFile)[0].id, reason="银行更正").file
    reconciliation.run(second.id)
    assert items() == [("nobody-knows-1", "only_theirs", "", "closed")]
    again = detail([line("nobody-knows-1"), line("nobody-knows-2")])
    third = take_detail(again, replaces=second.id, reason="银行再次更正").file
    reconciliation.run(third.id)
    assert items() == [
        ("nobody-knows-1", "only_theirs", "", "open"),
        ("nobody-knows-2", "only_theirs", "", "open"),
    ]
    assert {item.file_id for item in rows(ReconciliationItem)} == {third.id}


def test_a_payment_around_midnight_agrees_with_either_days_file(
    bank_city: City, moment: MovableClock
) -> None:
    """We hear of it after the bank: 23:59:59 there may be the next day here."""
    moment.set(moment_of(DAY, hours=24, seconds=2))
    till = at_the_banks_till(redeemed(bank_city))
    moment.move(days=1)
    assert compare(line(till)) == {"matched": (1, 10_000, 10_000)}
    next_day = DAY + timedelta(days=1)
    assert compare(name="BANK01_20230429.csv", day=next_day) == {}


def test_a_payment_two_days_from_its_files_day_differs(
    bank_city: City, moment: MovableClock
) -> None:
    moment.set(moment_of(DAY, hours=48))
    order = redeemed(bank_city)
    moment.move(days=1)
    assert list(compare(line(order.id))) == ["detail_differs"]
    assert items() == [(order.id, "detail_differs", "day", "open")]


def test_what_the_next_days_file_names_closes_by_itself(
    bank_city: City, moment: MovableClock
) -> None:
    till = at_the_banks_till(redeemed(bank_city))
    moment.move(days=2)
    assert list(compare()) == ["only_ours"]
    later = line(till, 交易日期时间="2023-04-29 00:00:01")
    day = DAY + timedelta(days=1)
    assert compare(later, name="BANK01_20230429.csv", day=day)["matched"][0] == 1
    assert items() == [(till, "only_ours", "", "closed")]


def test_a_payment_in_two_days_files_is_theirs_alone_the_second_time(
    bank_city: City, moment: MovableClock
) -> None:
    order = redeemed(bank_city)
    moment.move(days=2)
    assert list(compare(line(order.id))) == ["matched"]
    again = line(order.id, 交易日期时间="2023-04-29 10:00:00")
    day = DAY + timedelta(days=1)
    assert list(compare(again, name="BANK01_20230429.csv", day=day)) == ["only_theirs"]
    assert items() == [(order.id, "only_theirs", "repeated", "open")]
    reconciliation.run(rows(OutsideFile)[0].id)
    assert items() == [(order.id, "only_theirs", "repeated", "open")]


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
