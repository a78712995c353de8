"""Who is calling. The whole of it over HTTP: tests/integration/edge/bank_api/test_signature.py."""

from datetime import timedelta

import pytest
from apiflask import APIFlask

from backend import clock
from backend.domain import partners as rules
from backend.domain.errors import HuiquanError
from backend.services import partner_calls, partners
from backend.services.partner_calls import Signed
from backend.storage.models.partners import PartnerNonce
from tests.bank_parts import Bank, enter
from tests.factories import MovableClock, rows

TEXT = b"GET\n/bank/v1/time"


@pytest.fixture(autouse=True)
def _nothing_refused() -> None:
    """What other tests' calls have left in this process."""
    partner_calls.uncounted.take()


def call(bank: Bank, **changed: str) -> Signed:
    given = {
        "partner_id": bank.partner_id,
        "key_id": bank.key_id,
        "timestamp": str(int(clock.now().timestamp())),
        "nonce": "nonce-0000000001",
        "signature": rules.signature(bank.secret, TEXT),
        "address": "127.0.0.1",
        **changed,
    }
    return Signed(text=TEXT, **given)


def test_what_is_refused_uses_no_nonce_up(app: APIFlask) -> None:
    bank, long_ago = enter(), "1600000000"
    for changed in (
        {"signature": "0" * 64},
        {"key_id": "BANK01-9"},
        {"timestamp": long_ago},
        {"address": "203.0.113.9"},
    ):
        with pytest.raises(HuiquanError):
            partner_calls.authenticate(call(bank, **changed))
    assert rows(PartnerNonce) == []
    caller = partner_calls.authenticate(call(bank))
    assert (caller.partner_id, caller.secret) == (bank.partner_id, bank.secret)


def test_nobody_learns_from_a_wrong_signature_whether_time_and_address_are_right(
    app: APIFlask,
) -> None:
    bank = enter()
    for changed in ({}, {"timestamp": "1600000000"}, {"address": "203.0.113.9"}):
        with pytest.raises(rules.PartnerSignatureInvalid):
            partner_calls.authenticate(call(bank, signature="0" * 64, **changed))


def test_a_key_counts_no_more_in_the_moment_it_is_retired(app: APIFlask) -> None:
    bank = enter()
    partner_calls.authenticate(call(bank))
    partners.retire_key(bank.partner_id, bank.key_id, actor="王")
    with pytest.raises(rules.PartnerSignatureInvalid):
        partner_calls.authenticate(call(bank, nonce="nonce-0000000002"))


def test_nonces_are_forgotten_after_10_minutes_and_not_before(
    app: APIFlask, moment: MovableClock
) -> None:
    partner_calls.authenticate(call(enter()))
    moment.move(seconds=600)
    assert partner_calls.forget_nonces() == 0
    moment.move(seconds=0.001)
    assert partner_calls.forget_nonces() == 1


def test_a_believed_call_is_seen_to_a_minute(app: APIFlask, moment: MovableClock) -> None:
    bank, began = enter(), clock.now()
    assert partners.get(bank.partner_id).last_call_at is None
    for number, (seconds, seen_s) in enumerate(((0, 0), (60, 0), (1, 61))):
        moment.move(seconds=seconds)
        partner_calls.authenticate(call(bank, nonce=f"nonce-{number:010d}"))
        told = partners.get(bank.partner_id).last_call_at
        assert told == began + timedelta(seconds=seen_s), number


def test_refused_calls_are_counted_by_day_and_reason_and_forgotten_after_a_week(
    app: APIFlask, moment: MovableClock
) -> None:
    bank = enter()
    for changed in ({"signature": "0" * 64}, {"signature": "0" * 64}, {"address": "203.0.113.9"}):
        with pytest.raises(HuiquanError):
            partner_calls.authenticate(call(bank, **changed))
    partner_calls.flush()
    moment.move(days=7)
    told = partner_calls.refused_of_late(bank.partner_id) or ()
    assert [(one.code, one.count, one.address) for one in told] == [
        ("partner_address_refused", 1, "203.0.113.9"),
        ("partner_signature_invalid", 2, "127.0.0.1"),
    ]
    assert partner_calls.refused_of_late() == []
    moment.move(days=1)
    assert partner_calls.refused_of_late(bank.partner_id) == []


def test_whoever_names_no_partner_is_counted_under_one_name(app: APIFlask) -> None:
    bank = enter()
    for number in range(3):
        with pytest.raises(rules.PartnerSignatureInvalid):
            partner_calls.authenticate(call(bank, partner_id=f"NOBODY{number}"))
    partner_calls.flush()
    assert partner_calls.refused_of_late(bank.partner_id) == []
    assert [one.count for one in partner_calls.refused_of_late() or ()] == [3]
