"""Payout lists: each subsidy once, the same bytes, an answer once and by another person."""

import hashlib
import io

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.subsidies import SubsidyNothingToPay, SubsidyPaymentAnswered
from backend.services import subsidies, subsidy_payouts
from backend.storage.models.subsidies import SubsidyPayoutLine
from tests.factories import City, rows
from tests.integration.services.test_entries import at_once
from tests.subsidising import car, granted


def test_what_is_granted_goes_into_one_list_and_the_same_number_is_the_same_file(
    city: City,
) -> None:
    car(city)
    with pytest.raises(SubsidyNothingToPay):
        subsidy_payouts.create(number="P1", actor="财政甲")
    for number in (1, 2):
        granted(city.resident(), number)
    made = subsidy_payouts.create(number="P1", actor="财政甲")
    assert (made.line_count, made.amount_fen) == (2, 400_000)
    content = subsidy_payouts.content_of("P1")
    assert hashlib.sha256(content).hexdigest() == made.digest
    lines = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert sorted(line[3:] for line in lines[1:3]) == [
        ["张三", "示例银行同江支行", f"622202000000000{n}", 2000.0] for n in (1, 2)
    ]
    assert lines[-1][6] == 4000.0
    granted(city.resident(), 3)
    assert subsidy_payouts.create(number="P1", actor="财政甲").digest == made.digest
    assert subsidy_payouts.create(number="P2", actor="财政甲").line_count == 1


def test_an_answer_is_written_once_by_another_person(city: City) -> None:
    car(city)
    made = granted(city.resident())
    subsidy_payouts.create(number="P1", actor="财政甲")
    asked = {"number": "P1", "subsidy_id": made.id, "paid": True, "proof": "S-1"}
    with pytest.raises(SecondPersonNeeded):
        subsidy_payouts.answer(**asked, actor="财政甲")
    for _ in range(2):
        assert subsidy_payouts.answer(**asked, actor="财政乙").state == "paid"
    with pytest.raises(SubsidyPaymentAnswered):
        subsidy_payouts.answer(**asked | {"paid": False, "proof": "x"}, actor="财政乙")
    with pytest.raises(NotFound):
        subsidy_payouts.answer(**asked | {"number": "P9"}, actor="财政乙")
    assert subsidies.payment(made.id) == "paid"
    with pytest.raises(SubsidyNothingToPay):
        subsidy_payouts.create(number="P2", actor="财政甲")


def test_what_the_bank_returned_goes_into_the_next_list(city: City) -> None:
    car(city)
    made = granted(city.resident())
    subsidy_payouts.create(number="P1", actor="财政甲")
    asked = {"number": "P1", "subsidy_id": made.id, "paid": False, "proof": "户名不符"}
    subsidy_payouts.answer(**asked, actor="财政乙")
    assert subsidies.payment(made.id) == "returned"
    subsidy_payouts.create(number="P2", actor="财政甲")
    assert subsidies.payment(made.id) == "sent"


def test_listed_by_ten_at_once_a_subsidy_stands_in_one_list(city: City) -> None:
    car(city)
    granted(city.resident())

    def create(number: int) -> None:
        subsidy_payouts.create(number=f"P{number}", actor="财政甲")

    found = at_once(city.app, 10, create)
    assert sorted(found) == ["ok"] + ["subsidy_nothing_to_pay"] * 9
    assert len(rows(SubsidyPayoutLine)) == 1
