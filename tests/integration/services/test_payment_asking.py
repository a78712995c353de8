"""Asking providers until they know: on a schedule, by several machines, over a kill."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from backend.domain.payments import (
    PayerCodeMisread,
    PaymentProviderMissing,
    PaymentWayNotOffered,
)
from backend.services import ledger, order_readings, orders, payment_asking, payment_codes
from backend.services.orders import Amounts
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.models.residents import WeChatUser
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, Person, drain, new_request, rows
from tests.integration.services.paying import (
    PAYABLE_FEN,
    at_placard,
    buyer,
    by_wallet,
    now_is,
    provided,
    voucher_of,
)
from tests.providers import CLOSED, FAILED, UNKNOWN, PaymentState, ScriptedProvider, paid

WALLET = "134567890123456789"  # 18 digits of WeChat's form


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def person(city: City) -> Person:
    return buyer(city)


def run_until(moment: MovableClock, seconds: int) -> None:
    for _ in range(seconds):
        payment_asking.settle_due()
        moment.move(seconds=1)


def test_a_phone_is_charged_by_its_openid_and_gets_what_its_wallet_needs(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    client = {"package": "prepay_id=wx1"}
    provider.tell("charge", PaymentState(status="pending", client=client))
    request = new_request()
    order = at_placard(city, person, request=request)
    (user,) = (u for u in rows(WeChatUser) if u.id == person.wechat_user_id)
    ((_, charge),) = provider.asked
    assert (charge.payer_openid, charge.amount_fen) == (user.openid, PAYABLE_FEN)  # type: ignore[union-attr]
    assert order.payment.client == client
    again = at_placard(city, person, request=request)
    assert (again.id, again.payment.client) == (order.id, client)
    assert provider.counts() == {"charge": 1}


def test_an_answer_that_was_lost_is_fetched_again_under_the_same_order(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    provider.tell("charge", TimeoutError(), PaymentState(status="pending", code_url="weixin://1"))
    request = new_request()
    assert at_placard(city, person, request=request).payment.status == "unknown"
    again = at_placard(city, person, request=request)
    assert again.payment.code_url == "weixin://1"
    assert {charge.order_id for _, charge in provider.asked} == {again.id}


def test_unknown_then_paid_redeems_without_hands(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    provider.tell("charge", TimeoutError())
    provider.tell("query", UNKNOWN, ConnectionError(), paid(PAYABLE_FEN))
    order = at_placard(city, person)
    assert now_is(order.id) == ("locked", "unknown")
    run_until(moment, 8)
    assert now_is(order.id) == ("redeemed", "paid")
    assert provider.counts() == {"charge": 1, "query": 3}
    assert ledger.check().differences == ()


def test_unknown_is_closed_when_the_lock_ends_and_not_before(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    provider.tell("charge", TimeoutError())
    provider.tell("query", UNKNOWN)
    provider.tell("close", TimeoutError(), UNKNOWN, CLOSED)
    order = at_placard(city, person)
    run_until(moment, 300)
    assert provider.counts()["close"] == 0
    assert provider.counts()["query"] == 9  # 1, 3, 7, 15, 31, 63, 123, 183, 243 s
    run_until(moment, 60)
    assert order_readings.shown_status(order) == "locked"  # nobody knows yet whether money moved
    assert voucher_of(person) == ["locked"]
    run_until(moment, 70)
    assert now_is(order.id) == ("released", "closed")
    assert provider.counts()["close"] == 3
    assert voucher_of(person) == ["unused"]


def test_paid_at_the_very_closing_redeems(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    provider.tell("close", paid(PAYABLE_FEN))
    order = at_placard(city, person)
    moment.move(seconds=300)
    assert payment_asking.settle_due() == 1
    assert now_is(order.id) == ("redeemed", "paid")


def test_a_scanned_wallet_is_charged_once_and_reversed_in_the_end_and_never_kept(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    clerk = city.clerk()
    provider.tell("charge", TimeoutError())
    provider.tell("reverse", CLOSED)
    order = by_wallet(clerk, person, WALLET)
    assert provider.asked[0][1].payer_code == WALLET  # type: ignore[union-attr]
    run_until(moment, 301)
    assert provider.counts()["reverse"] == 1
    assert provider.counts()["charge"] == 1
    assert now_is(order.id) == ("released", "closed")
    assert not any(WALLET in repr(vars(row)) for model in (Order, Payment) for row in rows(model))
    assert WALLET not in repr(provider.asked)


def test_a_scanned_wallet_that_had_paid_is_redeemed_at_the_locks_end_and_not_reversed(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    provider.tell("charge", TimeoutError())
    order = by_wallet(city.clerk(), person, WALLET)
    provider.tell("query", paid(PAYABLE_FEN))
    moment.move(seconds=300)
    assert payment_asking.settle_due() == 1
    assert now_is(order.id) == ("redeemed", "paid")
    assert provider.counts()["reverse"] == 0


def test_a_scanned_wallet_that_pays_at_once_redeems_and_one_that_fails_releases(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    clerk = city.clerk()
    provider.tell("charge", FAILED, paid(PAYABLE_FEN))
    refused = by_wallet(clerk, person, WALLET)
    assert (refused.status, refused.payment.status) == ("released", "failed")
    redeemed = by_wallet(clerk, person, WALLET)
    assert (redeemed.status, redeemed.payment.status) == ("redeemed", "paid")
    assert ledger.check().differences == ()


def test_several_jobs_at_once_ask_about_each_payment_once(
    city: City, provider: ScriptedProvider, moment: MovableClock
) -> None:
    provider.tell("query", paid(PAYABLE_FEN))
    for _ in range(5):
        at_placard(city, buyer(city))
    moment.move(seconds=1)

    def run(_: int) -> int:
        with city.app.app_context():
            return payment_asking.settle_due()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 5
    assert provider.counts() == {"charge": 5, "query": 5}
    assert len(rows(Redemption)) == 5


def test_a_job_killed_while_it_asked_leaves_the_payment_to_the_next_after_60_s(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    order = at_placard(city, person)

    def die(act: str) -> None:
        raise KeyboardInterrupt  # as a kill: no handler of the job's runs

    moment.move(seconds=1)
    provider.before = die
    with pytest.raises(KeyboardInterrupt):
        payment_asking.settle_due()
    provider.before = lambda act: None
    provider.tell("query", paid(PAYABLE_FEN))
    moment.move(seconds=59)
    assert payment_asking.settle_due() == 0
    moment.move(seconds=1)
    assert payment_asking.settle_due() == 1
    assert now_is(order.id) == ("redeemed", "paid")


def test_a_process_killed_before_it_charged_leaves_an_order_that_ends_with_its_lock(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    def die(act: str) -> None:
        raise KeyboardInterrupt

    provider.before = die
    with pytest.raises(KeyboardInterrupt):
        at_placard(city, person)
    provider.before = lambda act: None
    (order,) = rows(Order)
    provider.tell("close", CLOSED)
    moment.move(seconds=299)
    payment_asking.settle_due()
    assert now_is(order.id) == ("locked", "pending")
    moment.move(seconds=1)
    assert payment_asking.settle_due() == 1
    assert now_is(order.id) == ("released", "closed")


def test_a_provider_that_is_down_for_a_minute_leaves_no_order_without_its_true_end(
    city: City, provider: ScriptedProvider, moment: MovableClock
) -> None:
    provider.tell("query", ConnectionError())
    people = [buyer(city) for _ in range(10)]
    made = [at_placard(city, person) for person in people]
    run_until(moment, 60)
    assert {now_is(order.id)[0] for order in made} == {"locked"}
    provider.tell("query", paid(PAYABLE_FEN))
    run_until(moment, 61)
    assert {now_is(order.id) for order in made} == {("redeemed", "paid")}
    assert ledger.check().differences == ()


def test_an_overdue_payment_is_settled_before_the_residents_next_purchase(
    city: City, provider: ScriptedProvider, person: Person, moment: MovableClock
) -> None:
    provider.tell("close", CLOSED)
    first = at_placard(city, person)
    moment.move(seconds=300)
    again = at_placard(city, person)
    assert again.voucher_id == first.voucher_id
    assert now_is(first.id) == ("released", "closed")


def buyer_of_the_whole(city: City) -> Person:
    """Return a resident whose voucher of 90 yuan has no threshold, as a tier may be made."""
    person = buyer(city)
    drain()
    with transaction() as session:
        for voucher in session.scalars(select(Voucher).where(Voucher.resident_id == person.id)):
            voucher.threshold_fen = 0
    return person


def test_nothing_to_pay_asks_no_provider_and_redeems_at_once(
    city: City, provider: ScriptedProvider
) -> None:
    order = at_placard(city, buyer_of_the_whole(city), yuan=60)
    assert (order.payable_fen, order.status) == (0, "redeemed")
    assert (order.payment.status, order.payment.reference) == ("paid", "nothing_due")
    shown = by_wallet(city.clerk(), buyer_of_the_whole(city), WALLET, yuan=60)
    assert (shown.status, shown.payment.provider) == ("locked", "at_till")
    assert provider.asked == []
    assert ledger.check().differences == ()


def test_a_clerk_asks_for_a_code_that_the_payer_scans(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    provider.tell("charge", PaymentState(status="pending", code_url="weixin://wxpay/1"))
    clerk = city.clerk()
    order = orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=SUPERMARKET,
        request_id=new_request(),
        code=payment_codes.issue(person.id).code,
        amounts=Amounts(order_amount_fen=32_000),
        code_wanted=True,
    )
    assert order.payment.code_url == "weixin://wxpay/1"
    assert provider.asked[0][1].payer_openid is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("payer_code", "refusal"),
    [
        ("280000000000000000", PaymentWayNotOffered),  # Alipay
        ("6212345678901234567", PaymentProviderMissing),  # UnionPay is not set up here
        ("999", PayerCodeMisread),
    ],
)
def test_a_wallet_nobody_here_charges_is_refused_and_locks_nothing(
    city: City, provider: ScriptedProvider, person: Person, payer_code: str, refusal: type
) -> None:
    with pytest.raises(refusal):
        by_wallet(city.clerk(), person, payer_code)
    assert (rows(Order), provider.asked) == ([], [])


def test_an_order_with_a_provider_that_is_gone_is_refused_and_an_open_one_waits(
    city: City, person: Person, moment: MovableClock
) -> None:
    with provided(city):
        order = at_placard(city, person)
    moment.move(seconds=300)
    assert payment_asking.settle_due() == 0
    assert now_is(order.id) == ("locked", "unknown")
    with pytest.raises(PaymentProviderMissing):
        at_placard(city, buyer(city))
