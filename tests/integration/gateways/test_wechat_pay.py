"""WeChat Pay over HTTP: charges and queries.

What is final and what is not is the point of most: an answer that is missing, unsigned or about
something else is never taken for success or failure.
"""

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from backend import clock
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.standins.wechat_pay_control import SPOILED
from tests.integration.gateways.conftest import MakePay
from tests.wechat_pay_parts import (
    APPID,
    CODEPAY,
    JSAPI,
    MERCHANT_KEY,
    REFUSALS,
    UNCLEAR,
    PayStandin,
    account,
    make_charge,
    order_path,
    scanned,
)


def test_a_phone_gets_what_its_wallet_wants_signed_by_the_merchant(pay: WeChatPay) -> None:
    state = pay.charge(make_charge())
    assert state.status == "pending"
    assert state.client is not None
    client = dict(state.client)
    assert re.fullmatch(r"prepay_id=wx\w+", client["package"])
    assert client["signType"] == "RSA"
    text = f"{APPID}\n{client['timeStamp']}\n{client['nonceStr']}\n{client['package']}\n"
    signature = base64.b64decode(client["paySign"])
    MERCHANT_KEY.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())


def test_without_a_payer_there_is_a_code_to_scan(pay: WeChatPay) -> None:
    state = pay.charge(make_charge(payer_openid=None))
    assert state.status == "pending"
    assert str(state.code_url).startswith("weixin://")


def test_a_charge_asked_for_twice_is_one(pay: WeChatPay) -> None:
    charge = make_charge()
    first, second = pay.charge(charge), pay.charge(charge)
    assert first.client is not None
    assert second.client is not None
    assert first.client["package"] == second.client["package"]


def test_a_payment_is_seen_by_query_with_its_number_and_amount(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge(6543)
    pay.charge(charge)
    assert pay.query(charge).status == "pending"
    told = pay_standin.pay(charge)
    state = pay.query(charge)
    assert (state.status, state.amount_fen) == ("paid", 6543)
    assert state.reference == told["transaction_id"]
    assert pay.charge(charge).status == "paid", "asked for again: it is paid, not charged again"


@pytest.mark.parametrize(("mode", "value"), UNCLEAR)
def test_an_unclear_answer_to_a_charge_is_unknown_and_the_query_tells_the_truth(
    make_pay: MakePay, pay_standin: PayStandin, mode: str, value: float
) -> None:
    pay = make_pay(timeout_s=(0.5, 0.8))
    charge = make_charge()
    pay_standin.fault(JSAPI, mode, value, times=1)
    assert pay.charge(charge).status == "unknown"
    pay_standin.reset()
    if mode != "delay":  # the request of a delayed answer was taken
        assert pay.query(charge).status == "unknown", "not there, and perhaps only not yet"
    assert pay.charge(charge).status == "pending"
    pay_standin.pay(charge)
    assert pay.query(charge).status == "paid"


@pytest.mark.parametrize("spoiled", SPOILED)
@pytest.mark.parametrize("call", ["charge", "query", "close", "scan", "reverse"])
def test_what_is_not_signed_well_and_lately_says_nothing(
    pay: WeChatPay, pay_standin: PayStandin, spoiled: str, call: str
) -> None:
    charge = scanned(200_000, age_s=60) if call == "reverse" else make_charge()
    if call not in ("charge", "scan"):
        pay.charge(charge)
    if call == "scan":
        charge = scanned()
    path = {
        "charge": JSAPI,
        "scan": CODEPAY,
        "query": order_path(charge.order_id),
        "close": order_path(charge.order_id, "/close"),
        "reverse": order_path(charge.order_id, "/reverse"),
    }[call]
    pay_standin.mood(path, spoiled)  # for all: a late request of another test may come first
    name = "charge" if call == "scan" else call
    assert getattr(pay, name)(charge).status == "unknown"
    assert not any(r["path"] == "/v3/certificates" for r in pay_standin.requests())


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_no_refusal_of_a_charge_is_final_for_an_earlier_try_may_have_been_taken(
    pay: WeChatPay, pay_standin: PayStandin, status: int, code: str
) -> None:
    charge, paid, till = make_charge(), make_charge(), scanned()
    pay.charge(paid)
    pay_standin.pay(paid)
    pay_standin.mood(JSAPI, "refuse", status=status, code=code)
    pay_standin.mood(CODEPAY, "refuse", status=status, code=code)
    assert pay.charge(charge).status == "unknown"
    assert pay.charge(till).status == "unknown"
    expected = "unknown" if status >= 500 or status == 401 else "paid"
    assert pay.charge(paid).status == expected


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_no_refusal_of_a_query_says_what_became_of_a_charge(
    pay: WeChatPay, pay_standin: PayStandin, status: int, code: str
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.mood(order_path(charge.order_id), "refuse", status=status, code=code)
    assert pay.query(charge).status == "unknown"


def test_a_wrong_amount_is_told_as_it_is_and_never_as_nothing(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge(8000)
    pay.charge(charge)
    pay_standin.pay(charge, amount_fen=7999)
    for answer in (pay.query(charge), pay.close(charge)):
        assert (answer.status, answer.amount_fen) == ("paid", 7999)


def test_another_merchants_words_are_not_about_our_order(
    make_pay: MakePay, pay: WeChatPay, pay_standin: PayStandin
) -> None:
    charge = make_charge()
    pay.charge(charge)
    pay_standin.pay(charge)
    other = make_pay(account(appid="wx0000000000000000"))
    assert other.query(charge).status == "unknown"


def test_a_scanned_payer_pays_at_once(pay: WeChatPay) -> None:
    charge = scanned(1500)
    state = pay.charge(charge)
    assert (state.status, state.amount_fen) == ("paid", 1500)
    assert pay.charge(charge).status == "paid", "the number was used: the query tells"


def test_a_payer_who_types_his_password_is_waited_for(
    pay: WeChatPay, pay_standin: PayStandin
) -> None:
    paid, refused = scanned(100_001), scanned(100_001)
    for charge in (paid, refused):
        assert pay.charge(charge).status == "pending"
        assert pay.query(charge).status == "pending"
    pay_standin.pay(paid)
    assert pay.query(paid).status == "paid"
    pay_standin.control("fail-payment", out_trade_no=refused.order_id)
    assert pay.query(refused).status == "failed"


def test_a_wallets_code_counts_once(pay: WeChatPay) -> None:
    first = scanned()
    assert pay.charge(first).status == "paid"
    second = make_charge(payer_openid=None, payer_code=first.payer_code)
    assert pay.charge(second).status == "unknown"


def test_a_request_that_was_sent_before_or_signed_by_another_or_long_ago_is_refused(
    pay: WeChatPay, make_pay: MakePay, pay_standin: PayStandin
) -> None:
    """The stand-in is as strict as WeChat Pay, so the tests above prove our signatures."""
    path = order_path("0" * 32) + "?mchid=1900000001"
    headers = pay._exchange._headers("GET", path, "")
    assert pay_standin.api("GET", path, headers=headers).status_code == 404
    assert pay_standin.api("GET", path, headers=headers).status_code == 401
    changed = pay._exchange._headers("GET", path, "")
    assert pay_standin.api("GET", f"{path}&x=1", headers=changed).status_code == 401
    assert pay_standin.api("GET", path).status_code == 401
    clock.use(clock.Clock(offset_s=-301))
    old = pay._exchange._headers("GET", path, "")
    clock.use(clock.Clock())
    assert pay_standin.api("GET", path, headers=old).status_code == 401
    assert make_pay(account(cert_serial="F" * 40)).charge(make_charge()).status == "unknown"
