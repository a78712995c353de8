"""The lane's waits: on Valkey, on SQL, and on each other."""

import asyncio
import contextvars
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text

from backend.devstack.valkey import PrivateValkey
from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db, redis_handle
from backend.services import campaigns
from backend.services.claim_decisions import ClaimedVoucher
from backend.services.claim_lane import AskedClaim, ClaimLane
from backend.storage.redis import keys, quota, quota_async
from tests.factories import MAY, City, MovableClock, approve, held_claims, new_request
from tests.integration.services.claim_rules import with_terms
from tests.lane_rush import claim_on


def run(main: Any) -> Any:
    """Run a coroutine function outside the test's own application context."""
    return contextvars.Context().run(asyncio.run, main())


async def claim(lane: ClaimLane, resident_id: int, tier: int = 1, **more: str) -> ClaimedVoucher:
    wanted = {"campaign_id": MAY, "request_id": new_request(), **more}
    asked = AskedClaim(tier_position=tier, resident_id=resident_id, **wanted)
    return await claim_on(lane, asked)


def lane_of(city: City, redis_url: str = "") -> ClaimLane:
    settings = replace(city.settings, redis_url=redis_url or city.settings.redis_url)
    return ClaimLane(settings, in_context=city.app.app_context)


def test_a_valkey_that_is_down_refuses_and_one_that_is_back_serves_again(
    city: City, workspace: Path, database: str
) -> None:
    server = PrivateValkey(workspace / f"lane-{database}")
    lane = lane_of(city, server.url)
    terms = campaigns.terms(MAY)

    async def main() -> None:
        with pytest.raises(refusals.QuotaUnavailable):
            await claim(lane, 1)
        for resident_id in (1, 2):  # killed in between; the script is gone from the server as well
            server.start()
            with Redis.from_url(server.url, decode_responses=True) as client:
                quota.load(client, terms)
            assert (await claim(lane, resident_id)).voucher_id % 1000 == resident_id
            server.kill()
            with pytest.raises(refusals.QuotaUnavailable):
                await claim(lane, 3)
        await lane.close()

    try:
        run(main)
    finally:
        server.stop()


def test_a_server_that_forgot_the_script_is_taught_it_again(city: City) -> None:
    lane = lane_of(city)

    async def main() -> None:
        assert await claim(lane, 1)
        redis_handle.client.script_flush()
        assert await claim(lane, 2)
        await lane.close()

    run(main)


def test_more_claims_than_can_be_answered_in_time_are_refused_at_once(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_async, "WAITING_MAX", 10)
    lane = lane_of(city)

    async def main() -> list[Any]:
        await claim(lane, 99)
        found = await asyncio.gather(
            *(claim(lane, n) for n in range(1, 31)), return_exceptions=True
        )
        await lane.close()
        return found

    found = run(main)
    assert sum(isinstance(answer, ClaimedVoucher) for answer in found) == 10
    assert sum(isinstance(answer, refusals.QuotaUnavailable) for answer in found) == 20


def test_claims_of_several_batches_and_campaigns_each_get_their_own_answer(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_async, "BATCH_MAX", 7)
    approve("Q2-APPL", actor="test")
    campaigns.run("Q2-APPL", actor="test")
    redis_handle.client.hset(keys.quota("Q2-APPL"), "opens_at_ms", 0)
    lane = lane_of(city)

    async def main() -> list[ClaimedVoucher]:
        found = await asyncio.gather(
            *(claim(lane, n, campaign_id=name) for n in range(1, 31) for name in (MAY, "Q2-APPL"))
        )
        await lane.close()
        return found

    found = run(main)
    assert len({voucher.voucher_id for voucher in found}) == 60
    for n, voucher in enumerate(found):
        resident_id, name = n // 2 + 1, (MAY, "Q2-APPL")[n % 2]
        [held] = held_claims(resident_id, name)
        assert voucher.campaign_id == name
        assert (held.tier_position, voucher.voucher_id % 1_000_000_000) == (1, held.serial)


def test_a_change_in_sql_is_seen_within_a_second_and_no_claim_waits_for_sql(city: City) -> None:
    lane = lane_of(city)

    async def main() -> None:
        await claim(lane, 1)
        with city.app.app_context():
            db.session.execute(
                text("UPDATE campaigns SET name = '新名' WHERE id = :id"), {"id": MAY}
            )
            db.session.commit()
        names = []
        for n in range(2, 26):
            names.append((await claim(lane, n)).campaign_name)
            await asyncio.sleep(0.05)
        assert names[0] == "五一乐购券"
        assert names[-1] == "新名"
        with pytest.raises(NotFound):
            await claim(lane, 1, campaign_id="NO-SUCH")
        await lane.close()

    run(main)


def test_one_batch_gives_out_no_more_of_a_day_and_of_a_tier_than_there_is(
    city: City, moment: MovableClock
) -> None:
    with_terms(daily_release=4, carry_over=False)
    redis_handle.client.hset(keys.quota(MAY), "left:2", 3)
    lane = lane_of(city)

    async def main() -> list[Any]:
        await claim(lane, 99)
        wanted = [claim(lane, n, tier=1 + n % 2) for n in range(1, 21)]
        found = await asyncio.gather(*wanted, return_exceptions=True)
        await lane.close()
        return found

    found = run(main)
    taken = Counter(v.tier_position for v in found if isinstance(v, ClaimedVoucher))
    assert taken == {1: 3, 2: 3}  # one of tier 1 went before
    refused = Counter(type(error) for error in found if isinstance(error, HuiquanError))
    assert refused == {refusals.DailyQuotaExhausted: 7, refusals.QuotaExhausted: 7}
