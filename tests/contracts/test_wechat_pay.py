"""The recorded words of WeChat Pay v3: signatures, encryption, notifications, answers, bills."""

import base64
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from wechatpayv3.utils import aes_decrypt

from backend import clock
from backend.gateways.payments.protocol import NoticeRefused
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_bill import BillFaulty, parse_trade_bill
from backend.gateways.payments.wechat_pay_http import (
    Account,
    Answer,
    SignatureRefused,
    authorization,
    text_to_sign,
)
from tests.contracts.wechat_parts import load
from tests.wechat_pay_parts import ACCOUNT, MCHID

VECTORS = load("wechatpay_v3.json")
PAID = VECTORS["notifications"][1]
OFFICIAL = VECTORS["notifications"][0]


def by_id(vectors: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["id"] for vector in vectors])


def verifies(signature: str, text: str) -> bool:
    key = load_pem_public_key(VECTORS["public_key_pem"].encode())
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(base64.b64decode(signature), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def provider(**changes: str) -> WeChatPay:
    """A provider to which the recorded certificate's key is WeChat Pay's."""
    known = {"public_key": VECTORS["public_key_pem"], "public_key_id": "D7CE59D1F522D701"}
    account: Account = dataclasses.replace(ACCOUNT, **(known | changes))
    return WeChatPay(account, base_url="http://127.0.0.1:9", notify_url="http://127.0.0.1:9/")


@contextmanager
def at(unix_s: float) -> Iterator[None]:
    clock.use(clock.Clock(offset_s=unix_s - clock.now().timestamp()))
    try:
        yield
    finally:
        clock.use(clock.Clock())


@by_id(VECTORS["sign_message"])
def test_what_is_signed_of_a_request(vector: dict[str, Any]) -> None:
    text = text_to_sign(
        vector["method"],
        vector["path"],
        timestamp=vector["timestamp"],
        nonce=vector["nonce"],
        body=vector["body"],
    )
    assert text == vector["expect"]


@by_id(VECTORS["authorization"])
def test_the_authorization_of_a_request(vector: dict[str, Any]) -> None:
    stamp = {"timestamp": vector["timestamp"], "nonce": vector["nonce"]}
    text = text_to_sign(vector["method"], vector["path"], **stamp, body=vector["body"])
    assert text == vector["expect_message"]
    assert verifies(vector["expect_signature"], text)
    header = authorization(
        mchid=vector["mchid"],
        serial=vector["serial_no"],
        signature=vector["expect_signature"],
        **stamp,
    )
    assert header == vector["expect_authorization"]


def test_what_a_phone_is_given_is_signed_over_these_lines() -> None:
    (vector,) = VECTORS["pay_sign"]
    text = f"{vector['appId']}\n{vector['timeStamp']}\n{vector['nonceStr']}\n{vector['package']}\n"
    assert text == vector["expect_message"]
    assert verifies(vector["expect_paySign"], text)
    client = provider()._client(vector["package"].removeprefix("prepay_id="))
    assert set(client) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert client["package"] == vector["package"]


@by_id(VECTORS["aead"])
def test_a_resource_opens_with_its_own_key_alone(vector: dict[str, Any]) -> None:
    told = {name: vector[name] for name in ("nonce", "ciphertext", "associated_data")}
    opened = aes_decrypt(**told, apiv3_key=vector["key"])
    assert opened == (None if vector.get("expect_error") else vector["expect"])


def test_a_payment_that_is_told_is_read() -> None:
    expected = PAID["expect_resource"]
    pay = provider(api_v3_key=PAID["apiv3_key"])
    for moment in (1767225606 - 299, 1767225606, 1767225606 + 299):
        with at(moment):
            notice = pay.read_notice(PAID["headers"], PAID["body"].encode())
        assert notice.event_id == "EV-2026010100000001"
        assert notice.order_id == expected["out_trade_no"]
        assert notice.payment is not None
        assert notice.payment.status == "paid"
        assert notice.payment.reference == expected["transaction_id"]
        assert notice.payment.amount_fen == 8000, "the order's amount, not what coupons left of it"


def test_headers_are_known_in_any_case() -> None:
    pay = provider(api_v3_key=PAID["apiv3_key"])
    shouted = {name.upper(): value for name, value in PAID["headers"].items()}
    with at(1767225606):
        assert pay.read_notice(shouted, PAID["body"].encode()).payment is not None


@pytest.mark.parametrize("moment", [1767225606 - 301, 1767225606 + 300])
def test_what_is_five_minutes_old_or_early_is_refused(moment: int) -> None:
    with at(moment), pytest.raises(NoticeRefused, match="too long ago"):
        provider(api_v3_key=PAID["apiv3_key"]).read_notice(PAID["headers"], PAID["body"].encode())


@by_id(VECTORS["notifications_negative"])
def test_a_notification_with_a_fault_is_refused(vector: dict[str, Any]) -> None:
    with at(1767225606), pytest.raises(NoticeRefused):
        provider(api_v3_key=PAID["apiv3_key"]).read_notice(
            vector["headers"], vector["body"].encode()
        )


def test_a_notification_of_the_officials_verifies_and_is_of_a_kind_that_we_never_asked_for() -> (
    None
):
    pay = provider(api_v3_key=OFFICIAL["apiv3_key"])
    body = OFFICIAL["body"].encode()
    with at(1624523846):
        signed = pay._exchange.check_signature(OFFICIAL["headers"], body)
        assert pay._exchange.callback(signed, body)["resource"] == OFFICIAL["expect_resource"]
        with pytest.raises(NoticeRefused, match="kind"):
            pay.read_notice(OFFICIAL["headers"], body)


@pytest.mark.parametrize(
    "missing", ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature"]
)
def test_a_signature_without_one_of_its_parts_is_refused(missing: str) -> None:
    headers = {name: value for name, value in PAID["headers"].items() if name != missing}
    with at(1767225606), pytest.raises(SignatureRefused, match=f"no {missing[10:].lower()}"):
        provider()._exchange.check_signature(headers, PAID["body"].encode())


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Wechatpay-Serial", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),  # hex: a certificate's
        ("Wechatpay-Serial", "not a serial"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
        ("Wechatpay-Timestamp", "１７６７２２５６０６"),
        ("Wechatpay-Timestamp", "1767225606.0"),
        ("Wechatpay-Timestamp", "9" * 400),
        ("Wechatpay-Signature", "====="),
        ("Wechatpay-Signature", "签名"),
    ],
)
def test_a_damaged_header_is_refused_and_nothing_else_happens(header: str, value: str) -> None:
    with at(1767225606), pytest.raises(NoticeRefused):
        provider().read_notice({**PAID["headers"], header: value}, PAID["body"].encode())


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with at(1767225606), pytest.raises(NoticeRefused, match="UTF-8"):
        provider().read_notice(PAID["headers"], b"\xff" + PAID["body"].encode())


def test_a_body_written_anew_is_not_the_body_that_was_signed() -> None:
    again = json.dumps(json.loads(PAID["body"]), ensure_ascii=False).encode()
    with at(1767225606), pytest.raises(NoticeRefused):
        provider(api_v3_key=PAID["apiv3_key"]).read_notice(PAID["headers"], again)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("signature probe", "a probe of our checks"),
        ("unknown key id", "a key that is not known here"),
        ("no headers", "no timestamp, nonce, serial, signature"),
        ("body changed", "not WeChat Pay's"),
    ],
)
def test_a_refused_notification_says_why(why: str, words: str) -> None:
    vector = next(v for v in VECTORS["notifications_negative"] if v["why"] == why)
    with at(1767225606), pytest.raises(NoticeRefused, match=words):
        provider().read_notice(vector["headers"], vector["body"].encode())


@by_id(VECTORS["responses"])
def test_codes_are_read_in_either_spelling(vector: dict[str, Any]) -> None:
    body = vector["body"] or {}
    answer = Answer(vector["status"], body)
    assert answer.ok == (vector["status"] < 300)
    code = body.get("code", "")
    assert answer.code == code.replace("_", "")
    assert Answer(vector["status"], {"code": code.replace("_", "")}).code == answer.code


def test_what_a_notification_is_answered() -> None:
    assert provider().notice_answer(True)[0] == 200
    status, content_type, body = provider().notice_answer(False)
    assert (status, content_type) == (500, "application/json")
    assert json.loads(body) == {"code": "FAIL", "message": "失败"}


def test_a_key_that_cannot_be_read_is_refused_at_once_and_not_shown() -> None:
    with pytest.raises(ValueError, match="private key") as caught:
        provider(private_key="SECRET that is no key")
    assert "SECRET" not in str(caught.value)


BILL = VECTORS["bills"][0]


def test_the_recorded_bill_is_read_to_the_fen() -> None:
    content = BILL["csv"].encode()
    assert hashlib.sha1(content).hexdigest() == BILL["sha1"]  # noqa: S324 - the bill's own check sum
    bill, expected = parse_trade_bill(content), BILL["expect"]
    assert len(bill.rows) == expected["detail_rows"]
    assert bill.sums["order_fen"] == expected["orders_fen"]
    assert bill.sums["refund_fen"] == expected["refund_fen"]
    assert bill.sums["coupon_refund_fen"] == expected["coupon_refund_fen"]
    assert sum(row.coupon_fen for row in bill.rows) == expected["coupon_fen"]
    assert [row.fee_milli_fen for row in bill.rows] == [48_000, 15_000, -18_000]
    assert bill.rows[0].mchid == MCHID
    assert bill.rows[2].out_refund_no == "TJR20260101000001"
    with pytest.raises(BillFaulty):
        parse_trade_bill(content[:-30])
