"""Files again: corrected, of the next day, and the same act in two places of them."""

from datetime import timedelta

import pytest

from backend.domain.reconciliation import OutsideFileNotInForce
from backend.services import reconciliation, reconciliation_items, reconciliation_sheets
from backend.storage.models.reconciliation import (
    OutsideFile,
    ReconciliationEvent,
    ReconciliationItem,
)
from tests.bank_details import BANK, DAY, back, detail, line, take_detail
from tests.factories import City, MovableClock, rows
from tests.integration.services.reconciling import (
    at_the_banks_till,
    compare,
    items,
    moment_of,
    name_the_shop,
    redeemed,
)
from tests.integration.services.test_reconciliation_sheets import read


@pytest.fixture
def bank_city(city: City) -> City:
    """The shop has the merchant number that the bank's lines name."""
    name_the_shop()
    return city


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


def test_a_till_order_named_by_both_its_numbers_is_theirs_alone_the_second_time(
    bank_city: City, moment: MovableClock
) -> None:
    """Or the bank would be paid twice for one discount."""
    order = redeemed(bank_city)
    till = at_the_banks_till(order, status="reversed")
    moment.move(days=2)
    found = compare(line(order.id), line(till), back(till, "serial-1"), back(order.id, "serial-2"))
    assert found == {"matched": (2, 0, 0), "only_theirs": (2, 0, 0)}
    assert items() == sorted([(n, "only_theirs", "repeated", "open") for n in (till, order.id)])


def test_what_an_earlier_day_named_by_the_other_number_is_theirs_alone(
    bank_city: City, moment: MovableClock
) -> None:
    order = redeemed(bank_city)
    till = at_the_banks_till(order)
    moment.move(days=2)
    assert compare(line(order.id)) == {"matched": (1, 10_000, 10_000)}
    again, day = line(till, 交易日期时间="2023-04-29 10:00:00"), DAY + timedelta(days=1)
    found = compare(again, name=f"{BANK}_20230429.csv", day=day)
    assert found == {"only_theirs": (1, 0, 10_000)}


def test_what_is_ours_counts_in_one_days_sums_though_two_files_name_it(
    bank_city: City, moment: MovableClock
) -> None:
    order = redeemed(bank_city)
    moment.move(days=2)
    first = compare(line(order.id))
    again, day = line(order.id, 交易日期时间="2023-04-29 10:00:00"), DAY + timedelta(days=1)
    second = compare(again, name=f"{BANK}_20230429.csv", day=day)
    assert (first["matched"][1], second["only_theirs"][1]) == (10_000, 0)


def test_a_difference_that_a_corrected_file_shows_too_is_listed_with_that_file(
    bank_city: City, moment: MovableClock
) -> None:
    settled, open_, missing = redeemed(bank_city), redeemed(bank_city), redeemed(bank_city)
    lacked = at_the_banks_till(missing)
    moment.move(days=1)
    wrong = [line(o.id, 订单金额="101.00", 实付金额="71.00") for o in (settled, open_)]
    compare(*wrong)
    first = rows(OutsideFile)[0].id
    known = {item.our_number: item.id for item in rows(ReconciliationItem)}
    reconciliation_items.explain(known[settled.id], reason="银行多记 1 元", actor="李会计")
    reconciliation_items.resolve(known[settled.id], actor="王会计")
    steps = len(rows(ReconciliationEvent))
    compare(line("nobody-knows-1"), *wrong, replaces=first, reason="银行补一笔")
    second = next(file.id for file in rows(OutsideFile) if file.id != first)
    found = {i.our_number: (i.file_id, i.line, i.state) for i in rows(ReconciliationItem)}
    assert found == {
        "nobody-knows-1": (second, 2, "open"),
        settled.id: (second, 3, "resolved"),
        open_.id: (second, 4, "open"),
        lacked: (second, None, "open"),
    }
    assert len(rows(ReconciliationEvent)) == steps + 1  # nobody is asked again
    told = read(reconciliation_sheets.workbook(second))["差异"]
    assert {row[3] for row in told[1:]} == set(found)


def test_what_a_days_file_lacks_is_not_laid_to_another_days_file(
    bank_city: City, moment: MovableClock
) -> None:
    till = at_the_banks_till(redeemed(bank_city))
    moment.move(days=2)
    compare(line(till, 订单金额="101.00", 实付金额="71.00"))
    first, day = rows(OutsideFile)[0].id, DAY + timedelta(days=1)
    compare(name=f"{BANK}_20230429.csv", day=day)
    second = next(file.id for file in rows(OutsideFile) if file.id != first)
    third = take_detail(detail([]), replaces=first, reason="银行更正").file.id
    reconciliation.run(second)
    (item,) = rows(ReconciliationItem)
    assert (item.result, item.day, item.file_id) == ("only_ours", DAY, first)
    reconciliation.run(third)
    (item,) = rows(ReconciliationItem)
    assert (item.result, item.day, item.file_id) == ("only_ours", DAY, third)
