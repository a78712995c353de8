"""Receipts: a lost claim comes back to its holder, once, and never beyond the quota."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.extensions import redis_handle
from backend.services import campaigns, claims, ledger, quota_checks, quota_rebuilds, receipts
from backend.storage.models.audit import AuditEntry
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys, quota
from tests.factories import MAY, City, MovableClock, drain, forget_held, rows

RECEIPTS = "/api/v1/resident/receipts"


def lose_valkey() -> None:
    """Lose everything, and load anew what SQL has."""
    redis_handle.client.flushall()
    quota_rebuilds.run(MAY, actor="test")


def noted(action: str) -> list[AuditEntry]:
    return [entry for entry in rows(AuditEntry) if entry.action == action]


def test_a_lost_claim_is_restored_once_and_answers_the_same_again(city: City) -> None:
    person = city.resident()
    lost = city.claim(person)
    lose_valkey()
    assert rows(Voucher) == []
    first = city.post(RECEIPTS, person, receipt=lost.receipt)
    again = city.post(RECEIPTS, person, receipt=lost.receipt)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json["voucher_id"] == lost.voucher_id
    assert (first.json["replayed"], again.json) == (False, {**first.json, "replayed": True})
    assert first.json["claimed_at"] == lost.claimed_at.isoformat()
    assert first.json["valid_until"] == lost.valid_until.isoformat()
    assert [voucher.id for voucher in rows(Voucher)] == [lost.voucher_id]
    assert quota.left(redis_handle.client, campaigns.terms(MAY))[1] == 2499
    assert len(noted("receipt.restored")) == 1
    drain()
    assert len(rows(Voucher)) == 1
    assert quota_checks.check(looks=1).differences == ()
    assert ledger.check().differences == ()
    lose_valkey()  # the receipt given for the restored voucher is of its epoch, and still true
    assert receipts.honour(first.json["receipt"], resident_id=person.id).replayed


def test_one_receipt_sent_20_times_at_once_takes_one_unit(city: City) -> None:
    person = city.resident()
    lost = city.claim(person)
    lose_valkey()

    def send(_: int) -> bool:
        with city.app.app_context():
            return receipts.honour(lost.receipt, resident_id=person.id).replayed

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(send, range(20)))[False] == 1
    assert len(rows(Voucher)) == 1
    assert quota.left(redis_handle.client, campaigns.terms(MAY))[1] == 2499


def test_a_claim_that_is_not_lost_takes_no_second_unit_by_its_receipt(city: City) -> None:
    person = city.resident()
    held = city.claim(person)
    assert receipts.honour(held.receipt, resident_id=person.id).voucher_id == held.voucher_id
    drain()
    assert receipts.honour(held.receipt, resident_id=person.id).replayed
    assert len(rows(Voucher)) == 1
    assert quota.left(redis_handle.client, campaigns.terms(MAY))[1] == 2499


def test_a_forged_receipt_and_another_residents_are_refused_alike(city: City) -> None:
    person, thief = city.resident(), city.resident()
    lost = city.claim(person)
    lose_valkey()
    forged = lost.receipt.replace(f".{person.id}.", f".{thief.id}.", 1)
    answers = [city.post(RECEIPTS, thief, receipt=text) for text in (forged, lost.receipt)]
    for answer in answers:
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "receipt_invalid")
    assert rows(Voucher) == []


def test_a_receipt_without_a_unit_left_is_refused_honestly_and_noted_once(city: City) -> None:
    person = city.resident()
    lost = city.claim(person, tier=3)
    lose_valkey()
    redis_handle.client.hset(keys.quota(MAY), "left:3", 0)
    for _ in range(2):
        answer = city.post(RECEIPTS, person, receipt=lost.receipt)
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "receipt_not_honoured")
        assert "服务热线" in answer.json["error"]["message"]
    assert rows(Voucher) == []
    (entry,) = noted("receipt.refused")
    assert (entry.subject, entry.details["reason"]) == (str(lost.voucher_id), "exhausted")


def test_the_last_unit_goes_to_one_of_ten_receipts(city: City) -> None:
    people = [city.resident() for _ in range(10)]
    lost = [city.claim(person, tier=3).receipt for person in people]
    lose_valkey()
    redis_handle.client.hset(keys.quota(MAY), "left:3", 1)

    def send(number: int) -> str:
        with city.app.app_context():
            try:
                receipts.honour(lost[number], resident_id=people[number].id)
            except HuiquanError as refused:
                return refused.code
            return "restored"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(send, range(10)))
    assert outcomes == {"restored": 1, "receipt_not_honoured": 9}
    assert len(rows(Voucher)) == 1


def test_who_claimed_anew_after_the_loss_gets_no_voucher_beyond_the_limit(city: City) -> None:
    person = city.resident()
    lost = city.claim(person)
    lose_valkey()
    anew = city.claim(person)
    assert anew.voucher_id != lost.voucher_id
    with pytest.raises(refusals.ClaimLimitReached) as refused:
        receipts.honour(lost.receipt, resident_id=person.id)
    assert refused.value.details["held_voucher_id"] == anew.voucher_id


def test_until_the_rebuild_a_receipt_is_asked_again_later(city: City) -> None:
    person = city.resident()
    lost = city.claim(person)
    redis_handle.client.flushall()
    with pytest.raises(refusals.QuotaUnavailable):
        receipts.honour(lost.receipt, resident_id=person.id)
    lose_valkey()
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id


def test_a_receipt_of_this_epoch_that_its_quota_forgot_restores_nothing(city: City) -> None:
    """An older append-only file was put back: which numbers are given, only a rebuild can tell."""
    person = city.resident()
    lost = city.claim(person)
    forget_held()
    redis_handle.client.delete(keys.claims(MAY))
    with pytest.raises(refusals.QuotaUnavailable):
        receipts.honour(lost.receipt, resident_id=person.id)
    quota_rebuilds.run(MAY, actor="test", force=True)
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id


def test_a_pause_and_the_end_do_not_void_a_receipt(city: City) -> None:
    person = city.resident()
    lost = city.claim(person)
    campaigns.stop(MAY, actor="test", reason="试")
    lose_valkey()
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id


@pytest.mark.parametrize("act", ["stop", "end"])
def test_a_campaign_that_is_over_is_rebuilt_by_itself_while_its_vouchers_can_be_valid(
    city: City, moment: MovableClock, act: str
) -> None:
    person, other = city.resident(), city.resident()
    moment.set(campaigns.terms(MAY).ends_at - timedelta(hours=1))
    city.claim(other)
    drain()
    lost = city.claim(person)
    if act == "stop":
        campaigns.stop(MAY, actor="test", reason="试")
    else:
        moment.set(campaigns.terms(MAY).ends_at)
        campaigns.end_due()
    redis_handle.client.flushall()
    assert len(city.get("/api/v1/resident/vouchers", other).json["vouchers"]) == 1
    assert quota_rebuilds.rebuild_lost() == 1
    assert quota_rebuilds.rebuild_lost() == 0
    campaigns.forget_snapshots()
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id
    assert len(city.get("/api/v1/resident/vouchers", person).json["vouchers"]) == 1
    with pytest.raises(refusals.CampaignClosed):
        city.claim(city.resident())
    drain()
    assert quota_checks.check(looks=1).differences == ()


def test_a_campaign_whose_vouchers_are_all_over_is_left_alone(
    city: City, moment: MovableClock
) -> None:
    campaigns.stop(MAY, actor="test", reason="试")
    redis_handle.client.flushall()
    moment.set(campaigns.terms(MAY).ends_at + timedelta(days=6))
    assert quota_rebuilds.rebuild_lost() == 1
    redis_handle.client.flushall()
    moment.move(days=1)
    assert quota_rebuilds.rebuild_lost() == 0


def test_a_quota_of_an_older_epoch_that_came_back_is_rebuilt_by_itself(city: City) -> None:
    """As after a failover to a replica that did not know of the closing."""
    person = city.resident()
    lost = city.claim(person)
    old = redis_handle.client.hgetall(keys.quota(MAY))
    lose_valkey()
    redis_handle.client.delete(keys.quota(MAY))
    redis_handle.client.hset(keys.quota(MAY), mapping=old)
    assert quota_rebuilds.rebuild_lost() == 1
    campaigns.forget_snapshots()
    assert receipts.honour(lost.receipt, resident_id=person.id).voucher_id == lost.voucher_id
    assert city.claim(city.resident())


def test_a_restored_claim_answers_the_request_it_was_taken_by(city: City) -> None:
    person = city.resident()
    claimed = {"campaign_id": MAY, "tier_position": 1, "resident_id": person.id}
    lost = claims.claim_voucher(**claimed, request_id="request-0001")
    lose_valkey()
    receipts.honour(lost.receipt, resident_id=person.id)
    again = claims.claim_voucher(**claimed, request_id="request-0001")
    assert (again.voucher_id, again.replayed) == (lost.voucher_id, True)
