"""Keys, openids and wallet codes stay out of logs, texts of errors and the stand-in's own log."""

import json
import logging

import pytest
import structlog

from backend.gateways.payments.protocol import BillNotReady, NoticeRefused
from backend.gateways.payments.wechat_pay import WeChatPay
from tests.integration.gateways.conftest import MakePay
from tests.wechat_pay_parts import (
    ACCOUNT,
    API_V3_KEY,
    OPENID,
    ORDERS,
    PayStandin,
    Told,
    make_charge,
    make_refund,
    scanned,
)

KEY_LINE = ACCOUNT.private_key.splitlines()[3]


@pytest.mark.parametrize(
    ("mode", "value"), [("", 0), ("delay", 0.8), ("close", 0), ("502", 0), ("bad_json", 0)]
)
def test_nothing_that_happens_shows_a_secret(
    make_pay: MakePay,
    pay_standin: PayStandin,
    told: Told,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    value: float,
) -> None:
    pay = told.provider = make_pay(timeout_s=(0.5, 0.5))
    charge, till = make_charge(), scanned()
    texts: list[str] = []
    with structlog.testing.capture_logs() as events, caplog.at_level(logging.DEBUG):
        for path in (f"{ORDERS}/jsapi", f"{ORDERS}/codepay", "/v3/refund/domestic/refunds"):
            if mode:
                pay_standin.fault(path, mode, value, times=1)
        states = [pay.charge(charge), pay.charge(till), pay.charge(charge)]
        pay_standin.pay(charge, notify=False)
        refunds = [pay.refund(make_refund(charge, 100)) for _ in range(2)]
        pay_standin.control("send", out_trade_no=charge.order_id)
        pay_standin.control("send", out_trade_no=charge.order_id, forgery="key")
        pay_standin.fault("/v3/bill/tradebill", "502", times=1)
        with pytest.raises(BillNotReady) as no_bill:
            pay.bill(charge.created_at.date())
        with pytest.raises(NoticeRefused) as refused:
            pay.read_notice({}, told.raw[0][1])
    texts += [repr(no_bill.value), repr(refused.value), repr(pay), repr(ACCOUNT), repr(refunds)]
    texts += [repr(charge.__class__(**{**vars(till), "payer_openid": None})), *told.refused]
    assert f"{ORDERS}/jsapi" in caplog.text, "urllib3 logged its requests"
    assert any(state.status != "unknown" for state in states)
    written = "\n".join([*texts, caplog.text, json.dumps(events)])
    hidden = [OPENID, str(till.payer_code), API_V3_KEY, KEY_LINE, "BEGIN PRIVATE KEY"]
    assert [secret for secret in hidden if secret in written] == []


def test_the_stand_ins_log_holds_no_payer(pay: WeChatPay, pay_standin: PayStandin) -> None:
    till = scanned()
    pay.charge(make_charge())
    pay.charge(till)
    written = json.dumps(pay_standin.requests())
    assert "out_trade_no" in written
    assert OPENID not in written
    assert str(till.payer_code) not in written
