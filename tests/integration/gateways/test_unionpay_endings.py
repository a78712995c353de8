"""UnionPay through its stand-in: closing, cancelling and reversing, each once and on its day."""

from collections.abc import Callable
from datetime import datetime, timedelta

from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_calls import BACK_PATH
from tests.unionpay_parts import (
    UnionPayStandin,
    charge_of_now,
    paid,
    refund_of,
    scanned,
)

Move = Callable[[timedelta], datetime]


def test_what_unionpay_never_heard_of_is_closed_only_when_its_time_is_over(
    unionpay: UnionPay, same_clock: Move
) -> None:
    charge = charge_of_now()
    assert unionpay.charge(charge).status == "pending"
    same_clock(timedelta(seconds=355))
    assert unionpay.close(charge).status == "unknown"
    assert unionpay.reverse(charge_of_now()).status == "unknown"
    same_clock(timedelta(seconds=365))
    assert unionpay.close(charge).status == "closed"


def test_a_failed_charge_is_closed(unionpay: UnionPay, unionpay_standin: UnionPayStandin) -> None:
    unionpay_standin.behave(outcome="64")
    charge = scanned()
    unionpay.charge(charge)
    assert unionpay.close(charge).status == "closed"
    assert unionpay.reverse(charge).status == "closed"


def test_an_unclear_charge_of_today_is_reversed_and_holds_no_money(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    unionpay_standin.behave(takes_s=60)
    charge = scanned()
    unionpay.charge(charge)
    assert unionpay.query(charge).status == "unknown"
    assert unionpay.close(charge).status == "unknown"
    assert unionpay.reverse(charge).status == "closed"
    (one,) = [t for t in unionpay_standin.transactions() if t["order_id"] == charge.order_id]
    assert one["undone"] == "reversed"
    assert unionpay.reverse(charge).status == "closed"


def test_a_reversal_without_an_answer_is_unknown_and_done_by_the_next(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    unionpay_standin.behave(takes_s=60)
    charge = scanned()
    unionpay.charge(charge)
    unionpay_standin.fault(BACK_PATH, "close", times=1)
    assert unionpay.reverse(charge).status == "unknown"
    assert unionpay.reverse(charge).status == "closed"


def test_a_paid_charge_is_cancelled_once_on_its_day(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    unionpay_standin.spoil("lost", path=BACK_PATH)
    assert unionpay.reverse(charge).status == "unknown"
    for _ in range(3):
        state = unionpay.reverse(charge)
    assert (state.status, state.reference) == ("closed", reference)
    cancels = [
        t for t in unionpay_standin.transactions("31") if charge.order_id[-31:] in t["order_id"]
    ]
    assert len(cancels) == 1
    assert unionpay.refund(refund_of(charge, reference)).status == "failed", "nothing is left"


def test_a_query_without_an_answer_reverses_nothing(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, _ = paid(unionpay)
    unionpay_standin.api("DELETE", "/_standin/requests")
    unionpay_standin.spoil("lost")
    assert unionpay.reverse(charge).status == "unknown"
    assert unionpay_standin.requests(BACK_PATH) == []
    assert unionpay.query(charge).status == "paid"


def test_a_cancellation_that_is_refused_leaves_the_charge_paid(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    unionpay.refund(refund_of(charge, reference, amount_fen=100))
    assert unionpay.reverse(charge).status == "paid"


def test_another_days_charge_is_neither_cancelled_nor_reversed(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, same_clock: Move
) -> None:
    charge, _ = paid(unionpay)
    unionpay_standin.behave(outcome="05")
    unclear = scanned()
    unionpay.charge(unclear)
    unionpay_standin.api("DELETE", "/_standin/requests")
    same_clock(timedelta(days=1))
    assert unionpay.reverse(charge).status == "paid"
    assert unionpay.reverse(unclear).status == "unknown"
    assert unionpay_standin.requests(BACK_PATH) == []
