"""Payment codes: 60 seconds, one use, the newest kills the older, and nothing revives one."""

import re

import pytest

from backend import clock
from backend.domain import refusals
from backend.extensions import db, redis_handle
from backend.services import payment_codes
from backend.storage.models.payment_codes import PaymentCode
from backend.storage.sql import transaction
from merchant_qr import payment_code as code_form
from tests.factories import City, MovableClock, rows


def use(code: str) -> int:
    with transaction() as session:
        return payment_codes.use(session, code)


def test_a_code_is_twenty_digits_no_wallet_uses_and_tells_its_holder_once(city: City) -> None:
    person = city.resident()
    issued = payment_codes.issue(person.id)
    assert re.fullmatch("88[0-9]{18}", issued.code)
    assert code_form.wallet_of(issued.code) is None
    assert use(issued.code) == person.id
    with pytest.raises(refusals.PaymentCodeInvalid):
        use(issued.code)


def test_a_code_lives_60_seconds_and_not_a_millisecond_more(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    issued = payment_codes.issue(person.id)
    moment.move(seconds=60)
    with pytest.raises(refusals.PaymentCodeInvalid):
        use(issued.code)
    moment.move(seconds=-0.001)
    assert use(issued.code) == person.id


def test_the_newest_code_kills_the_older(city: City) -> None:
    person = city.resident()
    older, newer = payment_codes.issue(person.id), payment_codes.issue(person.id)
    with pytest.raises(refusals.PaymentCodeInvalid):
        use(older.code)
    assert use(newer.code) == person.id


def test_a_clock_set_back_revives_no_code(city: City, moment: MovableClock) -> None:
    codes = [payment_codes.issue(city.resident().id).code for _ in range(20)]
    moment.move(seconds=61)
    payment_codes.raise_mark()
    clock.use(MovableClock(moment._at))  # another process, which has not seen that time …
    moment = MovableClock(moment._at)
    moment.move(seconds=-45)  # … and whose wall clock is set back
    clock.use(moment)
    for code in codes:
        with pytest.raises(refusals.PaymentCodeInvalid):
            use(code)


def test_the_mark_never_falls_and_the_clock_never_goes_below_it(
    city: City, moment: MovableClock
) -> None:
    payment_codes.raise_mark()
    reached_at = clock.now()
    earlier = MovableClock(reached_at)
    earlier.move(hours=-1)
    clock.use(earlier)
    assert clock.now() < reached_at
    assert payment_codes.mark_time(db.session()) == reached_at
    payment_codes.raise_mark()
    assert payment_codes.mark_time(db.session()) == reached_at


def test_the_loss_of_valkey_revives_no_code(city: City) -> None:
    person = city.resident()
    issued = payment_codes.issue(person.id)
    use(issued.code)
    redis_handle.client.flushall()
    with pytest.raises(refusals.PaymentCodeInvalid):
        use(issued.code)


def test_a_use_that_is_rolled_back_leaves_the_code_alive(city: City) -> None:
    issued = payment_codes.issue(city.resident().id)

    class Boom(Exception): ...

    def fail() -> None:
        with transaction() as session:
            payment_codes.use(session, issued.code)
            raise Boom

    with pytest.raises(Boom):
        fail()
    assert use(issued.code)


@pytest.mark.parametrize(
    ("text", "wallet"),
    [
        ("130061098828009406", "微信"),
        ("280123456789012345", "支付宝"),
        ("6227380008895492996", "云闪付"),
    ],
)
def test_another_wallets_code_is_named_and_not_stored(city: City, text: str, wallet: str) -> None:
    with pytest.raises(refusals.WalletCode) as refused:
        payment_codes.check_form(text)
    assert refused.value.details["name"] == wallet
    assert text not in str(refused.value) + repr(refused.value.details)
    assert rows(PaymentCode) == []


def test_a_misread_digit_is_told_from_an_invalid_code(city: City) -> None:
    code = payment_codes.issue(city.resident().id).code
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    with pytest.raises(refusals.PaymentCodeMisread):
        payment_codes.check_form(wrong)


def test_what_a_scanner_gun_types_reads_as_the_code(city: City) -> None:
    code = payment_codes.issue(city.resident().id).code
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    for typed in (f"{code}\r\n", f"{code}\t", full_width, f"{code[:4]} {code[4:]}"):
        assert payment_codes.check_form(typed) == code


def test_codes_older_than_a_day_are_forgotten(city: City, moment: MovableClock) -> None:
    payment_codes.issue(city.resident().id)
    moment.move(days=1)
    payment_codes.raise_mark()
    assert [row.state for row in rows(PaymentCode)] == ["expired"]
    moment.move(seconds=61)
    payment_codes.raise_mark()
    assert rows(PaymentCode) == []
