"""The wallet and expiry."""

from backend.services import ledger, vouchers
from backend.storage.models.ledger import Transfer
from tests.factories import City, MovableClock, drain, rows


def test_a_voucher_told_to_the_resident_is_in_the_wallet_before_and_after_the_writer(
    city: City,
) -> None:
    person = city.resident()
    claimed = city.claim(person, tier=2)
    before = vouchers.wallet(person.id)
    drain()
    after = vouchers.wallet(person.id)
    assert before == after
    assert before.complete
    (voucher,) = before.vouchers
    assert (voucher.voucher_id, voucher.face_value_fen, voucher.status) == (
        claimed.voucher_id,
        3_000,
        "unused",
    )
    assert (voucher.valid_from, voucher.valid_until) == (claimed.valid_from, claimed.valid_until)


def test_a_wallet_shows_expired_by_the_clock_before_any_job_has_run(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    claimed = city.claim(person)
    moment.set(claimed.valid_until)
    moment.move(seconds=-0.001)
    assert [v.status for v in vouchers.wallet(person.id).vouchers] == ["unused"]
    moment.move(seconds=0.001)
    assert [v.status for v in vouchers.wallet(person.id).vouchers] == ["expired"]


def test_a_wallet_is_its_holders_alone(city: City) -> None:
    holder, other = city.resident(), city.resident()
    city.claim(holder)
    assert vouchers.wallet(other.id).vouchers == ()


def test_expiry_returns_each_voucher_once_at_its_very_moment(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    for tier in (1, 2, 3):
        claimed = city.claim(person, tier=tier)
    drain()
    moment.set(claimed.valid_until)
    moment.move(seconds=-0.001)
    assert vouchers.expire_due() == 0
    moment.move(seconds=0.001)
    assert vouchers.expire_due() == 3
    assert vouchers.expire_due() == 0
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "expiry"] == [13_000]
    assert ledger.check().differences == ()
