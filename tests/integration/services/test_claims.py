"""Claiming, with a real Valkey and both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from backend import clock
from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.extensions import db, redis_handle
from backend.services import campaigns, claims, ledger, vouchers
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys, quota, stream
from tests.factories import MAY, City, MovableClock, approve, drain, new_request, rows


def outcome(app: Flask, resident_id: int, tier: int, request_id: str) -> str:
    with app.app_context():
        try:
            claims.claim_voucher(
                campaign_id=MAY, tier_position=tier, resident_id=resident_id, request_id=request_id
            )
        except HuiquanError as refused:
            return refused.code
        return "taken"


def test_500_residents_racing_for_100_vouchers_take_exactly_100(city: City) -> None:
    people = [city.resident() for _ in range(500)]
    redis_handle.client.hset(keys.quota(MAY), "left:3", 100)  # of the tier's 400
    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(
            pool.map(lambda person: outcome(city.app, person.id, 3, new_request()), people)
        )
    assert outcomes == {"taken": 100, "quota_exhausted": 400}
    terms = campaigns.terms(MAY)
    assert quota.left(redis_handle.client, terms)[3] == 0
    assert quota.issued(redis_handle.client, terms)[3] == 100
    assert stream.backlog(redis_handle.client, MAY) == 100
    in_wallets = sum(len(vouchers.wallet(person.id).vouchers) for person in people)
    assert in_wallets == 100
    assert drain() == 100
    assert len(rows(Voucher)) == 100
    assert stream.backlog(redis_handle.client, MAY) == 0
    assert sum(len(vouchers.wallet(person.id).vouchers) for person in people) == 100
    assert ledger.check().differences == ()


def test_one_resident_pressing_50_times_at_once_takes_one(city: City) -> None:
    person = city.resident()
    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(
            pool.map(lambda _: outcome(city.app, person.id, 1, new_request()), range(50))
        )
    assert outcomes == {"taken": 1, "claim_limit_reached": 49}


def test_the_same_request_answers_with_the_same_voucher(city: City) -> None:
    person, request_id = city.resident(), new_request()
    arguments = {"campaign_id": MAY, "tier_position": 1, "resident_id": person.id}
    first = claims.claim_voucher(**arguments, request_id=request_id)
    again = claims.claim_voucher(**arguments, request_id=request_id)
    assert not first.replayed
    assert again.replayed
    assert (again.voucher_id, again.claimed_at, again.valid_until) == (
        first.voucher_id,
        first.claimed_at,
        first.valid_until,
    )


def test_another_residents_request_number_is_another_request(city: City) -> None:
    request_id = new_request()
    arguments = {"campaign_id": MAY, "tier_position": 1, "request_id": request_id}
    first = claims.claim_voucher(**arguments, resident_id=city.resident().id)
    second = claims.claim_voucher(**arguments, resident_id=city.resident().id)
    assert first.voucher_id != second.voucher_id
    assert not second.replayed


def test_a_campaign_opens_at_its_opening_second_and_not_before(
    city: City, moment: MovableClock
) -> None:
    moment.move(minutes=-1, seconds=-0.001)
    person = city.resident()
    with pytest.raises(refusals.CampaignNotOpen):
        city.claim(person)
    moment.move(seconds=0.001)
    assert city.claim(person).claimed_at == campaigns.terms(MAY).opens_at


def test_a_campaign_closes_at_24_00_of_its_last_day(city: City, moment: MovableClock) -> None:
    ends_at = campaigns.terms(MAY).ends_at
    early, late = city.resident(), city.resident()
    moment.set(ends_at)
    moment.move(seconds=-0.001)
    assert city.claim(early)
    moment.set(ends_at)
    with pytest.raises(refusals.CampaignClosed):
        city.claim(late)


def test_a_pause_acts_at_the_next_claim_and_a_resumption_too(city: City) -> None:
    campaigns.pause(MAY, actor="test", reason="试")
    with pytest.raises(refusals.CampaignPaused):
        city.claim(city.resident())
    campaigns.resume(MAY, actor="test", reason="试")
    assert city.claim(city.resident())
    campaigns.stop(MAY, actor="test", reason="试")
    with pytest.raises(refusals.CampaignClosed):
        city.claim(city.resident())


def test_sold_out_is_sold_out_and_the_other_tiers_go_on(city: City) -> None:
    redis_handle.client.hset(keys.quota(MAY), "left:3", 1)
    holder = city.resident()
    assert city.claim(holder, tier=3)
    with pytest.raises(refusals.QuotaExhausted):
        city.claim(city.resident(), tier=3)
    assert city.claim(city.resident(), tier=2)


def test_somebody_who_holds_a_voucher_is_never_told_sold_out(city: City) -> None:
    redis_handle.client.hset(keys.quota(MAY), "left:3", 1)
    holder = city.resident()
    held = city.claim(holder, tier=3)
    with pytest.raises(refusals.ClaimLimitReached) as refused:
        city.claim(holder, tier=3)
    assert refused.value.details["held_voucher_id"] == held.voucher_id


def test_a_lost_quota_gives_nothing_until_it_is_rebuilt(city: City) -> None:
    redis_handle.client.flushall()
    with pytest.raises(refusals.QuotaUnavailable):
        city.claim(city.resident())
    campaigns.push_states()  # the job must not bring half a quota back
    with pytest.raises(refusals.QuotaUnavailable):
        city.claim(city.resident())


def test_a_quota_of_another_epoch_gives_nothing(city: City) -> None:
    redis_handle.client.hset(keys.quota(MAY), "epoch", 2)
    with pytest.raises(refusals.QuotaUnavailable):
        city.claim(city.resident())


def test_loading_a_quota_again_never_gives_units_back(city: City) -> None:
    city.claim(city.resident())
    terms = campaigns.terms(MAY)
    assert quota.load(redis_handle.client, terms) is False
    assert quota.left(redis_handle.client, terms)[1] == 2499


def test_a_claim_of_an_older_epoch_is_never_written(city: City) -> None:
    city.claim(city.resident())
    entry_id, fields = redis_handle.client.xrange(keys.claims(MAY))[0]
    redis_handle.client.xdel(keys.claims(MAY), entry_id)
    redis_handle.client.xadd(keys.claims(MAY), {**fields, "epoch": "0"})
    drain()
    assert rows(Voucher) == []


def test_one_tier_a_day_counts_the_campaigns_tiers_together(
    city: City, moment: MovableClock
) -> None:
    appliances = "Q2-APPL"
    approve(appliances, actor="test")
    campaigns.run(appliances, actor="test")
    person = city.resident()
    moment.set(campaigns.terms(appliances).opens_at)
    assert city.claim(person, tier=1, campaign_id=appliances)
    with pytest.raises(refusals.DailyClaimLimitReached):
        city.claim(person, tier=2, campaign_id=appliances)
    moment.move(hours=13, minutes=59, seconds=59)  # 23:59:59 of the same day in China
    with pytest.raises(refusals.DailyClaimLimitReached):
        city.claim(person, tier=2, campaign_id=appliances)
    moment.move(seconds=1)
    assert city.claim(person, tier=2, campaign_id=appliances)


def test_a_promised_voucher_is_written_once_by_wallet_owner_and_writer_together(
    city: City,
) -> None:
    person = city.resident()
    city.claim(person)
    claims.record_promised(person.id)
    assert len(rows(Voucher)) == 1
    assert drain() == 1
    assert len(rows(Voucher)) == 1
    db.session.rollback()
    assert ledger.check().differences == ()


def test_nothing_is_granted_before_the_opening_by_valkeys_clock_either(
    city: City, moment: MovableClock
) -> None:
    client = redis_handle.client
    seconds, microseconds = client.time()
    server_ms = seconds * 1000 + microseconds // 1000
    moment.set(clock.from_ms(server_ms + 120_000))  # this web server runs two minutes ahead
    opens_soon = {"opens_at_ms": server_ms + 60_000, "ends_at_ms": 2**52, "server_clock": 1}
    client.hset(keys.quota(MAY), mapping=opens_soon)
    person = city.resident()
    for _ in range(2):
        with pytest.raises(refusals.CampaignNotOpen):
            city.claim(person)
    client.hset(keys.quota(MAY), "opens_at_ms", server_ms)
    city.claim(person)
    assert client.hget(keys.quota(MAY), "server_clock") is None  # it has opened: not asked again


def test_valkeys_clock_is_asked_unless_ours_was_shifted(city: City) -> None:
    client, found = redis_handle.client, campaigns.terms(MAY)
    for own, expected in ((clock.Clock(), "1"), (clock.Clock(offset_s=60), None)):
        clock.use(own)
        client.delete(keys.quota(MAY))
        quota.load(client, found)
        assert client.hget(keys.quota(MAY), "server_clock") == expected
