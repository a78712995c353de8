"""Limits of a person by tier, campaign and day: exact when raced, kept by rebuild and receipt."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.services import campaigns, receipts
from backend.storage.redis.quota import Outcome
from tests.factories import City, MovableClock, drain, held_claims, new_request
from tests.integration.services.claim_rules import agree, code, outcome, rebuild, with_terms


@pytest.mark.parametrize(
    ("terms", "taken", "refusal"),
    [
        ({"per_person_per_tier": 3}, 9, "claim_limit_reached"),
        ({"per_person_per_tier": 9, "per_person": 4}, 4, "campaign_claim_limit_reached"),
        ({"per_person_per_tier": 9, "per_person_per_day": 5}, 5, "daily_claim_count_reached"),
        ({"per_person_per_tier": 9, "one_tier_per_day": True}, 1, "daily_claim_limit_reached"),
    ],
)
def test_a_person_pressing_60_times_at_once_takes_his_limit_and_no_more(
    city: City, terms: dict[str, object], taken: int, refusal: str
) -> None:
    with_terms(**terms)
    person = city.resident()
    with ThreadPoolExecutor(16) as pool:
        found = Counter(
            pool.map(lambda n: code(city, person.id, 1 + n % 3, new_request()), range(60))
        )
    assert found == {"taken": taken, refusal: 60 - taken}
    assert len(held_claims(person.id)) == taken
    drain()
    assert agree()


def test_the_limit_over_all_tiers_outlives_the_day_and_the_days_limit_does_not(
    city: City, moment: MovableClock
) -> None:
    with_terms(per_person=3, per_person_per_day=2, per_person_per_tier=9)
    person = city.resident()
    assert [code(city, person.id, tier, new_request()) for tier in (1, 2, 3)] == [
        "taken", "taken", "daily_claim_count_reached",
    ]  # fmt: skip
    midnight = moment.now_s() + 14 * 3600 - 60  # the clock stands at 10:01
    moment.move(seconds=midnight - moment.now_s() - 0.001)
    refused = outcome(city.app, person.id, 3, new_request())
    assert isinstance(refused, refusals.DailyClaimCountReached)
    assert refused.retry_after_s == 1
    moment.move(seconds=0.001)
    assert code(city, person.id, 3, new_request()) == "taken"
    refused = outcome(city.app, person.id, 3, new_request())
    assert isinstance(refused, refusals.CampaignClaimLimitReached)
    assert refused.retry_after_s is None


def test_the_same_request_is_answered_with_its_voucher_when_every_limit_is_reached(
    city: City,
) -> None:
    with_terms(per_person=2, per_person_per_day=2)
    person, first = city.resident(), new_request()
    assert code(city, person.id, 1, first) == "taken"
    assert code(city, person.id, 2, new_request()) == "taken"
    assert code(city, person.id, 3, new_request()) == "campaign_claim_limit_reached"
    assert code(city, person.id, 1, first) == "replayed"


def test_a_refusal_by_another_tiers_claim_names_that_voucher(city: City) -> None:
    with_terms(per_person=1)
    person = city.resident()
    voucher = city.claim(person, tier=2)
    refused = outcome(city.app, person.id, 3, new_request())
    assert isinstance(refused, HuiquanError)
    assert refused.details["held_voucher_id"] == voucher.voucher_id


def test_limits_count_what_a_rebuild_loaded_and_leave_no_room_for_a_receipt(city: City) -> None:
    with_terms(per_person=2, per_person_per_tier=2)
    person = city.resident()
    city.claim(person, tier=1)
    drain()
    lost = city.claim(person, tier=2)
    rebuild()
    first = new_request()
    assert code(city, person.id, 1, first) == "replayed"  # the loaded claim's own tag was lost
    assert code(city, person.id, 3, new_request()) == "taken"
    assert code(city, person.id, 3, new_request()) == "campaign_claim_limit_reached"
    with pytest.raises(refusals.CampaignClaimLimitReached):
        receipts.honour(lost.receipt, resident_id=person.id)
    drain()
    assert agree()


def test_a_receipt_counts_on_its_own_day(city: City, moment: MovableClock) -> None:
    with_terms(per_person_per_day=1, per_person_per_tier=2)
    person = city.resident()
    lost = city.claim(person, tier=2)
    rebuild()
    moment.move(days=1)
    assert city.claim(person, tier=1)
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id
    assert code(city, person.id, 3, new_request()) == "daily_claim_count_reached"
    drain()
    assert agree()


def test_every_outcome_of_the_script_has_its_refusal_and_limits_are_in_the_terms(
    city: City,
) -> None:
    assert {-9, -10} <= {int(outcome) for outcome in Outcome}
    with_terms(per_person=7, per_person_per_day=5)
    terms = campaigns.terms("Q2-MAY")
    assert (terms.per_person, terms.per_person_per_day) == (7, 5)
