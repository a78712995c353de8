"""Held claims in Valkey: what is written is read, all are found, and they are small."""

from datetime import datetime, timedelta

import pytest

from backend import clock
from backend.domain import claim_marks
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.vouchers import first_serial
from backend.extensions import redis_handle
from backend.services import campaigns
from backend.services.claim_decisions import request_tag, validity_of
from backend.storage.redis import held, keys, moments, quota, rebuild
from backend.storage.redis.held import HeldClaim
from tests.factories import MAY, City, held_claims

BYTES_PER_CLAIM_MAX = 60


@pytest.mark.parametrize("serial", [1, 255, 9_999_999, first_serial(100)])
@pytest.mark.parametrize("after", [timedelta(), timedelta(milliseconds=1), timedelta(days=89)])
def test_a_claims_text_says_tier_serial_and_moment_to_the_millisecond(
    city: City, serial: int, after: timedelta
) -> None:
    campaign = campaigns.terms(MAY)
    claim = HeldClaim(tier_position=99, serial=serial, claimed_at=campaign.opens_at + after)
    text = held.text_of(campaign, claim)
    assert held.parse(campaign, text) == held.parse(campaign, f"{text}Zk3_aQ") == claim
    assert list(held.parse_all(campaign, f"{text},{text}Zk3_aQ")) == [claim, claim]


def test_residents_63_and_64_live_in_two_buckets() -> None:
    assert [held.place(n) for n in (0, 63, 64, 129)] == [(0, 0), (0, 63), (1, 0), (2, 1)]


def test_all_claims_are_found_and_cleared_without_looking_through_the_server(city: City) -> None:
    client, campaign = redis_handle.client, campaigns.terms(MAY)
    numbers = [1, 63, 64, 4095, 4096, 524_287, 524_288, 50_000_000]
    claims = [
        (n, HeldClaim(tier_position=1, serial=n, claimed_at=campaign.opens_at)) for n in numbers
    ]
    opened_ms = campaign.opens_at_ms
    rebuild.load_held(client, campaign, 1, [(n, n, opened_ms) for n in numbers])
    assert list(rebuild.buckets(client, MAY)) == sorted({n // 64 for n in numbers})
    assert list(rebuild.all_held(client, campaign)) == claims
    assert not rebuild.clear(client, campaign)  # claims may still be taken
    rebuild.close(client, MAY)
    assert rebuild.clear(client, campaign)
    assert list(rebuild.buckets(client, MAY)) == []
    assert client.keys(f"hq:{{{MAY}}}:held:*") == []
    assert client.hgetall(keys.quota(MAY)) == {"loading": "1"}


def test_loading_the_same_claims_again_changes_nothing(city: City) -> None:
    client, campaign = redis_handle.client, campaigns.terms(MAY)
    claims = [
        (7, HeldClaim(tier_position=tier, serial=5, claimed_at=campaign.opens_at))
        for tier in (1, 2, 3)
    ]
    for _ in range(2):
        for tier in (1, 2, 3):
            rebuild.load_held(client, campaign, tier, [(5, 7, campaign.opens_at_ms)])
        assert held_claims(7) == [claim for _, claim in claims]


def moment(campaign: CampaignTerms, tier: TierTerms, at: datetime) -> moments.Moment:
    return moments.moment_of(campaign, tier, clock.to_ms(at), validity_of(campaign, at))


def test_100_000_claims_take_at_most_60_bytes_each(city: City, database: str) -> None:
    if database == "postgresql":
        pytest.skip("no SQL takes part")
    client, campaign = redis_handle.client, campaigns.terms(MAY)
    redis_handle.client.hset(keys.quota(MAY), "left:1", 100_000)
    before = int(client.info("memory")["used_memory"])
    pipeline = client.pipeline(transaction=False)
    sha = client.script_load(quota.scripts._SCRIPTS["claim"].text)
    for n in range(1, 100_001):
        at = campaign.opens_at + timedelta(seconds=60, milliseconds=n)
        call = quota.take_call(
            campaign,
            moment(campaign, campaign.tiers[0], at),
            resident_id=n,
            request_tag=request_tag(f"request-{n}"),
        )
        pipeline.evalsha(sha, len(call.keys), *call.keys, *map(str, call.args))
        if n % 5000 == 0:
            assert {status for status, _ in pipeline.execute()} == {1}
            client.xtrim(keys.claims(MAY), maxlen=0)  # what the drain does
    bytes_per_claim = (int(client.info("memory")["used_memory"]) - before) / 100_000
    print(f"bytes per claim: {bytes_per_claim:.1f}")
    assert bytes_per_claim <= BYTES_PER_CLAIM_MAX
    assert client.object("encoding", keys.held(MAY, 1)) == "listpack"


def test_three_claims_with_tickets_stay_one_compact_block(city: City) -> None:
    client, campaign = redis_handle.client, campaigns.terms(MAY)
    for tier in campaign.tiers:
        for resident_id in range(64, 128):
            at = campaign.ends_at - timedelta(milliseconds=1)
            call = quota.take_call(
                campaign,
                moment(campaign, tier, at),
                resident_id=resident_id,
                request_tag=request_tag(f"request-{tier.position}"),
                origin=claim_marks.Origin(ticket_tag=f"abc{tier.position}"),
            )
            assert quota.take(client, call).outcome is quota.Outcome.TAKEN
    assert client.hstrlen(keys.held(MAY, 1), "0") > 64
    assert client.object("encoding", keys.held(MAY, 1)) == "listpack"
