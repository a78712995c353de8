"""Applications: nothing twice, nothing above the quota, freed when refused or withdrawn."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from backend import clock
from backend.clock import CHINA
from backend.domain import refusals
from backend.domain import subsidies as rules
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import blocks, campaigns, ledger, subsidies
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.subsidies import Subsidy
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, approve, new_request, rows
from tests.integration.services.test_entries import at_once
from tests.subsidising import CAR, application, car, drafted, submitted


def reserved() -> int:
    db.session.remove()
    assert ledger.check().differences == ()
    return sum(tier.claimed_count for tier in rows(Tier) if tier.campaign_id == CAR)


def test_an_application_is_drafted_submitted_and_its_unit_reserved(city: City) -> None:
    car(city)
    person = city.resident()
    made = drafted(person)
    assert (made.state, made.amount_fen, reserved()) == ("draft", 200_000, 0)
    for _ in range(2):
        assert subsidies.submit(subsidy_id=made.id, resident_id=person.id).state == "submitted"
    assert reserved() == 1
    assert [step.state for step in subsidies.steps(made.id)] == ["draft", "submitted"]
    assert subsidies.details(made) == application()


def test_nothing_personal_lies_in_plain_in_the_row(city: City) -> None:
    car(city)
    made = drafted(city.resident())
    plain = str({column.name: getattr(made, column.key) for column in Subsidy.__table__.columns})
    told = application()
    for secret in (told.invoice_number, told.vin, told.account.holder, told.account.number):
        assert secret not in plain


def test_the_same_request_is_the_same_application_and_another_body_is_refused(city: City) -> None:
    car(city)
    person, request = city.resident(), new_request()
    asked = {"resident_id": person.id, "request_id": request}
    ids = {subsidies.apply(**asked, application=application()).id for _ in range(2)}
    assert len(ids) == 1
    with pytest.raises(refusals.RequestReused):
        subsidies.apply(**asked, application=application(2))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vin": "LSVAA49JX32047371"}, "vin"),
        ({"invoice_amount_fen": 4_999_999}, "invoice_amount_fen"),
        ({"invoice_day": datetime(2023, 3, 31, tzinfo=CHINA).date()}, "invoice_day"),
        ({"invoice_day": datetime(2023, 4, 29, tzinfo=CHINA).date()}, "invoice_day"),
        ({"merchant_id": SUPERMARKET}, "merchant_id"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(
    city: City, changes: dict[str, object], field: str
) -> None:
    car(city)
    with pytest.raises(rules.SubsidyInvalid) as refused:
        drafted(city.resident(), **changes)
    assert refused.value.details == {"fields": [field]}
    assert rows(Subsidy) == []


def test_only_a_running_campaign_in_its_time_takes_applications(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    with pytest.raises(NotFound):  # a draft is nobody's business
        drafted(person)
    car(city)
    late = drafted(person)
    campaigns.pause(CAR, actor="test", reason="试")
    with pytest.raises(rules.SubsidyNotOffered):
        subsidies.submit(subsidy_id=late.id, resident_id=person.id)
    campaigns.resume(CAR, actor="test", reason="试")
    moment.set(datetime(2023, 10, 1, tzinfo=CHINA))
    with pytest.raises(rules.SubsidyNotOffered):
        subsidies.submit(subsidy_id=late.id, resident_id=person.id)
    moment.set(datetime(2023, 9, 30, 23, 59, 59, tzinfo=CHINA))
    assert subsidies.submit(subsidy_id=late.id, resident_id=person.id).state == "submitted"


def test_without_its_files_nothing_is_submitted(city: City) -> None:
    car(city)
    person = city.resident()
    made = subsidies.apply(
        resident_id=person.id, request_id=new_request(), application=application()
    )
    with pytest.raises(rules.SubsidyEvidenceMissing) as refused:
        subsidies.submit(subsidy_id=made.id, resident_id=person.id)
    assert refused.value.details == {"missing": ["photo"]}
    assert reserved() == 0


def test_another_residents_application_is_absent(city: City) -> None:
    car(city)
    made, stranger = drafted(city.resident()), city.resident()
    for act in (subsidies.submit, subsidies.withdraw):
        with pytest.raises(NotFound):
            act(subsidy_id=made.id, resident_id=stranger.id)
    with pytest.raises(NotFound):
        subsidies.of_resident(made.id, stranger.id)
    assert subsidies.list_subsidies(resident_id=stranger.id) == []


def test_a_withdrawn_application_frees_unit_invoice_and_vehicle(city: City) -> None:
    car(city)
    first, second = city.resident(), city.resident()
    made = submitted(first)
    for _ in range(2):
        subsidies.withdraw(subsidy_id=made.id, resident_id=first.id)
    assert reserved() == 0
    with pytest.raises(rules.SubsidyStepNotPossible):
        subsidies.submit(subsidy_id=made.id, resident_id=first.id)
    assert submitted(second).state == "submitted"


def test_a_person_has_one_of_a_tier_and_a_blocked_one_none(city: City) -> None:
    car(city)
    person, blocked = city.resident(), city.resident()
    submitted(person)
    with pytest.raises(rules.SubsidyLimitReached):
        submitted(person, 2)
    assert submitted(person, 3, invoice_amount_fen=12_000_000).amount_fen == 350_000
    blocks.block(blocked.id, reason="x", actor="test")
    with pytest.raises(refusals.ResidentBlocked):
        drafted(blocked, 4)


@pytest.mark.parametrize("same", ["invoice_number", "vin"])
def test_one_invoice_or_vehicle_submitted_by_ten_at_once_is_taken_once(
    city: City, same: str
) -> None:
    car(city)
    people = [city.resident() for _ in range(10)]
    shared = {same: getattr(application(99), same)}
    made = [drafted(person, number, **shared) for number, person in enumerate(people, start=1)]

    def submit(number: int) -> None:
        subsidies.submit(subsidy_id=made[number].id, resident_id=people[number].id)

    found = at_once(city.app, 10, submit)
    assert sorted(found) == ["ok"] + ["subsidy_taken"] * 9
    assert reserved() == 1


def test_20_applicants_racing_for_the_last_2_units_reserve_exactly_2(city: City) -> None:
    car(city)
    people = [city.resident() for _ in range(20)]
    made = [drafted(person, number) for number, person in enumerate(people, start=1)]
    with transaction() as session:
        first = Tier.campaign_id == CAR, Tier.position == 1
        session.execute(update(Tier).where(*first).values(count=2))

    def submit(number: int) -> None:
        subsidies.submit(subsidy_id=made[number].id, resident_id=people[number].id)

    found = at_once(city.app, 20, submit)
    assert sorted(found) == ["ok"] * 2 + ["subsidy_used_up"] * 18
    assert [row.state for row in rows(Subsidy)].count("submitted") == 2


def test_a_campaign_with_a_rule_that_a_subsidy_would_not_keep_does_not_run(city: City) -> None:
    with transaction() as session:
        opened = clock.now() - timedelta(days=1)
        changed = update(Campaign).where(Campaign.id == CAR)
        session.execute(changed.values(opens_at=opened, use_from_minute=60, use_until_minute=99))
    approve(CAR, actor="test")
    with pytest.raises(campaigns.RuleNotSupported, match="hours"):
        campaigns.run(CAR, actor="test")
