"""The stand-in of UnionPay keeps UnionPay's rules, as seen by raw HTTP."""

import uuid
from datetime import timedelta

import pytest

from backend import clock
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from backend.gateways.payments.unionpay_messages import parse_answer
from tests.unionpay_parts import MERCHANT_NUMBER, UnionPayStandin, payer_code, signer_of, trust_of


def message(**changed: str) -> dict[str, str]:
    return {
        "merId": MERCHANT_NUMBER,
        "orderId": uuid.uuid4().hex,
        "txnTime": f"{clock.now():%Y%m%d%H%M%S}",
        "txnType": "01",
        "txnSubType": "06",
        "txnAmt": "9800",
        "currencyCode": "156",
        "channelType": "08",
        "qrNo": payer_code(),
        "backUrl": "http://127.0.0.1:9/",
        **changed,
    }


def send(standin: UnionPayStandin, form: dict[str, str], path: str = BACK_PATH) -> dict[str, str]:
    answer = standin.api("POST", path, data=form)
    assert answer.status_code == 200
    fields = parse_answer(answer.content)
    trust_of(standin.keys).check(fields, at=clock.now())
    return fields


def ask(standin: UnionPayStandin, **changed: str) -> dict[str, str]:
    return send(standin, signer_of(standin.keys).sign(message(**changed)))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"txnAmt": "9801"}, "11"),
        ({"signature": "AAAA"}, "11"),
        ({"certId": "1"}, "11"),
        ({"version": "5.0.0"}, "10"),
        ({"termId": ""}, "10"),
    ],
)
def test_a_message_altered_after_its_signature_or_with_an_empty_field_is_refused(
    unionpay_standin: UnionPayStandin, changed: dict[str, str], code: str
) -> None:
    signed = signer_of(unionpay_standin.keys).sign(message())
    assert send(unionpay_standin, {**signed, **changed})["respCode"] == code
    assert send(unionpay_standin, signed)["respCode"] == "00"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"merId": "777230800000002"}, "31"),
        ({"orderId": "with-a-hyphen"}, "10"),
        ({"txnTime": "2023"}, "10"),
        ({"txnAmt": "98.00"}, "10"),
        ({"qrNo": "130000000000000000"}, "10"),
        ({"backUrl": ""}, "13"),
        ({"txnType": "77"}, "10"),
        ({"payTimeout": "20230101000000"}, "39"),
        ({"txnType": "04", "origQryId": "unknown"}, "35"),
        ({"txnType": "31", "origQryId": "unknown"}, "35"),
        ({"txnType": "99"}, "34"),
    ],
    ids=str,
)
def test_what_breaks_a_rule_is_refused_by_its_code(
    unionpay_standin: UnionPayStandin, changed: dict[str, str], code: str
) -> None:
    assert ask(unionpay_standin, **changed)["respCode"] == code


def test_an_order_number_and_a_payers_code_are_good_once(
    unionpay_standin: UnionPayStandin,
) -> None:
    first = message()
    assert ask(unionpay_standin, **first)["respCode"] == "00"
    again = {**first, "qrNo": payer_code()}
    assert ask(unionpay_standin, **again)["respCode"] == "12"
    assert ask(unionpay_standin, qrNo=first["qrNo"])["respCode"] == "30"


def test_a_transaction_is_named_by_its_time_as_well(unionpay_standin: UnionPayStandin) -> None:
    first = message()
    ask(unionpay_standin, **first)
    named = {"merId": MERCHANT_NUMBER, "orderId": first["orderId"], "txnType": "00"}
    signer = signer_of(unionpay_standin.keys)
    right = signer.sign({**named, "txnTime": first["txnTime"]})
    assert send(unionpay_standin, right, QUERY_PATH)["origRespCode"] == "00"
    other = f"{clock.now() - timedelta(days=1):%Y%m%d%H%M%S}"
    wrong = signer.sign({**named, "txnTime": other})
    assert send(unionpay_standin, wrong, QUERY_PATH)["respCode"] == "34"


def test_a_cancellation_is_whole_and_only_of_what_stands(unionpay_standin: UnionPayStandin) -> None:
    paid = ask(unionpay_standin)
    cancel = {"txnType": "31", "txnSubType": "00", "origQryId": paid["queryId"]}
    assert ask(unionpay_standin, **cancel, txnAmt="9799")["respCode"] == "36"
    assert ask(unionpay_standin, **cancel)["respCode"] == "00"
    assert ask(unionpay_standin, **cancel)["respCode"] == "35"


def test_the_log_of_requests_names_fields_and_shows_no_payers_code(
    unionpay_standin: UnionPayStandin,
) -> None:
    asked = message()
    ask(unionpay_standin, **asked)
    (seen,) = unionpay_standin.requests(BACK_PATH)
    assert "qrNo" in seen["fields"]
    assert asked["qrNo"] not in str(seen)
    assert seen["values"]["txnAmt"] == "9800"
