"""Notices: stored once, applied once, however they come."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain.errors import NotFound
from backend.services import ledger, payment_notices
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.payments import PaymentCase, PaymentNotice
from tests.factories import City, MovableClock, Person, rows
from tests.integration.services.paying import (
    PAYABLE_FEN,
    at_placard,
    buyer,
    now_is,
    provided,
    voucher_of,
)
from tests.providers import (
    CLOSED,
    SIGNATURE,
    UNKNOWN,
    ScriptedProvider,
    notice_body,
    paid_notice,
)

TAKEN = (200, "text/plain", "taken")


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def person(city: City) -> Person:
    return buyer(city)


@pytest.fixture
def order(city: City, provider: ScriptedProvider, person: Person) -> Order:
    return at_placard(city, person)


def receive(body: bytes, headers: dict[str, str] = SIGNATURE) -> tuple[int, str, str]:
    return payment_notices.receive("wechat_pay", headers, body)


def outcomes() -> list[str | None]:
    return [notice.outcome for notice in rows(PaymentNotice)]


def test_a_notice_that_comes_20_times_at_once_is_taken_20_times_and_applied_once(
    city: City, order: Order
) -> None:
    def come(_: int) -> tuple[int, str, str]:
        with city.app.app_context():
            return receive(paid_notice(order.id, PAYABLE_FEN))

    with ThreadPoolExecutor(20) as pool:
        answers = Counter(pool.map(come, range(20)))
    assert answers == {TAKEN: 20}
    assert outcomes() == ["redeemed"]
    assert len(rows(Redemption)) == 1
    assert now_is(order.id) == ("redeemed", "paid")
    assert ledger.check().differences == ()


def test_two_events_of_one_payment_redeem_once(order: Order) -> None:
    receive(paid_notice(order.id, PAYABLE_FEN, "event-1"))
    receive(paid_notice(order.id, PAYABLE_FEN, "event-2"))
    assert outcomes() == ["redeemed", "repeated"]
    assert len(rows(Redemption)) == 1


def test_a_notice_before_the_answer_of_the_charge_stays_the_truth(
    city: City, provider: ScriptedProvider, person: Person
) -> None:
    def tell_first(act: str) -> None:
        if act == "charge":
            _, charge = provider.asked[-1]
            receive(paid_notice(charge.order_id, PAYABLE_FEN))

    provider.tell("charge", UNKNOWN)
    provider.before = tell_first
    order = at_placard(city, person)
    assert (order.status, order.payment.status) == ("redeemed", "paid")
    assert now_is(order.id) == ("redeemed", "paid")


def test_a_forged_notice_is_refused_and_leaves_no_row(
    order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    forged = paid_notice(order.id, PAYABLE_FEN)
    assert receive(forged, {}) == (401, "text/plain", "again")
    assert rows(PaymentNotice) == []
    assert now_is(order.id) == ("locked", "pending")
    assert "notice_refused" in caplog.text
    assert order.id not in caplog.text.partition("notice_refused")[2]


def test_a_wrong_amount_redeems_nothing_and_becomes_a_case(order: Order, person: Person) -> None:
    assert receive(paid_notice(order.id, 1)) == TAKEN
    assert outcomes() == ["wrong_amount"]
    assert [case.refund_fen for case in rows(PaymentCase)] == [1]
    assert voucher_of(person) == ["unused"]


def test_a_late_notice_of_a_released_order_becomes_a_case(
    city: City, provider: ScriptedProvider, order: Order, moment: MovableClock
) -> None:
    provider.tell("close", CLOSED)
    moment.move(seconds=300)
    payment_notices.payment_states.record(order.id, "wechat_pay", CLOSED)
    receive(paid_notice(order.id, PAYABLE_FEN))
    assert outcomes() == ["paid_after_release"]
    assert [case.kind for case in rows(PaymentCase)] == ["paid_after_release"]


def test_a_refund_told_before_its_payment_has_the_payment_asked_about_at_once(
    city: City, provider: ScriptedProvider, order: Order, moment: MovableClock
) -> None:
    moment.move(seconds=40)
    refund = {"status": "done", "amount_fen": 100}
    receive(notice_body(order.id, "event-9", refund_id="theirs-1", refund=refund))
    assert outcomes() == ["foreign_refund"]
    (case,) = rows(PaymentCase)
    assert (case.kind, case.refund_status, case.collected_fen) == ("foreign_refund", "none", 100)
    assert order.payment.next_query_at is not None
    receive(paid_notice(order.id, PAYABLE_FEN))
    assert now_is(order.id) == ("redeemed", "paid")


def test_a_notice_about_no_order_of_ours_or_another_providers_is_kept_and_changes_nothing(
    city: City, order: Order
) -> None:
    with provided(city, "unionpay"):
        payment_notices.receive("unionpay", SIGNATURE, paid_notice(order.id, PAYABLE_FEN))
    receive(paid_notice("f" * 32, PAYABLE_FEN))
    refund = {"status": "done", "amount_fen": 1}
    receive(notice_body("f" * 32, "event-2", refund_id="r-1", refund=refund))
    assert sorted(map(str, outcomes())) == ["order_unknown", "order_unknown", "other_provider"]
    assert now_is(order.id) == ("locked", "pending")


def test_what_was_stored_and_not_applied_is_applied_by_the_job_once(
    city: City, order: Order, moment: MovableClock
) -> None:
    """As after a kill between the two transactions: the row is there, nothing has come of it."""
    notice = ScriptedProvider().read_notice(SIGNATURE, paid_notice(order.id, PAYABLE_FEN))
    payment_notices._store("wechat_pay", notice)
    assert outcomes() == [None]

    def run(_: int) -> int:
        with city.app.app_context():
            return payment_notices.apply_left_over()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1
    assert outcomes() == ["redeemed"]
    assert len(rows(Redemption)) == 1


def test_a_notice_that_cannot_be_applied_is_taken_and_tried_again_later_and_stops_no_other(
    city: City, provider: ScriptedProvider, order: Order, moment: MovableClock
) -> None:
    nonsense = {"status": "???", "amount_fen": 1}
    assert receive(notice_body(order.id, "event-1", payment=nonsense)) == TAKEN
    assert payment_notices.apply_left_over() == 0
    (left,) = rows(PaymentNotice)
    assert (left.tries, left.outcome) == (1, None)
    assert receive(paid_notice(order.id, PAYABLE_FEN, "event-2")) == TAKEN
    assert now_is(order.id) == ("redeemed", "paid")
    moment.move(seconds=1)
    payment_notices.apply_left_over()
    assert sorted(notice.tries for notice in rows(PaymentNotice)) == [0, 2]


def test_a_provider_this_installation_lacks_has_no_address(city: City) -> None:
    with pytest.raises(NotFound):
        payment_notices.receive("unionpay", SIGNATURE, b"{}")
