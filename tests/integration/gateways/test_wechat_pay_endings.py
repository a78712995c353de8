"""WeChat Pay over HTTP: closing and reversing, and when a charge can be paid no more."""

import pytest

from backend.gateways.payments.wechat_pay import WeChatPay
from tests.wechat_pay_parts import (
    PayStandin,
    make_charge,
    scanned,
)


def test_a_closed_charge_stays_closed_and_cannot_be_paid(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge()
    pay.charge(charge)
    assert pay.close(charge).status == "closed"
    assert pay.query(charge).status == "closed"
    assert pay.close(charge).status == "closed", "ORDER_CLOSED, and the query says so"
    assert pay.charge(charge).status == "closed"
    refused = pay_standin.api("POST", "/_standin/pay", json={"out_trade_no": charge.order_id})
    assert refused.status_code == 400


def test_closing_what_is_paid_says_paid(pay: WeChatPay, pay_standin: PayStandin) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    assert pay.close(charge).status == "paid"


def test_a_charge_that_never_arrived_is_closed_once_it_can_no_longer_arrive(
    pay: WeChatPay,
) -> None:
    assert pay.close(make_charge(age_s=14)).status == "unknown"
    assert pay.close(make_charge(age_s=15.1)).status == "closed"
    assert pay.reverse(scanned(age_s=14)).status == "unknown"
    assert pay.reverse(scanned(age_s=15.1)).status == "closed"


def test_a_charge_runs_out_with_its_order(pay: WeChatPay, pay_standin: PayStandin) -> None:
    charge = make_charge()
    pay.charge(charge)
    with pay_standin.later(290):
        assert pay.query(charge).status == "pending"
    with pay_standin.later(301):
        assert pay.query(charge).status == "closed"


@pytest.mark.parametrize("paid", [False, True])
def test_a_reversed_charge_holds_no_money(
    pay: WeChatPay, pay_standin: PayStandin, paid: bool
) -> None:
    charge = scanned(200_000, age_s=20)
    pay.charge(charge)
    if paid:
        pay_standin.pay(charge)
    assert pay.reverse(charge).status == "closed"
    assert pay.query(charge).status == "closed"


def test_closing_a_scanned_payers_charge_reverses_it_unless_it_is_paid(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    waiting, paid, young = scanned(200_000, age_s=20), scanned(age_s=20), scanned(200_000)
    for charge in (waiting, paid, young):
        pay.charge(charge)
    assert pay.close(waiting).status == "closed"
    assert pay.close(paid).status == "paid"
    assert pay.close(young).status == "unknown", "not reversed in its first 15 s"


def test_a_phones_charge_is_not_reversed_but_told(pay: WeChatPay, pay_standin: PayStandin) -> None:
    charge = make_charge(age_s=20)
    pay.charge(charge)
    pay_standin.pay(charge)
    assert pay.reverse(charge).status == "paid"
