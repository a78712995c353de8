"""What is sent to UnionPay, what is not, and what of it is in no log."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from backend.gateways.payments.unionpay_http import UnionPayHttp
from tests.integration.gateways.conftest import MakeUnionPay
from tests.unionpay_parts import (
    UnionPayStandin,
    scanned,
    signer_of,
)

Move = Callable[[timedelta], datetime]


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
