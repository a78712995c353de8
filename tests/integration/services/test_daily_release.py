"""A daily release: N units of a tier a day, left over or not, by the moment alone."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.services import campaigns, receipts
from tests.factories import MAY, City, MovableClock, drain, new_request
from tests.integration.services.claim_rules import agree, code, outcome, rebuild, with_terms


def take(city: City, count: int, tier: int = 3) -> Counter[str]:
    people = [city.resident().id for _ in range(count)]
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda n: code(city, n, tier, new_request()), people))


@pytest.mark.parametrize(("carry_over", "second_day"), [(True, 13), (False, 8)])
def test_what_is_left_of_a_day_is_carried_over_or_not_given_out(
    city: City, moment: MovableClock, carry_over: bool, second_day: int
) -> None:
    with_terms(daily_release=8, carry_over=carry_over)
    assert take(city, 3) == {"taken": 3}
    assert campaigns.left(MAY)[3] == 5
    moment.move(days=1)
    assert campaigns.left(MAY)[3] == second_day
    assert take(city, 20) == {"taken": second_day, "daily_quota_exhausted": 20 - second_day}
    assert campaigns.left(MAY)[3] == 0
    drain()
    assert agree()


@pytest.mark.parametrize("carry_over", [True, False])
def test_the_next_release_comes_at_its_millisecond_and_the_refusal_tells_it(
    city: City, moment: MovableClock, carry_over: bool
) -> None:
    with_terms(daily_release=1, carry_over=carry_over, release_minute=10 * 60 + 30)
    early = city.resident()
    refused = outcome(city.app, early.id, 3, new_request())  # 10:01; the first release is at 10:30
    assert isinstance(refused, refusals.DailyQuotaExhausted)
    assert refused.retry_after_s == 29 * 60
    assert refused.details["next_release_at"] == "2023-04-28T10:30:00+08:00"
    moment.move(minutes=29, milliseconds=-1)
    assert code(city, early.id, 3, new_request()) == "daily_quota_exhausted"
    moment.move(milliseconds=1)
    first = new_request()
    assert code(city, early.id, 3, first) == "taken"
    assert code(city, early.id, 3, first) == "replayed"  # also when the day is exhausted
    assert code(city, early.id, 3, new_request()) == "claim_limit_reached"
    late = city.resident()
    moment.move(days=1, milliseconds=-1)
    assert code(city, late.id, 3, new_request()) == "daily_quota_exhausted"
    moment.move(milliseconds=1)
    assert code(city, late.id, 3, new_request()) == "taken"


@pytest.mark.parametrize("carry_over", [True, False])
def test_on_the_last_day_an_exhausted_release_is_sold_out_for_good(
    city: City, moment: MovableClock, carry_over: bool
) -> None:
    with_terms(daily_release=1, carry_over=carry_over)
    moment.set(campaigns.terms(MAY).ends_at)
    moment.move(milliseconds=-1)
    found = take(city, 30)
    assert found == {"taken": 13 if carry_over else 1, "quota_exhausted": 17 if carry_over else 29}


@pytest.mark.parametrize("carry_over", [True, False])
def test_a_rebuild_and_a_receipt_know_what_the_day_has_given(
    city: City, moment: MovableClock, carry_over: bool
) -> None:
    with_terms(daily_release=4, carry_over=carry_over)
    take(city, 2)
    drain()
    person = city.resident()
    lost = city.claim(person, tier=3)
    rebuild()
    assert campaigns.left(MAY)[3] == 2
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id
    assert campaigns.left(MAY)[3] == 1
    assert take(city, 3) == {"taken": 1, "daily_quota_exhausted": 2}
    drain()
    rebuild()
    assert take(city, 1) == {"daily_quota_exhausted": 1}
    assert agree()


def test_the_public_is_told_the_days_left_and_the_next_release(city: City) -> None:
    with_terms(daily_release=5, carry_over=True)
    city.claim(city.resident(), tier=3)
    answer = city.get(f"/api/v1/campaigns/{MAY}").get_json()["campaign"]
    assert [tier["left"] for tier in answer["tiers"]] == [5, 5, 4]
    assert answer["daily_release"] == 5
    assert answer["next_release_at"] == "2023-04-29T10:00:00+08:00"


def test_a_holder_is_never_told_that_the_day_is_exhausted(city: City) -> None:
    with_terms(daily_release=1, carry_over=True)
    person = city.resident()
    voucher = city.claim(person, tier=3)
    refused = outcome(city.app, person.id, 3, new_request())
    assert isinstance(refused, HuiquanError)
    assert (refused.code, refused.details["held_voucher_id"]) == (
        "claim_limit_reached",
        voucher.voucher_id,
    )
