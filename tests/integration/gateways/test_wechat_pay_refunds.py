"""WeChat Pay over HTTP: refunds, each once under its number."""

import pytest

from backend.gateways.payments.wechat_pay import WeChatPay
from tests.integration.gateways.conftest import MakePay
from tests.wechat_pay_parts import (
    REFUNDS,
    REFUSALS,
    UNCLEAR,
    PayStandin,
    make_charge,
    make_refund,
)


def test_a_refund_is_worked_on_then_done_and_the_same_number_is_the_same_refund(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge)
    refund = make_refund(charge, 3000)
    first, second = pay.refund(refund), pay.refund(refund)
    assert (first.status, first.amount_fen) == ("processing", 3000)
    assert first == second
    pay_standin.control("finish-refunds")
    assert pay.query_refund(refund).status == "done"
    assert pay.query(charge).status == "paid", "what was refunded had been paid"
    assert pay.refund(make_refund(charge, 5000)).status == "processing"


@pytest.mark.parametrize(("said", "expected"), [("ABNORMAL", "processing"), ("CLOSED", "failed")])
def test_a_refund_that_no_card_takes_waits_for_a_person_and_a_closed_one_failed(
    pay: WeChatPay, pay_standin: PayStandin, said: str, expected: str
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    refund = make_refund(charge, 100)
    pay.refund(refund)
    pay_standin.control("finish-refunds", status=said)
    assert pay.query_refund(refund).status == expected


def test_more_than_was_paid_is_refused_for_good(pay: WeChatPay, pay_standin: PayStandin) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge)
    assert pay.refund(make_refund(charge, 8001)).status == "failed"
    pay.refund(make_refund(charge, 8000))
    assert pay.refund(make_refund(charge, 1)).status == "failed"


@pytest.mark.parametrize(("mode", "value"), UNCLEAR)
def test_an_unclear_refund_is_unknown_and_is_sent_again_without_paying_twice(
    make_pay: MakePay, pay_standin: PayStandin, mode: str, value: float
) -> None:
    pay = make_pay(timeout_s=(0.5, 0.8))
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge)
    refund = make_refund(charge, 8000)
    pay_standin.fault(REFUNDS, mode, value, times=1)
    assert pay.refund(refund).status == "unknown"
    assert pay.refund(refund).status == "processing"
    orders = pay_standin.api("GET", "/_standin/orders").json()
    ours = next(order for order in orders if order["out_trade_no"] == charge.order_id)
    assert ours["refunded_fen"] == 8000


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_a_refund_refused_for_a_while_may_be_sent_again_and_one_that_was_taken_never_failed(
    pay: WeChatPay, pay_standin: PayStandin, status: int, code: str
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge)
    taken, new = make_refund(charge, 1000), make_refund(charge, 1000)
    pay.refund(taken)
    pay_standin.mood(REFUNDS, "refuse", status=status, code=code)
    for_good = code in ("PARAM_ERROR", "INVALID_REQUEST", "TRADE_ERROR")
    assert pay.refund(new).status == ("failed" if for_good else "unknown")
    expected = "unknown" if status >= 500 or status == 401 else "processing"
    assert pay.refund(taken).status == expected


def test_a_refused_refund_has_not_failed_while_nobody_says_that_it_is_not_there(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge)
    refund = make_refund(charge, 8001)
    pay_standin.fault(f"{REFUNDS}/{refund.refund_id}", "502", times=1)
    assert pay.refund(refund).status == "unknown"
    assert pay.refund(refund).status == "failed"


def test_a_refund_of_another_amount_under_the_number_is_not_ours(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge)
    refund = make_refund(charge, 1000)
    pay.refund(refund)
    changed = make_refund(charge, 2000, refund_id=refund.refund_id)
    assert pay.refund(changed).status == "unknown"
    assert pay.query_refund(changed).status == "unknown"
    assert pay.query_refund(make_refund(charge, 1000)).status == "unknown"
