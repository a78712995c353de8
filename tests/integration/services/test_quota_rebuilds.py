"""Rebuilding: nothing is given before it, nothing twice after it, wherever it dies."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.domain import refusals
from backend.domain.campaigns import ActNotPossible
from backend.domain.errors import HuiquanError
from backend.domain.vouchers import first_serial
from backend.extensions import redis_handle
from backend.services import (
    campaigns,
    claims,
    health,
    ledger,
    orders,
    quota_checks,
    quota_rebuilds,
    receipts,
)
from backend.services.claims import ClaimedVoucher
from backend.services.orders import Amounts
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys, quota, rebuild, stream
from backend.storage.sql import exclusively
from backend.workers import claim_writer, jobs
from tests.factories import MAY, SUPERMARKET, City, MovableClock, approve, drain, new_request, rows
from tests.integration.services.dying_rebuild import POINTS

ROOT = Path(__file__).parents[3]
# (point, whether Valkey was emptied); an emptied one has nothing left to write down.
DEATHS = [(point, False) for point in POINTS]
DEATHS += [(point, True) for point in POINTS if point != "after_record"]


def agree() -> bool:
    return (quota_checks.check(looks=1).differences, ledger.check().differences) == ((), ())


class Rush:
    """Claims in threads, told apart by what Valkey was when they began and ended."""

    def __init__(self, city: City, size: int) -> None:
        self.city = city
        self.people = [city.resident() for _ in range(size)]
        self.told: list[tuple[int, ClaimedVoucher]] = []
        self.told_while_empty: list[int] = []
        self.refused: Counter[str] = Counter()
        self.empty = threading.Event()

    def claim(self, number: int) -> None:
        person = self.people[number]
        with self.city.app.app_context():
            empty = self.empty.is_set()
            try:
                voucher = self.city.claim(person, tier=3)
                self.told.append((person.id, voucher))
            except HuiquanError as error:
                self.refused[error.code] += 1
                return
        if empty and voucher.voucher_id % 10**9 < first_serial(2):  # of the lost quota
            self.told_while_empty.append(person.id)

    def wait(self, condition: Callable[[], bool]) -> None:
        limit_s = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < limit_s, self.refused
            time.sleep(0.005)


def test_valkey_emptied_in_a_rush_loses_no_acknowledged_claim_and_oversells_none(
    city: City,
) -> None:
    rush = Rush(city, 300)
    with ThreadPoolExecutor(8) as pool:
        claiming = [pool.submit(rush.claim, number) for number in range(200)]
        rush.wait(lambda: len(rush.told) >= 20)
        claim_writer.drain_once("writer")
        rush.wait(lambda: stream.backlog(redis_handle.client, MAY) > 0)
        [(_, old_entry)] = redis_handle.client.xrange(keys.claims(MAY), count=1)
        redis_handle.client.flushall()
        rush.empty.set()
        claiming += [pool.submit(rush.claim, number) for number in range(200, 300)]
        rush.wait(lambda: rush.refused["quota_unavailable"] >= 20)
        quota_rebuilds.run(MAY, actor="test")
        rush.empty.clear()
        for future in claiming:
            future.result()
    assert rush.told_while_empty == []
    before = {voucher.id for voucher in rows(Voucher)}
    redis_handle.client.xadd(keys.claims(MAY), old_entry)  # an entry of the old epoch comes late
    drain()
    first_anew = first_serial(2)
    told_anew = {v.voucher_id for _, v in rush.told if v.voucher_id % 10**9 >= first_anew}
    assert {voucher.id for voucher in rows(Voucher)} - before <= told_anew
    for resident_id, voucher in rush.told:
        again = receipts.honour(voucher.receipt, resident_id=resident_id)
        assert again.voucher_id == voucher.voucher_id
    drain()
    written = {voucher.id: voucher.resident_id for voucher in rows(Voucher)}
    assert written == {voucher.voucher_id: resident_id for resident_id, voucher in rush.told}
    assert agree()


@pytest.mark.parametrize(("point", "emptied"), DEATHS)
def test_a_rebuild_killed_at_any_point_is_run_again_and_ends_right(
    city: City,
    database: str,
    database_urls: dict[str, str],
    redis_url: str,
    point: str,
    emptied: bool,
) -> None:
    people = [city.resident() for _ in range(6)]
    told = [city.claim(person, tier=1 + number % 3) for number, person in enumerate(people[:4])]
    drain()
    told += [city.claim(person, tier=1) for person in people[4:]]
    if emptied:
        redis_handle.client.flushall()
    died = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.services.dying_rebuild"),
            *(point, database_urls[database], redis_url),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    if point != "after_load":
        with pytest.raises(refusals.QuotaUnavailable):
            city.claim(city.resident())
        assert quota_rebuilds.rebuild_lost() == 1
    campaigns.forget_snapshots()
    for person, voucher in zip(people, told, strict=True):
        again = receipts.honour(voucher.receipt, resident_id=person.id)
        assert again.voucher_id == voucher.voucher_id
    assert {voucher.id for voucher in rows(Voucher)} == {voucher.voucher_id for voucher in told}
    assert city.claim(city.resident()).voucher_id not in {v.voucher_id for v in told}
    drain()
    assert agree()


def test_a_forced_rebuild_of_a_full_valkey_needs_no_receipt(city: City) -> None:
    people = [city.resident() for _ in range(5)]
    told = {city.claim(person).voucher_id for person in people}
    assert stream.backlog(redis_handle.client, MAY) == 5
    stream.read(redis_handle.client, MAY, consumer="dead", count=2)  # a writer died with two
    done = quota_rebuilds.run(MAY, actor="test", force=True)
    assert (done.epoch, done.given) == (2, {1: 5, 2: 0, 3: 0})
    assert {voucher.id for voucher in rows(Voucher)} == told
    assert stream.backlog(redis_handle.client, MAY) == 0
    assert agree()


def test_limits_are_kept_over_a_rebuild_and_a_repeated_request_gets_its_voucher(
    city: City,
) -> None:
    person = city.resident()
    asked = {"campaign_id": MAY, "tier_position": 1, "resident_id": person.id}
    held = claims.claim_voucher(**asked, request_id="request-0001")
    drain()
    redis_handle.client.flushall()
    quota_rebuilds.run(MAY, actor="test")
    again = claims.claim_voucher(**asked, request_id="request-0001")
    assert (again.voucher_id, again.replayed) == (held.voucher_id, True)
    with pytest.raises(refusals.ClaimLimitReached):
        claims.claim_voucher(**asked, request_id="request-0002")


def test_one_tier_a_day_is_kept_over_a_rebuild(city: City, moment: MovableClock) -> None:
    appliances = "Q2-APPL"
    approve(appliances, actor="test")
    campaigns.run(appliances, actor="test")
    moment.set(campaigns.terms(appliances).opens_at)
    person = city.resident()
    city.claim(person, tier=1, campaign_id=appliances)
    drain()
    redis_handle.client.flushall()
    quota_rebuilds.run(appliances, actor="test")
    with pytest.raises(refusals.DailyClaimLimitReached):
        city.claim(person, tier=2, campaign_id=appliances)
    moment.move(days=1)
    assert city.claim(person, tier=2, campaign_id=appliances)


def test_a_loaded_quota_is_not_rebuilt_without_force_and_a_later_one_never(city: City) -> None:
    with pytest.raises(quota_rebuilds.QuotaStillLoaded):
        quota_rebuilds.run(MAY, actor="test")
    assert city.claim(city.resident())
    redis_handle.client.hset(keys.quota(MAY), "epoch", 7)
    with pytest.raises(quota_rebuilds.QuotaOfLaterEpoch):
        quota_rebuilds.run(MAY, actor="test", force=True)
    with pytest.raises(ActNotPossible):
        quota_rebuilds.run("Q3-NIGHT", actor="test", force=True)  # a draft


def test_two_machines_do_not_rebuild_one_campaign_together(city: City) -> None:
    redis_handle.client.flushall()
    with exclusively(f"rebuild-{MAY}") as alone:
        assert alone
        with pytest.raises(quota_rebuilds.RebuildRunning):
            quota_rebuilds.run(MAY, actor="test")
        assert quota_rebuilds.rebuild_lost() == 0
    with ThreadPoolExecutor(4) as pool:

        def lost(_: int) -> int:
            with city.app.app_context():
                return quota_rebuilds.rebuild_lost()

        assert sum(pool.map(lost, range(4))) >= 1
    assert agree()


def test_held_claims_lost_again_while_they_are_loaded_leave_the_quota_closed(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.claim(city.resident())
    drain()
    redis_handle.client.flushall()
    with monkeypatch.context() as patched:
        patched.setattr(stream, "prepare", lambda client, _id: client.flushall())
        with pytest.raises(Exception, match="the loading was lost"):
            quota_rebuilds.run(MAY, actor="test")
    with pytest.raises(refusals.QuotaUnavailable):
        city.claim(city.resident())
    assert quota_rebuilds.rebuild_lost() == 1
    assert agree()


def test_a_quota_is_not_cleared_while_claims_can_be_taken_from_it(city: City) -> None:
    assert rebuild.clear(redis_handle.client, campaigns.terms(MAY)) is False
    assert quota.left(redis_handle.client, campaigns.terms(MAY))[1] == 2500


def test_the_job_rebuilds_by_itself_and_paying_goes_on_meanwhile(city: City) -> None:
    person = city.resident()
    city.claim(person)
    drain()
    redis_handle.client.flushall()
    assert health.readiness().faults == (f"campaign {MAY} has no quota loaded",)
    order = orders.create_at_placard(
        resident_id=person.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=20_000),
    )
    assert order.discount_fen > 0
    assert jobs.run_job(city.app, quota_rebuilds.rebuild_lost) == 1
    assert jobs.run_job(city.app, quota_rebuilds.rebuild_lost) == 0
    assert health.readiness().faults == ()
    campaigns.forget_snapshots()
    assert city.claim(city.resident())


def test_a_paused_campaign_is_still_paused_after_its_rebuild(city: City) -> None:
    campaigns.pause(MAY, actor="test", reason="试")
    redis_handle.client.flushall()
    assert quota_rebuilds.rebuild_lost() == 1
    with pytest.raises(refusals.CampaignPaused):
        city.claim(city.resident())


def test_2000_vouchers_are_loaded_in_under_a_tenth_of_a_second_a_thousand(city: City) -> None:
    people = [city.resident() for _ in range(20)]
    fill(people[0].id, tier=1, count=2000)
    redis_handle.client.flushall()
    done = quota_rebuilds.run(MAY, actor="test")
    assert done.given[1] == 2000
    assert quota.left(redis_handle.client, campaigns.terms(MAY))[1] == 500
    assert done.seconds < 2


def fill(resident_id: int, *, tier: int, count: int) -> None:
    """Write vouchers of residents as the writer would, without claiming each."""
    found = campaigns.terms(MAY).tier(tier)
    assert found is not None
    entries = [
        stream.StreamEntry(
            entry_id=f"1-{serial}",
            campaign_id=MAY,
            epoch=1,
            tier_id=found.id,
            serial=serial,
            resident_id=resident_id,
            claimed_at_ms=1_682_647_260_000 + serial,
            valid_from_ms=1_682_647_260_000,
            valid_until_ms=1_683_647_260_000,
        )
        for serial in range(1, count + 1)
    ]
    assert claims.record(entries).new == count
