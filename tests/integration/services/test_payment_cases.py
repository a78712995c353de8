"""Money astray goes back once, and staff close what they have looked into."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain.errors import NotFound
from backend.domain.payments import PaymentCaseClosed, PaymentCaseUnsettled
from backend.gateways.payments.protocol import RefundRequest, RefundState
from backend.services import payment_cases, payment_notices, payment_states
from backend.storage.models.audit import AuditEntry
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentCase
from tests.factories import City, MovableClock, rows
from tests.integration.services.paying import at_placard, buyer, provided
from tests.providers import SIGNATURE, ScriptedProvider, notice_body, paid

DONE = RefundState(status="done", amount_fen=20_000, reference="5030001")
PROCESSING = RefundState(status="processing")


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def order(city: City, provider: ScriptedProvider) -> Order:
    order = at_placard(city, buyer(city))
    payment_states.record(order.id, "wechat_pay", paid(20_000))
    return order


def case() -> PaymentCase:
    (found,) = rows(PaymentCase)
    assert isinstance(found, PaymentCase)
    return found


def test_the_whole_that_was_collected_goes_back_under_one_number(
    provider: ScriptedProvider, order: Order, moment: MovableClock
) -> None:
    unclear = RefundState(status="unknown")
    provider.tell("refund", TimeoutError(), unclear, PROCESSING)
    provider.tell("query_refund", unclear, TimeoutError(), PROCESSING, DONE)
    for _ in range(60):
        payment_cases.refund_due()
        moment.move(seconds=1)
    asked = [(act, about) for act, about in provider.asked if act != "charge"]
    assert [act for act, _ in asked] == [
        "refund",
        *("query_refund", "refund") * 2,
        *("query_refund", "query_refund"),
    ]
    requests = [about for _, about in asked if isinstance(about, RefundRequest)]
    assert {(r.refund_id, r.amount_fen, r.total_fen) for r in requests} == {
        (case().refund_id, 20_000, 20_000)
    }
    assert (case().refund_status, case().refund_reference) == ("done", "5030001")


def test_two_jobs_at_once_ask_for_a_refund_once(
    city: City, provider: ScriptedProvider, order: Order
) -> None:
    provider.tell("refund", DONE)

    def run(_: int) -> int:
        with city.app.app_context():
            return payment_cases.refund_due()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1
    assert provider.counts()["refund"] == 1


def test_a_job_killed_in_the_middle_leaves_the_refund_to_the_next_under_the_same_number(
    provider: ScriptedProvider, order: Order, moment: MovableClock
) -> None:
    def die(act: str) -> None:
        raise KeyboardInterrupt

    provider.before = die
    with pytest.raises(KeyboardInterrupt):
        payment_cases.refund_due()
    provider.before = lambda act: None
    provider.tell("refund", DONE)
    moment.move(seconds=59)
    assert payment_cases.refund_due() == 0
    moment.move(seconds=1)
    assert payment_cases.refund_due() == 1
    numbers = {about.refund_id for _, about in provider.asked if isinstance(about, RefundRequest)}
    assert len(numbers) == 1


def test_a_notice_of_the_refund_ends_it_before_any_question(
    provider: ScriptedProvider, order: Order, moment: MovableClock
) -> None:
    provider.tell("refund", PROCESSING)
    payment_cases.refund_due()
    refund = {"status": "done", "amount_fen": 20_000}
    body = notice_body(order.id, "refund-1", refund_id=case().refund_id, refund=refund)
    payment_notices.receive("wechat_pay", SIGNATURE, body)
    assert case().refund_status == "done"
    moment.move(hours=1)
    assert payment_cases.refund_due() == 0


def test_a_refund_of_another_amount_is_left_to_staff(
    provider: ScriptedProvider, order: Order
) -> None:
    provider.tell("refund", RefundState(status="done", amount_fen=19_999))
    payment_cases.refund_due()
    assert case().refund_status == "failed"


def test_a_case_is_closed_once_by_somebody_with_a_reason_and_not_before_its_refund(
    provider: ScriptedProvider, order: Order
) -> None:
    number = case().id
    with pytest.raises(PaymentCaseUnsettled):
        payment_cases.close(number, actor="李科长", reason="已核对")
    provider.tell("refund", DONE)
    payment_cases.refund_due()
    assert [one.id for one in payment_cases.list_cases()] == [number]
    closed = payment_cases.close(number, actor="李科长", reason="已核对")
    assert (closed.state, closed.closed_by, closed.close_reason) == ("closed", "李科长", "已核对")
    assert payment_cases.list_cases() == []
    entry = rows(AuditEntry)[-1]
    assert (entry.actor, entry.action, entry.subject) == (
        "李科长",
        "payment_case.close",
        str(number),
    )
    with pytest.raises(PaymentCaseClosed):
        payment_cases.close(number, actor="王科长", reason="再核对")
    with pytest.raises(NotFound):
        payment_cases.close(number + 1, actor="李科长", reason="已核对")
