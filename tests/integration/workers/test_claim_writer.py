"""The writer: whenever it is killed, nothing is lost and nothing is doubled."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from sqlalchemy.exc import OperationalError

from backend.extensions import redis_handle
from backend.services import ledger
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys, stream
from backend.workers import claim_writer
from tests.factories import MAY, City, drain, rows

POINTS = ("after_read", "after_insert", "before_commit", "after_commit", "after_acknowledge")
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("point", POINTS)
def test_a_writer_killed_at_any_point_loses_and_doubles_nothing(
    city: City,
    database: str,
    database_urls: dict[str, str],
    redis_url: str,
    point: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claimed = {city.claim(city.resident(), tier=tier).voucher_id for tier in (1, 1, 1, 2, 3)}
    died = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.workers.dying_writer",
            point,
            database_urls[database],
            redis_url,
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    monkeypatch.setattr(claim_writer, "RECLAIM_AFTER_MS", 0)
    while claim_writer.drain_once("next-writer", reclaim=True):
        pass
    assert {voucher.id for voucher in rows(Voucher)} == claimed
    assert len(rows(Voucher)) == len(claimed)
    assert stream.backlog(redis_handle.client, MAY) == 0
    assert ledger.check().differences == ()


def test_a_living_writers_entries_are_not_taken_from_it(city: City) -> None:
    city.claim(city.resident())
    client = redis_handle.client
    assert len(stream.read(client, MAY, consumer="busy", count=10)) == 1
    assert claim_writer.drain_once("other", reclaim=True) == 0
    assert stream.backlog(client, MAY) == 1


def test_a_claim_beyond_the_tiers_count_is_refused_by_the_schema_and_kept(city: City) -> None:
    city.claim(city.resident(), tier=3)
    client: redis.Redis = redis_handle.client
    entry_id, fields = client.xrange(keys.claims(MAY))[0]
    for serial in range(2, 402):  # as if the quota had been loaded twice
        client.xadd(keys.claims(MAY), {**fields, "serial": str(serial)})
    with pytest.raises(Exception, match="never_oversold"):
        drain()
    assert rows(Voucher) == []
    assert stream.backlog(client, MAY) == 401


def test_entries_of_a_removed_group_are_found_again(city: City) -> None:
    city.claim(city.resident())
    redis_handle.client.xgroup_destroy(keys.claims(MAY), stream.GROUP)
    claim_writer.drain_once("writer")  # makes the group anew, from the beginning
    assert drain() == 1
    assert len(rows(Voucher)) == 1


def test_kept_entries_in_front_do_not_hide_a_dead_writers_claims(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = city.resident()
    city.claim(holder)
    assert drain() == 1
    client = redis_handle.client
    city.claim(city.resident())
    _entry_id, fields = client.xrange(keys.claims(MAY))[0]
    for _ in range(25):  # the holder's number under another resident's name: kept for good
        client.xadd(keys.claims(MAY), {**fields, "serial": "1"})
    late = {city.claim(city.resident()).voucher_id for _ in range(3)}
    assert len(stream.read(client, MAY, consumer="dead", count=100)) == 29
    monkeypatch.setattr(claim_writer, "BATCH", 5)
    monkeypatch.setattr(claim_writer, "RECLAIM_AFTER_MS", 0)
    assert claim_writer.drain_once("next", reclaim=True) == 4
    assert late <= {voucher.id for voucher in rows(Voucher)}
    assert stream.backlog(client, MAY) == 25


def test_a_turn_writes_several_batches_and_leaves_nothing_pending(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = {city.claim(city.resident()).voucher_id for _ in range(7)}
    monkeypatch.setattr(claim_writer, "BATCH", 3)
    assert claim_writer.drain_once("writer") == 7
    assert {voucher.id for voucher in rows(Voucher)} == claimed
    client = redis_handle.client
    assert stream.backlog(client, MAY) == 0
    assert client.xpending(keys.claims(MAY), stream.GROUP)["pending"] == 0


def test_what_was_read_ahead_of_a_failed_batch_is_reclaimed(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = {city.claim(city.resident()).voucher_id for _ in range(7)}
    monkeypatch.setattr(claim_writer, "BATCH", 3)
    monkeypatch.setattr(claim_writer, "RECLAIM_AFTER_MS", 0)
    with monkeypatch.context() as broken:
        broken.setattr(claim_writer.claims, "record", fail)
        with pytest.raises(OperationalError):
            claim_writer.drain_once("writer")
    assert stream.backlog(redis_handle.client, MAY) == 7
    assert claim_writer.drain_once("writer", reclaim=True) == 7
    assert {voucher.id for voucher in rows(Voucher)} == claimed
    assert ledger.check().differences == ()


def fail(_entries: object) -> None:
    raise OperationalError("INSERT", None, Exception("the database is away"))
