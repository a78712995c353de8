"""UnionPay through its stand-in: each result, and that money neither moves twice nor is guessed."""

import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any

import pytest

from backend import clock
from backend.gateways.payments.protocol import BillNotReady, Charge, RefundRequest
from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_bill import parse_zm
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from backend.gateways.payments.unionpay_http import UnionPayHttp
from tests.integration.gateways.unionpay.conftest import MakeUnionPay
from tests.unionpay_parts import (
    MERCHANT_NUMBER,
    UnionPayStandin,
    provider_of,
    running_standin,
    signer_of,
)

Move = Callable[[timedelta], datetime]


def payer_code() -> str:
    return f"62{uuid.uuid4().int % 10**17:017d}"


def order(**changed: Any) -> Charge:
    """An order of now: an order QR, unless a payer's code is given."""
    created_at = clock.now().replace(microsecond=0)
    given: dict[str, Any] = {
        "order_id": uuid.uuid4().hex,
        "merchant_id": "jialegou",
        "amount_fen": 9800,
        "created_at": created_at,
        "expires_at": created_at + timedelta(seconds=300),
        "description": "家乐购",
    }
    return Charge(**{**given, **changed})


def scanned(**changed: Any) -> Charge:
    return order(payer_code=payer_code(), **changed)


def paid(unionpay: UnionPay) -> tuple[Charge, str]:
    charge = scanned()
    unionpay.charge(charge)
    state = unionpay.query(charge)
    assert state.status == "paid"
    assert state.reference is not None
    return charge, state.reference


def refund_of(charge: Charge, reference: str | None = None, **changed: Any) -> RefundRequest:
    given: dict[str, Any] = {
        "refund_id": uuid.uuid4().hex,
        "order_id": charge.order_id,
        "amount_fen": charge.amount_fen,
        "total_fen": charge.amount_fen,
        "created_at": clock.now().replace(microsecond=0),
        "charge_created_at": charge.created_at,
        "reason": "退货",
        "reference": reference,
    }
    return RefundRequest(**{**given, **changed})


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
    charge = order()
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


def test_what_unionpay_never_heard_of_is_closed_only_when_its_time_is_over(
    unionpay: UnionPay, same_clock: Move
) -> None:
    charge = order()
    assert unionpay.charge(charge).status == "pending"
    same_clock(timedelta(seconds=355))
    assert unionpay.close(charge).status == "unknown"
    assert unionpay.reverse(order()).status == "unknown"
    same_clock(timedelta(seconds=365))
    assert unionpay.close(charge).status == "closed"


def test_a_failed_charge_is_closed(unionpay: UnionPay, unionpay_standin: UnionPayStandin) -> None:
    unionpay_standin.behave(outcome="64")
    charge = scanned()
    unionpay.charge(charge)
    assert unionpay.close(charge).status == "closed"
    assert unionpay.reverse(charge).status == "closed"


def test_an_unclear_charge_of_today_is_reversed_and_holds_no_money(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    unionpay_standin.behave(takes_s=60)
    charge = scanned()
    unionpay.charge(charge)
    assert unionpay.query(charge).status == "unknown"
    assert unionpay.close(charge).status == "unknown"
    assert unionpay.reverse(charge).status == "closed"
    (one,) = [t for t in unionpay_standin.transactions() if t["order_id"] == charge.order_id]
    assert one["undone"] == "reversed"
    assert unionpay.reverse(charge).status == "closed"


def test_a_reversal_without_an_answer_is_unknown_and_done_by_the_next(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    unionpay_standin.behave(takes_s=60)
    charge = scanned()
    unionpay.charge(charge)
    unionpay_standin.fault(BACK_PATH, "close", times=1)
    assert unionpay.reverse(charge).status == "unknown"
    assert unionpay.reverse(charge).status == "closed"


def test_a_paid_charge_is_cancelled_once_on_its_day(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    unionpay_standin.spoil("lost", path=BACK_PATH)
    assert unionpay.reverse(charge).status == "unknown"
    for _ in range(3):
        state = unionpay.reverse(charge)
    assert (state.status, state.reference) == ("closed", reference)
    cancels = [
        t for t in unionpay_standin.transactions("31") if charge.order_id[-31:] in t["order_id"]
    ]
    assert len(cancels) == 1
    assert unionpay.refund(refund_of(charge, reference)).status == "failed", "nothing is left"


def test_a_query_without_an_answer_reverses_nothing(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, _ = paid(unionpay)
    unionpay_standin.api("DELETE", "/_standin/requests")
    unionpay_standin.spoil("lost")
    assert unionpay.reverse(charge).status == "unknown"
    assert unionpay_standin.requests(BACK_PATH) == []
    assert unionpay.query(charge).status == "paid"


def test_a_cancellation_that_is_refused_leaves_the_charge_paid(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    unionpay.refund(refund_of(charge, reference, amount_fen=100))
    assert unionpay.reverse(charge).status == "paid"


def test_another_days_charge_is_neither_cancelled_nor_reversed(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, same_clock: Move
) -> None:
    charge, _ = paid(unionpay)
    unionpay_standin.behave(outcome="05")
    unclear = scanned()
    unionpay.charge(unclear)
    unionpay_standin.api("DELETE", "/_standin/requests")
    same_clock(timedelta(days=1))
    assert unionpay.reverse(charge).status == "paid"
    assert unionpay.reverse(unclear).status == "unknown"
    assert unionpay_standin.requests(BACK_PATH) == []


def test_refunds_add_up_to_what_was_paid_and_not_a_fen_more(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    first = refund_of(charge, reference, amount_fen=3000)
    assert unionpay.refund(first).status == "processing"
    state = unionpay.query_refund(first)
    assert (state.status, state.amount_fen) == ("done", 3000)
    too_much = refund_of(charge, reference, amount_fen=6801)
    assert unionpay.refund(too_much).status == "failed"
    rest = refund_of(charge, reference, amount_fen=6800)
    assert unionpay.refund(rest).status == "processing"
    assert unionpay.query_refund(rest).status == "done"


def test_the_same_refund_again_is_one_refund(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    before = len(unionpay_standin.transactions("04"))
    refund = refund_of(charge, reference, amount_fen=100)
    unionpay_standin.spoil("lost")
    assert [unionpay.refund(refund).status for _ in range(3)] == ["unknown"] * 3
    assert unionpay.query_refund(refund).status == "done"
    assert len(unionpay_standin.transactions("04")) == before + 1


def test_a_refund_finds_the_charges_number_itself_and_waits_for_an_unclear_charge(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, _ = paid(unionpay)
    assert unionpay.refund(refund_of(charge)).status == "processing"
    unpaid = order()
    unionpay.charge(unpaid)
    before = len(unionpay_standin.requests(BACK_PATH))
    assert unionpay.refund(refund_of(unpaid)).status == "unknown"
    assert len(unionpay_standin.requests(BACK_PATH)) == before


def test_a_refund_in_work_and_a_failed_one_are_told_apart(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    told = []
    for changed in ({"takes_s": 60}, {"outcome": "64"}):
        unionpay_standin.behave(**changed)
        refund = refund_of(charge, reference, amount_fen=100)
        unionpay.refund(refund)
        told.append(unionpay.query_refund(refund).status)
    assert told == ["unknown", "failed"]
    assert unionpay.query_refund(refund_of(charge, reference)).status == "unknown"


@pytest.mark.parametrize("bad_id", ["a-b-c-d-e", "short", "a" * 33, "", "订单订单订单订单"])
def test_an_id_that_unionpay_would_not_take_is_never_sent(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin, bad_id: str
) -> None:
    with pytest.raises(ValueError, match="8 to 32"):
        unionpay.charge(scanned(order_id=bad_id))
    assert unionpay_standin.requests() == []


def test_what_is_asked_of_unionpay_is_as_documented(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge = scanned()
    unionpay.charge(charge)
    (asked,) = unionpay_standin.requests(BACK_PATH)
    assert asked["values"] == {
        "txnType": "01",
        "txnSubType": "06",
        "orderId": charge.order_id,
        "txnTime": f"{charge.created_at:%Y%m%d%H%M%S}",
        "txnAmt": "9800",
    }
    assert "termId" not in asked["fields"], "no empty fields"
    assert set(asked["fields"]) >= {"backUrl", "qrNo", "payTimeout", "certId", "signature"}


def test_a_request_that_we_did_not_sign_is_refused_by_unionpay_as_it_would(
    make_unionpay: MakeUnionPay, unionpay_standin: UnionPayStandin
) -> None:
    stranger = make_unionpay(signer=signer_of(unionpay_standin.keys, "signer"))
    assert stranger.charge(scanned()).status == "failed"
    assert stranger.query(scanned()).status == "unknown"


def test_a_bill_of_a_past_day_agrees_with_what_was_paid_and_refunded(
    unionpay_standin: UnionPayStandin, clock_offset_s: float, same_clock: Move
) -> None:
    with running_standin(unionpay_standin.keys, clock_offset_s=clock_offset_s) as standin:
        unionpay = provider_of(standin.keys, standin.base_url)
        standin.behave()
        first, reference = paid(unionpay)
        paid(unionpay)
        gone, _ = paid(unionpay)
        assert unionpay.reverse(gone).status == "closed"
        refund = refund_of(first, reference, amount_fen=3000)
        unionpay.refund(refund)
        day = first.created_at.date()
        with pytest.raises(BillNotReady, match="98"):
            unionpay.bill(day)
        standin.control("clock", advance_s=86_400)
        same_clock(timedelta(days=1))
        bill = unionpay.bill(day)
        assert bill.content is not None
        parsed = parse_zm(bill.file_name, bill.content)
        assert (parsed.day, parsed.merchant_number) == (day, MERCHANT_NUMBER)
        assert (parsed.paid_fen, parsed.refunded_fen) == (2 * 9800, 3000)
        assert parsed.settle_fen == parsed.paid_fen - parsed.refunded_fen - parsed.fee_fen
        row = next(row for row in parsed.rows if row.kind == "refund")
        assert (row.order_id, row.charge_reference) == (refund.refund_id, reference)
        with pytest.raises(BillNotReady, match="98"):
            unionpay.bill(day + timedelta(days=1))
        with pytest.raises(BillNotReady, match="another day"):
            unionpay.bill(day.replace(year=day.year - 1))
        unionpay.close_connections()


def test_no_card_code_key_or_signature_is_in_any_log(
    unionpay: UnionPay,
    unionpay_standin: UnionPayStandin,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    charge = scanned()
    unionpay_standin.spoil("bad_signature")
    unionpay.charge(charge)
    unionpay_standin.fault(QUERY_PATH, "close", times=1)
    unionpay.query(charge)
    unionpay.query(charge)
    said = caplog.text + "".join(capfd.readouterr()) + str(unionpay_standin.requests())
    assert said, "urllib3 at least tells of its connections"
    key = (unionpay_standin.keys / "merchant.key").read_text().splitlines()[1]
    for secret in (charge.payer_code or "?", "BEGIN", "622609", key, "signature="):
        assert secret not in said


class _Endless(BaseHTTPRequestHandler):
    """Drips for ever, answers with too much, or sends us elsewhere."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"a" * (100_000 if self.path.startswith("/large") else 1))
                if not self.path.startswith("/large"):
                    threading.Event().wait(0.05)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("path", ["/redirect", "/large", "/drip"])
def test_a_server_that_misbehaves_holds_nobody(make_unionpay: MakeUnionPay, path: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_port}{path}"
        unionpay = make_unionpay(base_url=base_url, http=UnionPayHttp(timeout_s=(0.3, 0.3)))
        assert unionpay.charge(scanned()).status == "unknown"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
