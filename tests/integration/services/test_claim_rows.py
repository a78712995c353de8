"""Writing claims: the fence of the epoch, and numbers that two residents hold."""

import threading

from backend.extensions import db, redis_handle
from backend.services import claims, ledger
from backend.storage.models.campaigns import Campaign
from backend.storage.models.vouchers import Voucher
from backend.storage.queries import campaigns as queries
from backend.storage.redis import keys, stream
from backend.storage.sql import transaction
from tests.factories import MAY, City, drain, rows


def waiting() -> list[stream.StreamEntry]:
    return [e for batch in stream.waiting(redis_handle.client, MAY) for e in batch]


def test_a_batch_that_waited_for_the_fence_is_refused_after_it(city: City) -> None:
    city.claim(city.resident())
    entries = waiting()
    done: list[claims.Recorded] = []

    def write() -> None:
        with city.app.app_context():
            done.append(claims.record(entries))

    with transaction() as session:
        campaign = queries.lock_campaign(session, MAY)
        assert campaign is not None
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(0.5)
        assert writer.is_alive(), "the batch was to wait for whoever raises the epoch"
        campaign.epoch += 1
    writer.join()
    assert done[0].new == 0
    assert rows(Voucher) == []


def test_a_number_that_another_resident_holds_is_kept_in_the_stream_not_dropped(
    city: City,
) -> None:
    holder, other = city.resident(), city.resident()
    city.claim(holder)
    drain()
    city.claim(other)
    client = redis_handle.client
    entry_id, fields = client.xrange(keys.claims(MAY))[0]
    client.xadd(keys.claims(MAY), {**fields, "serial": "1"})  # an older file was restored
    assert drain() == 1
    assert [entry.serial for entry in waiting()] == [1]
    held = {voucher.id % 1000: voucher.resident_id for voucher in rows(Voucher)}
    assert held == {1: holder.id, 2: other.id}
    assert ledger.check().differences == ()


def test_a_number_twice_in_one_batch_moves_its_money_once(city: City) -> None:
    first, second = city.resident(), city.resident()
    city.claim(first)
    client = redis_handle.client
    _, fields = client.xrange(keys.claims(MAY))[0]
    client.xadd(keys.claims(MAY), fields)
    client.xadd(keys.claims(MAY), {**fields, "resident_id": str(second.id)})
    assert drain() == 2
    assert [entry.resident_id for entry in waiting()] == [second.id]
    assert [voucher.resident_id for voucher in rows(Voucher)] == [first.id]
    assert ledger.check().differences == ()


def test_a_batch_of_two_epochs_is_written_as_far_as_it_is_of_the_current_one(city: City) -> None:
    city.claim(city.resident())
    city.claim(city.resident())
    client = redis_handle.client
    entry_id, fields = client.xrange(keys.claims(MAY))[1]
    client.xdel(keys.claims(MAY), entry_id)
    client.xadd(keys.claims(MAY), {**fields, "epoch": "9"})
    drain()
    assert len(rows(Voucher)) == 1
    assert db.session.get_one(Campaign, MAY).epoch == 1
