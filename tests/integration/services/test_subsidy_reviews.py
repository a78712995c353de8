"""Two reviews by two people, the money once, and a refusal that can be mended."""

import pytest

from backend.domain import subsidies as rules
from backend.domain.campaigns import BudgetExceeded
from backend.domain.second_person import SecondPersonNeeded
from backend.services import ledger, spending_imports, subsidies, subsidy_files, subsidy_reviews
from backend.storage.models.ledger import Transfer
from tests.factories import City, rows
from tests.integration.services.test_entries import at_once
from tests.integration.services.test_subsidies import reserved
from tests.subsidising import CAR, car, granted, picture, submitted


def spent() -> list[int]:
    assert ledger.check().differences == ()
    return [row.amount_fen for row in rows(Transfer) if row.kind == "spending"]


def test_two_people_grant_and_the_money_is_spent_once(city: City) -> None:
    car(city)
    made = submitted(city.resident())
    with pytest.raises(rules.SubsidyStepNotPossible):
        subsidy_reviews.grant(subsidy_id=made.id, actor="乙")
    for _ in range(2):
        subsidy_reviews.first(subsidy_id=made.id, actor="甲")
    with pytest.raises(SecondPersonNeeded):
        subsidy_reviews.grant(subsidy_id=made.id, actor=" 甲 ")
    for _ in range(2):
        assert subsidy_reviews.grant(subsidy_id=made.id, actor="乙").state == "granted"
    assert (spent(), reserved()) == ([200_000], 1)
    for act in (
        lambda: subsidy_reviews.refuse(subsidy_id=made.id, reason="x", actor="丙"),
        lambda: subsidies.withdraw(subsidy_id=made.id, resident_id=made.resident_id),
    ):
        with pytest.raises(rules.SubsidyStepNotPossible):
            act()


def test_granted_by_ten_at_once_the_money_is_spent_once(city: City) -> None:
    car(city)
    made = submitted(city.resident())
    subsidy_reviews.first(subsidy_id=made.id, actor="甲")

    def grant(number: int) -> None:
        subsidy_reviews.grant(subsidy_id=made.id, actor=f"乙{number}")

    assert at_once(city.app, 10, grant).count("ok") == 1
    reserved()
    assert spent() == [200_000]


def test_a_refused_application_is_mended_and_reviewed_anew(city: City) -> None:
    car(city)
    person = city.resident()
    made = submitted(person)
    subsidy_reviews.first(subsidy_id=made.id, actor="甲")
    for _ in range(2):
        subsidy_reviews.refuse(subsidy_id=made.id, reason="照片不清", actor="乙")
    assert reserved() == 0
    subsidy_files.put(
        subsidy_id=made.id, resident_id=person.id, name="photo", content=picture((90, 90))
    )
    again = subsidies.submit(subsidy_id=made.id, resident_id=person.id)
    assert (again.state, again.first_reviewer, again.reason) == ("submitted", None, None)
    assert reserved() == 1
    assert [step.state for step in subsidies.steps(made.id)] == [
        *("draft", "submitted", "first_reviewed", "refused", "submitted")
    ]


def test_money_that_earlier_spending_took_is_not_granted_again(city: City) -> None:
    car(city)
    made = submitted(city.resident())
    subsidy_reviews.first(subsidy_id=made.id, actor="甲")
    content = "凭证号,日期,金额,收款方,备注\nA-1,2023-04-02,74000.00,x,x\n".encode()
    target = spending_imports.of_campaign(CAR)
    spending_imports.propose("S1", content, file_name="x.csv", target=target, reason="x", actor="a")
    spending_imports.confirm("S1", actor="b")
    with pytest.raises(BudgetExceeded):
        subsidy_reviews.grant(subsidy_id=made.id, actor="乙")
    assert subsidies.of_resident(made.id, None).state == "first_reviewed"


def test_a_granted_vehicle_is_not_granted_again(city: City) -> None:
    car(city)
    granted(city.resident())
    with pytest.raises(rules.SubsidyTaken):
        submitted(city.resident(), 1)
