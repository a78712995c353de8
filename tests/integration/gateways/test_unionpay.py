"""UnionPay through its stand-in: charges and queries, and that no answer is ever guessed."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic, sleep

import pytest

from backend.gateways.payments.protocol import BillNotReady
from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from tests.integration.gateways.conftest import MakeUnionPay
from tests.unionpay_parts import (
    UnionPayStandin,
    charge_of_now,
    paid,
    refund_of,
    scanned,
)

Move = Callable[[timedelta], datetime]


def test_a_scanned_code_is_accepted_and_paid_when_the_query_says_so(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge = scanned()
    accepted = unionpay.charge(charge)
    assert accepted.status == "pending", "accepted is not paid"
    state = unionpay.query(charge)
    assert (state.status, state.amount_fen) == ("paid", 9800)
    assert state.reference == accepted.reference
    assert state.provider_discount_fen is None


def test_an_order_qr_is_paid_by_whoever_scans_it(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge = charge_of_now()
    accepted = unionpay.charge(charge)
    assert accepted.code_url is not None
    assert unionpay.query(charge).status == "unknown"
    assert unionpay.close(charge).status == "unknown", "it could still be scanned"
    unionpay_standin.control("pay", code_url=accepted.code_url)
    assert unionpay.query(charge).status == "paid"
    assert unionpay.close(charge).status == "paid"


def test_unionpays_own_discount_is_told_beside_the_full_amount(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    unionpay_standin.behave(discount_fen=100)
    charge = scanned()
    unionpay.charge(charge)
    state = unionpay.query(charge)
    assert (state.amount_fen, state.provider_discount_fen) == (9800, 100)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("00", "paid"), ("A6", "paid"), ("64", "failed"), ("30", "failed")]
    + [(code, "unknown") for code in ("01", "03", "04", "05", "12", "60")],
)
def test_what_a_query_names_is_what_became_of_it(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, outcome: str, status: str
) -> None:
    unionpay_standin.behave(outcome=outcome)
    charge = scanned()
    unionpay.charge(charge)
    assert unionpay.query(charge).status == status


@pytest.mark.parametrize(
    ("resp_code", "status"),
    [(code, "unknown") for code in (1, 3, 4, 5, 12, 34, 60)] + [(30, "failed"), (11, "failed")],
)
def test_a_charge_that_is_not_accepted_is_unknown_or_failed(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, resp_code: int, status: str
) -> None:
    unionpay_standin.fault(BACK_PATH, "errcode", resp_code, times=1)
    assert unionpay.charge(scanned()).status == status


@pytest.mark.parametrize("resp_code", [2, 6, 10, 11, 37, 99])
def test_a_refused_query_is_no_failed_payment(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, resp_code: int
) -> None:
    charge, _ = paid(unionpay)
    unionpay_standin.fault(QUERY_PATH, "errcode", resp_code, times=1)
    assert unionpay.query(charge).status == "unknown"
    assert unionpay.query(charge).status == "paid"


@pytest.mark.parametrize("mode", ["close", "502", "bad_json"])
def test_a_question_without_an_answer_is_unknown(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, mode: str
) -> None:
    charge = scanned()
    for path, ask in ((BACK_PATH, unionpay.charge), (QUERY_PATH, unionpay.query)):
        unionpay_standin.fault(path, mode, times=1)
        assert ask(charge).status == "unknown"


def test_a_charge_that_timed_out_and_was_taken_all_the_same_is_found_paid(
    make_unionpay: MakeUnionPay, unionpay_standin: UnionPayStandin
) -> None:
    unionpay = make_unionpay(timeout_s=(1.0, 0.2))
    charge = scanned()
    for path, ask in ((QUERY_PATH, unionpay.query), (BACK_PATH, unionpay.charge)):
        unionpay_standin.fault(path, "delay", 0.5, times=1)
        assert ask(charge).status == "unknown"
    deadline_s = monotonic() + 10
    while (state := unionpay.query(charge)).status == "unknown" and monotonic() < deadline_s:
        sleep(0.05)
    assert state.status == "paid"


@pytest.mark.parametrize("mode", ["lost", "bad_signature", "lf_certificate", "old_version"])
def test_an_answer_that_is_lost_or_not_believed_is_unknown_then_paid_by_query(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, mode: str
) -> None:
    charge = scanned()
    unionpay_standin.spoil(mode)
    assert unionpay.charge(charge).status == "unknown"
    unionpay_standin.spoil(mode)
    assert unionpay.query(charge).status == "unknown"
    assert unionpay.query(charge).status == "paid"


def test_a_signed_answer_of_another_order_is_not_believed(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    unionpay_standin.spoil("other_order", times=3)
    assert unionpay.query(charge).status == "unknown"
    assert unionpay.charge(scanned()).status == "unknown"
    assert unionpay.refund(refund_of(charge, reference)).status == "unknown"


def test_nobody_listening_is_unknown(make_unionpay: MakeUnionPay) -> None:
    nowhere = make_unionpay(base_url="http://127.0.0.1:9")
    charge = scanned()
    states = (nowhere.charge, nowhere.query, nowhere.close, nowhere.reverse)
    assert {ask(charge).status for ask in states} == {"unknown"}
    refund = refund_of(charge, "20230428100100")
    assert {nowhere.refund(refund).status, nowhere.query_refund(refund).status} == {"unknown"}
    with pytest.raises(BillNotReady):
        nowhere.bill(charge.created_at.date())


def test_the_same_charge_20_times_at_once_collects_once(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    before = len(unionpay_standin.transactions("01"))
    charge = scanned()
    told: list[str] = []
    threads = [
        threading.Thread(target=lambda: told.append(unionpay.charge(charge).status))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["pending"] + ["unknown"] * 19
    assert len(unionpay_standin.transactions("01")) == before + 1
    assert unionpay.query(charge).status == "paid"
