"""Amount codes: the shop's amount, one order, five minutes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from backend import clock
from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.services import (
    amount_codes,
    ledger,
    orders,
    quotes,
    redemptions,
    standings,
)
from backend.services.amount_codes import Shown
from backend.services.orders import Amounts
from backend.storage.models.amount_codes import AmountCode
from backend.storage.models.orders import Order
from backend.storage.sql import transaction
from merchant_qr import payload
from tests.factories import (
    RESTAURANT,
    SUPERMARKET,
    City,
    MovableClock,
    Person,
    new_request,
    rows,
)

ASKED_FEN = 32_000


def shown(clerk: Person, request: str = "", amount_fen: int = ASKED_FEN) -> Shown:
    return amount_codes.issue(
        merchant_id=SUPERMARKET,
        clerk_id=clerk.id,
        order_amount_fen=amount_fen,
        request_id=request or new_request(),
    )


def buyer(city: City) -> Person:
    person = city.resident()
    for tier in (1, 2, 3):
        city.claim(person, tier=tier)
    return person


def order(person: Person, url: str, request: str = "", told_fen: int | None = None) -> Order:
    return orders.create_at_placard(
        resident_id=person.id,
        request_id=request or new_request(),
        placard_code=url,
        amounts=None if told_fen is None else Amounts(order_amount_fen=told_fen),
    )


def test_who_scans_pays_the_amount_of_the_code_and_the_shop_sees_the_order(city: City) -> None:
    clerk, person = city.clerk(), buyer(city)
    code = shown(clerk)
    quote = quotes.at_placard(resident_id=person.id, placard_code=code.url)
    assert (quote.order_amount_fen, quote.payable_fen) == (ASKED_FEN, 23_000)
    made = order(person, code.url)
    assert (made.entry, made.amount_code, made.order_amount_fen) == (
        "amount_code",
        code.number,
        ASKED_FEN,
    )
    assert amount_codes.get(code.number, merchant_id=SUPERMARKET).order_id == made.id
    redemptions.confirm_paid(order_id=made.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    assert ledger.check().differences == ()


def test_of_two_residents_racing_one_code_one_has_the_order(city: City) -> None:
    people = [buyer(city) for _ in range(8)]
    code = shown(city.clerk())

    def scan(person: Person) -> str:
        with city.app.app_context():
            try:
                order(person, code.url)
            except HuiquanError as refused:
                return refused.code
            return "ordered"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(scan, people))
    assert outcomes == {"ordered": 1, "amount_code_used": 7}
    assert len(rows(Order)) == 1


def test_the_unique_key_refuses_a_second_order_and_says_why(city: City) -> None:
    """As when two residents have both looked before either has written."""
    clerk = city.clerk()
    used, other = shown(clerk), shown(clerk)
    order(buyer(city), used.url)
    second = order(buyer(city), other.url)
    change = update(Order).where(Order.id == second.id).values(amount_code=used.number)
    with (
        pytest.raises(refusals.AmountCodeUsed),
        amount_codes.once(used.number),
        transaction() as session,
    ):
        session.execute(change)
    assert {row.amount_code for row in rows(Order)} == {used.number, other.number}


def test_a_code_that_sql_no_longer_knows_is_refused(city: City) -> None:
    """SQL came back from a backup, and the code was made after it."""
    said = payload.AmountCode(
        merchant_id=SUPERMARKET,
        order_amount_fen=ASKED_FEN,
        number=999,
        expires_s=clock.to_ms(clock.now()) // 1000 + 60,
    )
    with pytest.raises(refusals.AmountCodeInvalid):
        order(buyer(city), payload.amount_code(said, key=city.settings.placard_key))


def test_a_code_counts_five_minutes_and_not_a_second_more(city: City, moment: MovableClock) -> None:
    person, code = buyer(city), shown(city.clerk())
    moment.move(minutes=5, milliseconds=-1)
    assert quotes.at_placard(resident_id=person.id, placard_code=code.url).voucher
    moment.move(milliseconds=1)
    with pytest.raises(refusals.AmountCodeExpired):
        quotes.at_placard(resident_id=person.id, placard_code=code.url)
    with pytest.raises(refusals.AmountCodeExpired):
        order(person, code.url)


def test_an_edited_amount_is_refused(city: City) -> None:
    person, code = buyer(city), shown(city.clerk())
    edited = code.url.replace("-32000-", "-30000-")
    assert edited != code.url
    with pytest.raises(refusals.AmountCodeInvalid):
        order(person, edited)


def test_a_phone_may_repeat_the_amount_and_not_change_it(city: City) -> None:
    person, code = buyer(city), shown(city.clerk())
    with pytest.raises(refusals.AmountDiffers) as refused:
        order(person, code.url, told_fen=ASKED_FEN - 1)
    assert refused.value.details == {"order_amount_fen": ASKED_FEN}
    assert order(person, code.url, told_fen=ASKED_FEN).order_amount_fen == ASKED_FEN


def test_a_placard_tells_no_amount(city: City) -> None:
    with pytest.raises(refusals.AmountMissing):
        order(buyer(city), city.placard[SUPERMARKET])


def test_a_repeated_request_has_its_order_though_the_code_is_used_and_over(
    city: City, moment: MovableClock
) -> None:
    person, code, request = buyer(city), shown(city.clerk()), new_request()
    first = order(person, code.url, request)
    assert order(person, code.url, request).id == first.id
    moment.move(minutes=6)
    assert order(person, code.url, request).id == first.id
    with pytest.raises(refusals.AmountCodeExpired):
        order(person, code.url)


def test_a_used_code_is_neither_quoted_nor_shown_as_the_shops(city: City) -> None:
    first, second, code = buyer(city), buyer(city), shown(city.clerk())
    merchant, said = amount_codes.scanned(code.url)
    assert (merchant.id, said and said.order_amount_fen) == (SUPERMARKET, ASKED_FEN)
    order(first, code.url)
    with pytest.raises(refusals.AmountCodeUsed):
        quotes.at_placard(resident_id=second.id, placard_code=code.url)
    with pytest.raises(refusals.AmountCodeUsed):
        amount_codes.scanned(code.url)


def test_the_same_request_makes_one_code_and_another_amount_is_refused(city: City) -> None:
    clerk, request = city.clerk(), new_request()
    assert shown(clerk, request) == shown(clerk, request)
    assert len(rows(AmountCode)) == 1
    with pytest.raises(refusals.RequestReused):
        shown(clerk, request, amount_fen=1)


def test_only_a_shop_that_may_redeem_makes_a_code_and_sees_its_own(city: City) -> None:
    clerk = city.clerk()
    code = shown(clerk)
    with pytest.raises(NotFound):
        amount_codes.get(code.number, merchant_id=RESTAURANT)
    with pytest.raises(NotFound):
        amount_codes.draw(code.number + 1, merchant_id=SUPERMARKET)
    standings.suspend(SUPERMARKET, actor="test", reason="核查")
    with pytest.raises(refusals.MerchantNotPublished):
        shown(clerk)
    with pytest.raises(refusals.MerchantNotPublished):
        order(buyer(city), code.url)
