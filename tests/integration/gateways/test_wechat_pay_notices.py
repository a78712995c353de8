"""Notifications over HTTP: repeated, mixed up, forged, replayed; what is believed."""

import time
from collections.abc import Callable

import pytest

from backend import clock
from backend.gateways.payments.protocol import NoticeRefused
from backend.gateways.payments.wechat_pay import WeChatPay
from tests.integration.gateways.conftest import MakePay
from tests.wechat_pay_parts import PayStandin, Told, account, make_charge, make_refund

FORGERIES = ["body", "signature", "serial", "probe", "stale", "unsigned", "key", "merchant"]


def wait_until(done: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.02)


def test_a_payment_is_told_again_until_it_is_taken(
    pay: WeChatPay, pay_standin: PayStandin, told: Told
) -> None:
    charge = make_charge(4321)
    pay.charge(charge)
    told.fail_first = 2
    words = pay_standin.pay(charge)
    wait_until(lambda: told.notices)
    assert len(told.raw) == 3
    (notice,) = told.notices
    assert notice.order_id == charge.order_id
    assert notice.payment is not None
    assert (notice.payment.status, notice.payment.amount_fen) == ("paid", 4321)
    assert notice.payment.reference == words["transaction_id"]
    time.sleep(0.5)
    assert len(told.raw) == 3, "taken once, it is not sent again"


def test_copies_that_come_together_and_mixed_up_have_one_event_id_each(
    pay: WeChatPay, pay_standin: PayStandin, told: Told
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge, notify=False)
    refund = make_refund(charge, 3000)
    pay.refund(refund)
    pay_standin.control("finish-refunds")
    wait_until(lambda: told.notices)
    told.notices.clear()
    answers = pay_standin.control("send", copies=20, shuffle=True, out_trade_no=charge.order_id)[
        "statuses"
    ]
    assert answers == [200] * 40
    assert len(told.notices) == 40
    assert len({notice.event_id for notice in told.notices}) == 2
    paid = [notice for notice in told.notices if notice.payment]
    back = [notice for notice in told.notices if notice.refund]
    assert len(paid) == len(back) == 20
    assert {notice.refund_id for notice in back} == {refund.refund_id}
    assert {(n.refund.status, n.refund.amount_fen) for n in back if n.refund} == {("done", 3000)}


@pytest.mark.parametrize(("said", "expected"), [("ABNORMAL", "processing"), ("CLOSED", "failed")])
def test_a_refund_that_ended_badly_is_told_as_what_it_is(
    pay: WeChatPay, pay_standin: PayStandin, told: Told, said: str, expected: str
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge, notify=False)
    pay.refund(make_refund(charge, 100))
    pay_standin.control("finish-refunds", status=said)
    wait_until(lambda: told.notices)
    assert told.notices[0].refund is not None
    assert told.notices[0].refund.status == expected


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_notification_is_refused_and_makes_us_call_nobody(
    pay: WeChatPay, pay_standin: PayStandin, told: Told, forgery: str
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge, notify=False)
    before = len(pay_standin.requests())
    answers = pay_standin.control("send", forgery=forgery, out_trade_no=charge.order_id)
    assert answers["statuses"] == [500]
    assert told.notices == []
    assert len(told.refused) == 1
    assert len(pay_standin.requests()) == before
    assert pay_standin.control("send", out_trade_no=charge.order_id)["statuses"] == [200]


def test_a_wrong_amount_is_told_as_it_is_so_that_it_can_be_compared(
    pay: WeChatPay, pay_standin: PayStandin, told: Told
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge, amount_fen=1)
    wait_until(lambda: told.notices)
    assert told.notices[0].payment is not None
    assert told.notices[0].payment.amount_fen == 1


def test_a_recorded_notification_is_too_old_after_five_minutes(
    pay: WeChatPay, pay_standin: PayStandin, told: Told
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    wait_until(lambda: told.notices)
    headers, body = told.raw[0]
    again = pay.read_notice(headers, body)
    assert again == told.notices[0], "within them its event id makes it one event"
    for offset_s in (310, -310):
        clock.use(clock.Clock(offset_s=offset_s))
        try:
            with pytest.raises(NoticeRefused, match="too long ago"):
                pay.read_notice(headers, body)
        finally:
            clock.use(clock.Clock())


def test_a_provider_with_another_key_app_or_merchant_number_believes_nothing(
    pay: WeChatPay, make_pay: MakePay, pay_standin: PayStandin, told: Told
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    wait_until(lambda: told.notices)
    headers, body = told.raw[0]
    for changes in (
        {"api_v3_key": "x" * 32},
        {"api_v3_key": "too short"},
        {"appid": "wx0000000000000000"},
        {"mchid": "1900000002"},
        {"public_key_id": "PUB_KEY_ID_1"},
    ):
        with pytest.raises(NoticeRefused):
            make_pay(account(**changes)).read_notice(headers, body)
