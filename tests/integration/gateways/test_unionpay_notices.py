"""UnionPay's notifications: verified, of our merchant number, the same event each time."""

import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode

import pytest

from backend import clock
from backend.devstack import unionpay_keys
from backend.gateways.payments.protocol import Charge, NoticeRefused, RefundRequest
from backend.gateways.payments.unionpay import UnionPay
from tests.integration.gateways.conftest import MakeUnionPay
from tests.unionpay_parts import UnionPayStandin, notice_of, payer_code

ORDER_ID = "0123456789abcdef0123456789abcdef"
WITHIN_S = 10


def body_of(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


class Mailbox:
    """Where the stand-in posts: refuses the first `refusals`, keeps all bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.refusals = 0
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                mailbox.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                refused = len(mailbox.bodies) <= mailbox.refusals
                self.send_response(400 if refused else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/callbacks/payments/unionpay"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def wait(self, count: int) -> list[bytes]:
        deadline_s = monotonic() + WITHIN_S
        while len(self.bodies) < count and monotonic() < deadline_s:
            sleep(0.01)
        return list(self.bodies)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def notified(make_unionpay: MakeUnionPay, mailbox: Mailbox) -> UnionPay:
    return make_unionpay(notice_url=mailbox.url)


def charged(unionpay: UnionPay) -> Charge:
    now: datetime = clock.now().replace(microsecond=0)
    charge = Charge(
        order_id=uuid.uuid4().hex,
        merchant_id="jialegou",
        amount_fen=9800,
        created_at=now,
        expires_at=now + timedelta(seconds=300),
        description="家乐购",
        payer_code=payer_code(),
    )
    assert unionpay.charge(charge).status == "pending"
    return charge


@pytest.mark.parametrize("outcome", ["00", "A6"])
def test_a_notification_tells_that_an_order_is_paid(
    notified: UnionPay, unionpay_standin: UnionPayStandin, mailbox: Mailbox, outcome: str
) -> None:
    unionpay_standin.behave(notices=1, outcome=outcome, discount_fen=100)
    charge = charged(notified)
    notice = notified.read_notice({}, mailbox.wait(1)[0])
    assert notice.order_id == charge.order_id
    assert notice.payment is not None
    assert (notice.payment.status, notice.payment.amount_fen) == ("paid", 9800)
    assert notice.payment.provider_discount_fen == 100
    assert notice.payment == notified.query(charge)


def test_copies_and_repetitions_of_a_notification_are_one_event(
    notified: UnionPay, unionpay_standin: UnionPayStandin, mailbox: Mailbox
) -> None:
    mailbox.refusals = 2
    unionpay_standin.behave(notices=4)
    charge = charged(notified)
    bodies = mailbox.wait(6)  # four at once, two of them again
    unionpay_standin.control("notify", order_id=charge.order_id)
    bodies = mailbox.wait(7)
    assert len(bodies) == 7
    assert len({notified.read_notice({}, body).event_id for body in bodies}) == 1


def test_a_failure_is_not_notified(
    notified: UnionPay, unionpay_standin: UnionPayStandin, mailbox: Mailbox
) -> None:
    unionpay_standin.behave(notices=1, outcome="64")
    failed = charged(notified)
    unionpay_standin.behave(notices=1)
    good = charged(notified)
    (body,) = mailbox.wait(1)
    assert notified.read_notice({}, body).order_id == good.order_id
    assert notified.query(failed).status == "failed"


def test_a_refunds_notification_names_the_order_and_the_refund(
    notified: UnionPay, unionpay_standin: UnionPayStandin, mailbox: Mailbox
) -> None:
    charge = charged(notified)
    unionpay_standin.behave(notices=1)
    refund = RefundRequest(
        refund_id=uuid.uuid4().hex,
        order_id=charge.order_id,
        amount_fen=3000,
        total_fen=9800,
        created_at=clock.now(),
        charge_created_at=charge.created_at,
        reason="退货",
        reference=notified.query(charge).reference,
    )
    assert notified.refund(refund).status == "processing"
    notice = notified.read_notice({}, mailbox.wait(1)[0])
    assert (notice.order_id, notice.refund_id) == (charge.order_id, refund.refund_id)
    assert notice.payment is None
    assert notice.refund == notified.query_refund(refund)
    assert notice.refund is not None
    assert (notice.refund.status, notice.refund.amount_fen) == ("done", 3000)


def test_a_cancellations_notification_only_says_that_there_is_news(
    notified: UnionPay, unionpay_standin: UnionPayStandin, mailbox: Mailbox
) -> None:
    charge = charged(notified)
    unionpay_standin.behave(notices=1)
    assert notified.reverse(charge).status == "closed"
    notice = notified.read_notice({}, mailbox.wait(1)[0])
    assert notice.order_id == charge.order_id
    assert notice.payment is not None
    assert notice.payment.status == "unknown"


@pytest.mark.parametrize(
    "changed",
    [
        {"txnAmt": "9801"},
        {"orderId": "f" * 32},
        {"respCode": "A6"},
        {"version": "5.0.0"},
        {"signMethod": "11"},
        {"signature": "AAAA"},
        {"signPubKeyCert": "none"},
        {"reserved": "e2Rpc2NvdW50QW10PTEwMH0="},
    ],
    ids=str,
)
def test_a_notification_that_was_tampered_with_is_refused(
    unionpay: UnionPay, unionpay_keys_dir: Path, changed: dict[str, str]
) -> None:
    told = notice_of(unionpay_keys_dir)
    assert unionpay.read_notice({}, body_of(told)).order_id == ORDER_ID
    with pytest.raises(NoticeRefused):
        unionpay.read_notice({}, body_of({**told, **changed}))


@pytest.mark.parametrize(
    "signed",
    [
        {"merId": "777230800000002"},
        {"txnAmt": "98.00"},
        {"txnAmt": "-1"},
        {"txnAmt": ""},
        {"currencyCode": "840"},
        {"queryId": ""},
        {"orderId": ""},
        {"txnType": "00"},
        {"txnType": "04"},  # a refund that brings no order of ours back
        {"reserved": "e2Rpc2NvdW50QW10PS0xMDB9"},  # {discountAmt=-100}
    ],
    ids=str,
)
def test_a_signed_notification_that_is_not_for_us_or_makes_no_sense_is_refused(
    unionpay: UnionPay, unionpay_keys_dir: Path, signed: dict[str, str]
) -> None:
    with pytest.raises(NoticeRefused):
        unionpay.read_notice({}, body_of(notice_of(unionpay_keys_dir, **signed)))


def test_a_notification_of_any_other_code_wants_a_query(
    unionpay: UnionPay, unionpay_keys_dir: Path
) -> None:
    for code in ("05", "64", "34"):
        notice = unionpay.read_notice({}, body_of(notice_of(unionpay_keys_dir, respCode=code)))
        assert notice.payment is not None
        assert notice.payment.status == "unknown"


def test_another_authoritys_notification_and_altered_line_ends_are_refused(
    unionpay: UnionPay, unionpay_keys_dir: Path, tmp_path: Path
) -> None:
    others = unionpay_keys.load_or_make(tmp_path / "others")
    altered = notice_of(unionpay_keys_dir)
    altered["signPubKeyCert"] = altered["signPubKeyCert"].replace("\r\n", "\n")
    for told in (notice_of(others), altered):
        with pytest.raises(NoticeRefused):
            unionpay.read_notice({}, body_of(told))


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"a=1&a=2", b"=", b"a" * 100_000])
def test_what_is_no_form_is_refused(unionpay: UnionPay, body: bytes) -> None:
    with pytest.raises(NoticeRefused):
        unionpay.read_notice({}, body)


def test_the_answer_is_a_plain_200_or_a_refusal(unionpay: UnionPay) -> None:
    assert unionpay.notice_answer(True) == (200, "text/plain", "ok")
    assert unionpay.notice_answer(False)[0] == 400
