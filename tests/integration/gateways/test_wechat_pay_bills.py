"""WeChat Pay over HTTP: the bill of a day, whole or not at all."""

from datetime import datetime, time, timedelta

import pytest

from backend import clock
from backend.gateways.payments.protocol import BillNotReady
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_bill import parse_trade_bill
from tests.integration.gateways.conftest import MakePay
from tests.wechat_pay_parts import (
    UNCLEAR,
    PayStandin,
    make_charge,
    make_refund,
)


def test_a_days_bill_arrives_whole_and_agrees_with_what_was_paid(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge(2550)
    pay.charge(charge)
    pay_standin.pay(charge)
    refund = make_refund(charge, 1000)
    pay.refund(refund)
    day = clock.today()
    with pay_standin.later(2 * 24 * 3600):
        bill = pay.bill(day)
    assert bill.content is not None
    assert bill.file_name == f"wechat_pay_1900000001_{day}.csv"
    rows = [
        row for row in parse_trade_bill(bill.content).rows if row.out_trade_no == charge.order_id
    ]
    assert [
        (row.state, row.order_fen, row.refund_fen) for row in sorted(rows, key=lambda r: r.state)
    ] == [
        ("REFUND", 0, 1000),
        ("SUCCESS", 2550, 0),
    ]
    assert {row.out_refund_no for row in rows} == {None, refund.refund_id}


def test_a_day_without_payments_has_no_bill(pay: WeChatPay) -> None:
    assert pay.bill(clock.today() - timedelta(days=30)).content is None


def test_a_bill_is_made_at_ten_of_the_next_day(pay: WeChatPay, pay_standin: PayStandin) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    today = clock.today()
    ten = datetime.combine(today + timedelta(days=1), time(10), clock.CHINA)
    until_s = (ten - clock.now()).total_seconds()
    with pay_standin.later(until_s - 30), pytest.raises(BillNotReady, match="STATEMENTCREATING"):
        pay.bill(today)
    with pay_standin.later(until_s + 30):
        assert pay.bill(today).content is not None


@pytest.mark.parametrize(("mode", "value"), UNCLEAR)
@pytest.mark.parametrize("path", ["/v3/bill/tradebill", "/v3/billdownload/file"])
def test_a_bill_that_does_not_arrive_is_asked_for_later(
    make_pay: MakePay, pay_standin: PayStandin, path: str, mode: str, value: float
) -> None:
    pay = make_pay(timeout_s=(0.5, 0.8))
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    day = clock.today()
    pay_standin.fault(path, mode, value)
    with pay_standin.later(2 * 24 * 3600), pytest.raises(BillNotReady):
        pay.bill(day)
