"""A customer's money on its way back: asked for once, told by answers and notices, by hand last."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain.errors import NotFound
from backend.domain.payments import PaymentCaseUnsettled
from backend.domain.refunds import PaybackEnded, PaybackNotFailed
from backend.domain.second_person import SecondPersonNeeded
from backend.gateways.payments.protocol import RefundRequest, RefundState
from backend.services import awaiting, paybacks, payment_cases, payment_notices
from backend.storage.models.audit import AuditEntry
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentCase, PaymentNotice
from backend.storage.models.refunds import Payback
from tests.factories import City, MovableClock, Person, rows
from tests.integration.services.paying import buyer, provided, voucher_of
from tests.integration.services.refunding import (
    ORDER_FEN,
    books_agree,
    moved,
    policy,
    redeemed_online,
    refund,
)
from tests.providers import SIGNATURE, ScriptedProvider, notice_body

UNKNOWN = RefundState(status="unknown")
PROCESSING = RefundState(status="processing")
FAILED = RefundState(status="failed")
DONE = RefundState(status="done", amount_fen=11_500, reference="5030001")


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def sold(city: City, provider: ScriptedProvider) -> tuple[str, Person]:
    """An order of 320 yuan, 230 of them collected online, and a clerk."""
    return redeemed_online(city)


def payback() -> Payback:
    (found,) = rows(Payback)
    assert isinstance(found, Payback)
    return found


def requests(provider: ScriptedProvider) -> list[RefundRequest]:
    return [about for _, about in provider.asked if isinstance(about, RefundRequest)]


def run_for(moment: MovableClock, seconds: int) -> None:
    for _ in range(seconds):
        moment.move(seconds=1)
        paybacks.settle_due()


def test_the_customers_part_is_asked_for_at_once_and_done(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", DONE)
    shown = refund(*sold, 16_000)
    assert (shown.refund.customer_fen, shown.refund.subsidy_fen) == (11_500, 4_500)
    assert shown.payback is not None
    assert (shown.payback.status, shown.payback.reference) == ("done", "5030001")
    (asked,) = requests(provider)
    assert (asked.refund_id, asked.amount_fen, asked.total_fen) == (payback().id, 11_500, 23_000)
    assert (asked.order_id, asked.reference) == (sold[0], "4200001")
    run_for(moment, 5)
    assert len(requests(provider)) == 1
    assert books_agree()


def test_an_unknown_refund_is_asked_about_under_its_number_until_it_is_done(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", TimeoutError(), UNKNOWN, PROCESSING)
    provider.tell("query_refund", UNKNOWN, TimeoutError(), PROCESSING, DONE)
    refund(*sold, 16_000)
    assert payback().status == "unknown"
    assert moved("refund") == [("refund", 4_500)]  # the subsidy waits for no bank
    run_for(moment, 60)
    acts = [act for act, about in provider.asked if isinstance(about, RefundRequest)]
    assert acts == [
        "refund",
        *("query_refund", "refund") * 2,
        *("query_refund", "query_refund"),
    ]
    assert len({(one.refund_id, one.amount_fen, one.created_at) for one in requests(provider)}) == 1
    assert payback().status == "done"
    assert moved("refund") == [("refund", 4_500)]
    assert books_agree()


def test_a_job_killed_in_the_middle_leaves_it_to_the_next_under_the_same_number(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    def die(act: str) -> None:
        raise KeyboardInterrupt

    provider.tell("refund", DONE)
    provider.before = die
    with pytest.raises(KeyboardInterrupt):
        refund(*sold, 16_000)
    provider.before = lambda act: None
    moment.move(seconds=59)
    assert paybacks.settle_due() == 0  # the lease of the dead one
    moment.move(seconds=1)
    assert paybacks.settle_due() == 1
    assert len({one.refund_id for one in requests(provider)}) == 1
    assert payback().status == "done"


def test_four_jobs_at_once_ask_once(
    city: City, provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", PROCESSING)
    provider.tell("query_refund", DONE)
    refund(*sold, 16_000)
    moment.move(minutes=10)

    def run(_: int) -> int:
        with city.app.app_context():
            return paybacks.settle_due()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1
    assert provider.counts()["query_refund"] == 1


def test_a_notice_is_applied_once_and_ends_it_before_any_question(
    city: City, provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", PROCESSING)
    refund(*sold, 16_000)
    said = {"status": "done", "amount_fen": 11_500, "reference": "5030001"}
    body = notice_body(sold[0], "refund-1", refund_id=payback().id, refund=said)

    def receive(_: int) -> int:
        with city.app.app_context():
            return payment_notices.receive("wechat_pay", SIGNATURE, body)[0]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(receive, range(8))) == {200}
    assert (payback().status, payback().reference) == ("done", "5030001")
    assert [row.outcome for row in rows(PaymentNotice)] == ["refund_told"]
    run_for(moment, 5)
    assert provider.counts()["query_refund"] == 0
    assert rows(PaymentCase) == []


def test_an_unclear_notice_only_hurries_the_next_question(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", PROCESSING)
    provider.tell("query_refund", PROCESSING)
    refund(*sold, 16_000)
    run_for(moment, 100)
    before = provider.counts()["query_refund"]
    body = notice_body(sold[0], "r-1", refund_id=payback().id, refund={"status": "unknown"})
    payment_notices.receive("wechat_pay", SIGNATURE, body)
    assert payback().status == "processing"
    paybacks.settle_due()
    assert provider.counts()["query_refund"] == before + 1


def test_a_late_word_changes_no_end(provider: ScriptedProvider, sold: tuple[str, Person]) -> None:
    provider.tell("refund", DONE)
    refund(*sold, 16_000)
    body = notice_body(sold[0], "r-1", refund_id=payback().id, refund={"status": "failed"})
    payment_notices.receive("wechat_pay", SIGNATURE, body)
    assert payback().status == "done"
    assert rows(PaymentCase) == []


@pytest.mark.parametrize("said", [FAILED, RefundState(status="done", amount_fen=11_499)])
def test_what_failed_or_paid_another_amount_becomes_a_case_and_moves_no_money_twice(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock, said: RefundState
) -> None:
    provider.tell("refund", said)
    refund(*sold, 16_000)
    (case,) = rows(PaymentCase)
    assert (case.kind, case.refund_id, case.refund_fen) == (
        "payback_unfinished",
        payback().id,
        11_500,
    )
    run_for(moment, 5)
    payment_cases.refund_due()
    assert len(requests(provider)) == 1
    assert moved("refund") == [("refund", 4_500)]
    assert books_agree()


def test_by_hand_only_after_a_failure_with_proof_and_another_closes_the_case(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", PROCESSING)
    provider.tell("query_refund", FAILED)
    refund(*sold, 16_000)
    id_ = payback().id
    with pytest.raises(PaybackNotFailed):
        paybacks.by_hand(id_, proof="转账 0001", actor="陈出纳")
    run_for(moment, 2)
    (case,) = rows(PaymentCase)
    with pytest.raises(PaymentCaseUnsettled):
        payment_cases.close(case.id, actor="李科长", reason="已办")
    assert awaiting.payment_cases("李科长") == 0
    done = paybacks.by_hand(id_, proof="转账 0001", actor="陈出纳")
    assert (done.status, done.hand_by, done.hand_proof) == ("by_hand", "陈出纳", "转账 0001")
    for again in (
        lambda: paybacks.by_hand(id_, proof="转账 0002", actor="陈出纳"),
        lambda: paybacks.retry(id_, actor="陈出纳"),
    ):
        with pytest.raises(PaybackEnded):
            again()
    assert (awaiting.payment_cases("李科长"), awaiting.payment_cases("陈出纳")) == (1, 0)
    with pytest.raises(SecondPersonNeeded):
        payment_cases.close(case.id, actor=" 陈出纳", reason="已办")
    assert payment_cases.close(case.id, actor="李科长", reason="已核对回单").state == "closed"
    assert [row.action for row in rows(AuditEntry)][-2:] == [
        "payback.by_hand",
        "payment_case.close",
    ]
    assert books_agree()


def test_a_failed_one_is_asked_for_again_under_the_same_number(
    provider: ScriptedProvider, sold: tuple[str, Person]
) -> None:
    provider.tell("refund", FAILED, FAILED, DONE)
    refund(*sold, 16_000)
    assert paybacks.retry(payback().id, actor="陈出纳").status == "failed"
    assert paybacks.retry(payback().id, actor="陈出纳").status == "done"
    assert len({one.refund_id for one in requests(provider)}) == 1
    assert len(rows(PaymentCase)) == 1
    with pytest.raises(NotFound):
        paybacks.retry("0" * 32, actor="陈出纳")
    assert books_agree()


def test_retry_and_by_hand_at_once_never_do_both(
    city: City, provider: ScriptedProvider, sold: tuple[str, Person]
) -> None:
    provider.tell("refund", FAILED, DONE)
    refund(*sold, 16_000)
    id_ = payback().id

    def act(number: int) -> str:
        with city.app.app_context():
            try:
                if number % 2:
                    return paybacks.retry(id_, actor="陈出纳").status
                return paybacks.by_hand(id_, proof="转账 0001", actor="陈出纳").status
            except (PaybackEnded, PaybackNotFailed) as refused:
                return refused.code

    with ThreadPoolExecutor(6) as pool:
        said = set(pool.map(act, range(6)))
    assert not {"done", "by_hand"} <= said
    assert payback().status in said
    assert provider.counts()["refund"] == (2 if payback().status == "done" else 1)


def test_what_is_open_for_three_days_gets_one_case_and_is_asked_about_all_the_same(
    provider: ScriptedProvider, sold: tuple[str, Person], moment: MovableClock
) -> None:
    provider.tell("refund", PROCESSING)
    provider.tell("query_refund", PROCESSING)
    refund(*sold, 16_000)
    moment.move(days=3)
    paybacks.settle_due()
    assert rows(PaymentCase) == []
    moment.move(seconds=601)
    paybacks.settle_due()
    moment.move(seconds=601)
    provider.tell("query_refund", DONE)
    paybacks.settle_due()
    (case,) = rows(PaymentCase)
    assert payback().status == "done"
    assert payment_cases.close(case.id, actor="李科长", reason="已到账").state == "closed"


def test_a_restored_voucher_is_there_while_the_money_is_still_on_its_way(
    city: City, provider: ScriptedProvider
) -> None:
    policy("restore_within_validity")
    provider.tell("refund", PROCESSING)
    person = buyer(city)
    order_id, clerk = redeemed_online(city, person)
    refund(order_id, clerk, ORDER_FEN)
    assert (voucher_of(person), payback().status) == (["unused"], "processing")
    assert {order.status for order in rows(Order)} == {"refunded"}
    assert books_agree()


def test_the_lists_show_what_has_not_reached_the_customer(
    provider: ScriptedProvider, sold: tuple[str, Person]
) -> None:
    provider.tell("refund", DONE, FAILED)
    refund(*sold, 16_000)
    refund(*sold, 1_000)
    assert [one.status for one in paybacks.list_open()] == ["failed"]
    assert len(paybacks.list_open(every=True)) == 2
