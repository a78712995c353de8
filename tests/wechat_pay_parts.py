"""Parts for tests of WeChat Pay: keys, the stand-in as a process, charges, a place to be told."""

import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from backend import clock
from backend.gateways.payments.protocol import Charge, Notice, NoticeRefused, RefundRequest
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_http import Account
from backend.gateways.standins.wechat_pay_keys import make_key

APPID = "wx8888888888888888"
MCHID = "1900000001"
SERIAL = "0123456789ABCDEF0123456789ABCDEF01234567"
API_V3_KEY = "0123456789abcdef0123456789ABCDEF"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026010100000000000001"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
WALLET_CODE = "13{:016d}"
ORDERS = "/v3/pay/transactions"
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


def private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


MERCHANT_KEY, PLATFORM_KEY = make_key(), make_key()
ACCOUNT = Account(
    appid=APPID,
    mchid=MCHID,
    cert_serial=SERIAL,
    private_key=private_pem(MERCHANT_KEY),
    api_v3_key=API_V3_KEY,
    public_key=public_pem(PLATFORM_KEY),
    public_key_id=PUBLIC_KEY_ID,
)


def order_path(order_id: str, action: str = "") -> str:
    return f"{ORDERS}/out-trade-no/{order_id}{action}"


def make_charge(amount_fen: int = 8000, *, age_s: float = 0, **more: Any) -> Charge:
    """A charge of a new order, from a phone unless it is said otherwise."""
    created_at = clock.now() - timedelta(seconds=age_s)
    given: dict[str, Any] = {
        "order_id": uuid.uuid4().hex,
        "merchant_id": "TJ0001",
        "amount_fen": amount_fen,
        "created_at": created_at,
        "expires_at": clock.now() + timedelta(minutes=5),
        "description": "佳乐购超市",
        "payer_openid": OPENID,
    }
    return Charge(**{**given, **more})


def scanned(amount_fen: int = 8000, *, age_s: float = 0) -> Charge:
    """A charge whose payer's wallet was scanned at the till."""
    code = WALLET_CODE.format(uuid.uuid4().int % 10**16)
    return make_charge(amount_fen, age_s=age_s, payer_openid=None, payer_code=code)


def make_refund(charge: Charge, amount_fen: int, **more: Any) -> RefundRequest:
    given: dict[str, Any] = {
        "refund_id": uuid.uuid4().hex,
        "order_id": charge.order_id,
        "amount_fen": amount_fen,
        "total_fen": charge.amount_fen,
        "created_at": clock.now(),
        "charge_created_at": charge.created_at,
        "reason": "顾客退货",
    }
    return RefundRequest(**{**given, **more})


class PayStandin:
    """The stand-in's control routes."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def api(self, method: str, path: str, **parts: Any) -> requests.Response:
        return requests.request(method, self.base_url + path, timeout=20, **parts)

    def control(self, name: str, **body: object) -> Any:
        answer = self.api("POST", f"/_standin/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pay(self, charge: Charge, **how: object) -> Any:
        return self.control("pay", out_trade_no=charge.order_id, **how)

    def mood(self, path: str, mode: str, times: int | None = None, **more: object) -> None:
        self.control("moods", path=path, mode=mode, times=times, **more)

    def fault(self, path: str, mode: str, value: float = 0, times: int | None = None) -> None:
        self.control("faults", path=path, mode=mode, value=value, times=times)

    def requests(self) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = self.api("GET", "/_standin/requests").json()
        return seen

    def reset(self) -> None:
        for name in ("faults", "moods", "requests"):
            self.api("DELETE", f"/_standin/{name}")

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """Both clocks run ahead: the stand-in's and ours."""
        self.control("clock", advance_s=seconds)
        clock.use(clock.Clock(offset_s=seconds))
        try:
            yield
        finally:
            self.control("clock", advance_s=-seconds)
            clock.use(clock.Clock())


@contextmanager
def running_standin(folder: Path, *, account: Account = ACCOUNT) -> Iterator[PayStandin]:
    """The stand-in in a process of its own; refunds end by a control call."""
    keys = folder / "wechat_pay_keys.json"
    given = {
        name: getattr(account, name)
        for name in ("appid", "mchid", "cert_serial", "api_v3_key", "public_key_id")
    }
    pems = {
        "merchant_private_key": private_pem(MERCHANT_KEY),
        "platform_private_key": private_pem(PLATFORM_KEY),
    }
    keys.write_text(json.dumps(given | pems))
    module = "backend.gateways.standins.wechat_pay_api"
    command = [sys.executable, "-W", "error", "-m", module, "--port=0", f"--keys={keys}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), "the stand-in did not start"
        yield PayStandin(line.split()[-1])
    finally:
        process.terminate()
        process.communicate(timeout=20)


@dataclass
class Told:
    """Where a provider's notifications arrive: read, answered, and counted."""

    provider: WeChatPay | None = None
    notices: list[Notice] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    raw: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    fail_first: int = 0  # answer so many with 500 before the first is taken
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, str, str]:
        assert self.provider is not None
        with self._lock:
            self.raw.append((headers, body))
            if self.fail_first > 0:
                self.fail_first -= 1
                return self.provider.notice_answer(False)
            try:
                self.notices.append(self.provider.read_notice(headers, body))
            except NoticeRefused as refused:
                self.refused.append(str(refused))
                return self.provider.notice_answer(False)
            return self.provider.notice_answer(True)


@contextmanager
def told_over_http() -> Iterator[Told]:
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content_type, text = told.take(dict(self.headers.items()), body)
            answer = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/callbacks/payments/wechat_pay"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def account(**changes: str) -> Account:
    return replace(ACCOUNT, **changes)
