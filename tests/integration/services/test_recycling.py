"""Recycling: an expired voucher's unit comes back exactly once, whatever dies in between."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend.domain import refusals
from backend.extensions import db, redis_handle
from backend.services import campaigns, ledger, recycling, vouchers
from backend.storage.models.campaigns import Recycling
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys, quota
from tests.factories import MAY, City, MovableClock, Person, drain, new_request, rows
from tests.integration.services.claim_rules import agree, code, rebuild, with_terms


def left(tier: int = 3) -> int:
    return quota.left(redis_handle.client, campaigns.terms(MAY))[tier]


def claimed(city: City, count: int, tier: int = 3) -> list[Person]:
    people = [city.resident() for _ in range(count)]
    for person in people:
        city.claim(person, tier=tier)
    drain()
    return people


def expire(moment: MovableClock) -> None:
    moment.move(days=7)  # they are valid for 7 days, the first included
    vouchers.expire_due()


def test_expired_units_come_back_once_and_the_total_is_never_passed(
    city: City, moment: MovableClock
) -> None:
    with_terms(recycle_expired=True)
    people = claimed(city, 5)
    assert recycling.recycle_due() == 0
    expire(moment)
    assert left() == 395
    assert recycling.recycle_due() == 5
    assert recycling.recycle_due() == 0
    assert left() == 400
    assert agree()
    with pytest.raises(refusals.ClaimLimitReached):  # who let it expire has used his limit
        city.claim(people[0], tier=3)
    claimed(city, 3)
    assert left() == 397
    assert agree()


def test_a_recycled_unit_reserves_its_money_anew(city: City, moment: MovableClock) -> None:
    with_terms(recycle_expired=True)
    claimed(city, 2)
    locked = [s.balances.locked_fen for s in ledger.check().scopes if s.name == MAY]
    expire(moment)
    recycling.recycle_due()
    assert [s.balances.locked_fen for s in ledger.check().scopes if s.name == MAY] == [0]
    claimed(city, 2)
    assert [s.balances.locked_fen for s in ledger.check().scopes if s.name == MAY] == locked
    assert agree()


def test_the_last_unit_goes_round_and_the_quota_stays_exact(
    city: City, moment: MovableClock
) -> None:
    with_terms(recycle_expired=True)
    redis_handle.client.hincrby(keys.quota(MAY), "left:3", -399)
    claimed(city, 1)
    late = city.resident()
    assert code(city, late.id, 3, new_request()) == "quota_exhausted"
    expire(moment)
    assert code(city, late.id, 3, new_request()) == "quota_exhausted"
    recycling.recycle_due()
    people = [city.resident().id for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: code(city, n, 3, new_request()), people))
    assert sorted(found) == ["quota_exhausted"] * 19 + ["taken"]


def test_killed_between_sql_and_valkey_the_next_run_gives_back_what_is_missing(
    city: City, moment: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_terms(recycle_expired=True)
    claimed(city, 3)
    claimed(city, 2, tier=1)
    expire(moment)
    with monkeypatch.context() as dying:
        dying.setattr(recycling, "give_back", lambda campaign: None)
        assert recycling.recycle_due() == 5
    assert left() == 397
    assert not agree()
    recycling.recycle_due()
    assert (left(), left(1)) == (400, 2500)
    assert agree()


def test_a_batch_is_given_back_once_and_in_its_order(city: City, moment: MovableClock) -> None:
    with_terms(recycle_expired=True)
    claimed(city, 3)
    expire(moment)
    recycling.recycle_due()
    client, campaign = redis_handle.client, campaigns.terms(MAY)
    again = {"tier_position": 3, "units": 3}
    assert quota.give_back(client, campaign, batch=1, **again)
    assert left() == 400
    assert not quota.give_back(client, campaign, batch=3, **again)  # the second is missing
    redis_handle.client.hdel(keys.quota(MAY), "epoch")
    assert not quota.give_back(client, campaign, batch=2, **again)
    assert redis_handle.client.hget(keys.quota(MAY), "left:3") == "400"


@pytest.mark.parametrize("recorded", [True, False])
def test_a_rebuild_knows_what_was_recycled_and_what_was_not_yet_given_back(
    city: City, moment: MovableClock, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    with_terms(recycle_expired=True)
    claimed(city, 4)
    expire(moment)
    if recorded:
        with monkeypatch.context() as dying:
            dying.setattr(recycling, "give_back", lambda campaign: None)
            recycling.recycle_due()
    rebuild()
    assert left() == (400 if recorded else 396)
    recycling.recycle_due()
    assert left() == 400
    rebuild()
    assert left() == 400
    claimed(city, 1)
    assert agree()


def test_nothing_is_recycled_without_the_switch_after_the_end_or_from_a_used_voucher(
    city: City, moment: MovableClock
) -> None:
    claimed(city, 1)
    expire(moment)
    assert recycling.recycle_due() == 0
    with_terms(recycle_expired=True)
    moment.set(campaigns.terms(MAY).ends_at - timedelta(milliseconds=1))
    claimed(city, 1)
    moment.move(milliseconds=1)
    vouchers.expire_due()
    assert recycling.recycle_due() == 0
    assert rows(Recycling) == []
    assert [voucher.recycled_batch for voucher in rows(Voucher)] == [None, None]
    db.session.rollback()


def test_two_machines_recycling_at_once_give_back_once(city: City, moment: MovableClock) -> None:
    with_terms(recycle_expired=True)
    claimed(city, 6)
    expire(moment)

    def run(_: int) -> int:
        with city.app.app_context():
            return recycling.recycle_due()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 6
    recycling.recycle_due()
    assert left() == 400
    assert agree()
