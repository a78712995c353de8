"""Subsidies are found by what is known of them, and told apart by where their money is."""

import pytest

from backend.services import subsidies, subsidy_accounts, subsidy_lists, subsidy_payouts
from backend.services.subsidies import Account
from backend.storage.models.subsidies import Subsidy
from tests.factories import City, MovableClock, Person, new_request
from tests.subsidising import application, car, drafted, granted, sent_back, submitted

STATES = ("payable", "sent", "paid", "returned", "correcting")


@pytest.fixture
def person(city: City) -> Person:
    car(city)
    return city.resident()


def found_under(made: Subsidy) -> set[str]:
    return {
        state
        for state in STATES
        if made.id in [line.subsidy.id for line in subsidy_lists.find(state=state).each()]
    }


def answer(made: Subsidy, number: str, *, paid: bool) -> None:
    subsidy_payouts.answer(number=number, subsidy_id=made.id, paid=paid, proof="S1", actor="财政乙")


def test_a_granted_subsidy_is_found_by_where_its_money_is(
    person: Person, moment: MovableClock
) -> None:
    made = granted(person)
    assert (found_under(made), subsidy_lists.count_payable()) == ({"payable"}, 1)
    subsidy_payouts.create(number="P1", actor="财政甲")
    assert (found_under(made), subsidy_lists.count_payable()) == ({"sent"}, 0)
    answer(made, "P1", paid=False)
    assert found_under(made) == {"returned", "payable"}
    moment.move(seconds=1)
    subsidy_payouts.create(number="P2", actor="财政甲")
    assert found_under(made) == {"sent"}
    answer(made, "P2", paid=True)
    assert found_under(made) == {"paid"}
    [line] = subsidy_lists.find().each()
    assert (line.payment, line.is_correcting) == ("paid", False)
    second, first = subsidy_lists.payouts().each()
    assert (first.sent, first.paid, first.returned) == (0, 0, 1)
    assert (second.sent, second.paid, second.returned) == (0, 1, 0)


def test_what_waits_for_another_account_is_not_payable(person: Person) -> None:
    made = sent_back(person)
    subsidy_accounts.correct(
        subsidy_id=made.id,
        resident_id=person.id,
        request_id=new_request(),
        account=Account(holder="张三", bank="示例银行", number="6222020099990001"),
    )
    assert (found_under(made), subsidy_lists.count_payable()) == ({"returned", "correcting"}, 0)


def test_nothing_is_doubtful_of_what_shares_nothing(city: City, person: Person) -> None:
    drafted(city.resident())  # the same papers, but never handed in
    made = submitted(person)
    assert subsidy_lists.doubts(made) == []


def test_each_kind_of_doubt_names_the_other_application(city: City, person: Person) -> None:
    first, kinds = submitted(person), {}
    for shared, changes in {
        "account": {"account": application(1).account},
        "file": {},
    }.items():
        other = submitted(city.resident(), 2 + len(kinds), **changes)
        kinds[shared] = {(d.shared, d.other.id) for d in subsidy_lists.doubts(other)}
    assert ("account", first.id) in kinds["account"]
    assert ("file", first.id) in kinds["file"]
    assert ("account", first.id) not in kinds["file"]


def test_ones_own_account_again_is_no_doubt_and_the_same_vehicle_is(person: Person) -> None:
    first = submitted(person)
    subsidies.withdraw(subsidy_id=first.id, resident_id=person.id)
    again = submitted(person, 2, vin=application(1).vin, account=application(1).account)
    shared = {doubt.shared for doubt in subsidy_lists.doubts(again)}
    assert shared == {"vin", "file"}
