"""WeChat Pay over HTTP: charges, queries, closing, reversing, refunds and bills.

What is final and what is not is the point of most: an answer that is missing, unsigned or about
something else is never taken for success or failure.
"""

import base64
import re
from datetime import datetime, time, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from backend import clock
from backend.gateways.payments.protocol import BillNotReady
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_bill import parse_trade_bill
from backend.gateways.standins.wechat_pay_control import SPOILED
from tests.integration.gateways.conftest import MakePay
from tests.wechat_pay_parts import (
    APPID,
    MERCHANT_KEY,
    ORDERS,
    PayStandin,
    account,
    make_charge,
    make_refund,
    scanned,
)

JSAPI, CODEPAY = f"{ORDERS}/jsapi", f"{ORDERS}/codepay"
REFUNDS = "/v3/refund/domestic/refunds"
UNCLEAR = [("delay", 1.5), ("close", 0), ("502", 0), ("bad_json", 0), ("errcode", 1)]
# Every code of the protocol, in its newer and its older spelling.
REFUSALS = [
    (400, "PARAM_ERROR"),
    (400, "INVALID_REQUEST"),
    (400, "ORDER_CLOSED"),
    (400, "ORDERCLOSED"),
    (400, "APPID_MCHID_NOT_MATCH"),
    (400, "MCH_NOT_EXISTS"),
    (401, "SIGN_ERROR"),
    (403, "RULE_LIMIT"),
    (403, "TRADE_ERROR"),
    (403, "OUT_TRADE_NO_USED"),
    (403, "NOT_ENOUGH"),
    (403, "NO_AUTH"),
    (403, "ACCOUNT_ERROR"),
    (404, "ORDER_NOT_EXIST"),
    (404, "ORDERNOTEXIST"),
    (429, "FREQUENCY_LIMITED"),
    (500, "SYSTEM_ERROR"),
    (500, "SYSTEMERROR"),
    (500, "BANK_ERROR"),
    (500, "OPENID_MISMATCH"),
    (500, "INVALID_TRANSACTIONID"),
]


def order_path(order_id: str, action: str = "") -> str:
    return f"{ORDERS}/out-trade-no/{order_id}{action}"


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
