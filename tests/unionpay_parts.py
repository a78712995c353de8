"""Parts for tests of UnionPay: its stand-in as a process of its own, and providers that ask it."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from backend import clock
from backend.gateways.payments.protocol import Charge, RefundRequest
from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_calls import UnionPayCalls
from backend.gateways.payments.unionpay_http import UnionPayHttp
from backend.gateways.payments.unionpay_messages import Signer
from backend.gateways.payments.unionpay_trust import Trust

MERCHANT_NUMBER = "777230800000001"
SIGNER_CN = "中国银联股份有限公司"
START_LIMIT_S = 20


def trust_of(keys: Path, *, signer_cn: str = SIGNER_CN) -> Trust:
    return Trust(
        root_pem=(keys / "root.pem").read_bytes(),
        middle_pem=(keys / "middle.pem").read_bytes(),
        signer_cn=signer_cn,
    )


def signer_of(keys: Path, name: str = "merchant") -> Signer:
    return Signer.from_pem((keys / f"{name}.key").read_bytes(), (keys / f"{name}.pem").read_bytes())


def provider_of(
    keys: Path,
    base_url: str,
    *,
    notice_url: str = "http://127.0.0.1:9/callbacks/payments/unionpay",
    timeout_s: tuple[float, float] = (1.0, 2.0),
    **changed: Any,
) -> UnionPay:
    parts: dict[str, Any] = {
        "merchant_number": MERCHANT_NUMBER,
        "signer": signer_of(keys),
        "trust": trust_of(keys),
        "http": UnionPayHttp(timeout_s=timeout_s),
        "base_url": base_url,
        "file_url": base_url,
    }
    return UnionPay(UnionPayCalls(**{**parts, **changed}), notice_url=notice_url)


def payer_code() -> str:
    return f"62{uuid.uuid4().int % 10**17:017d}"


def charge_of_now(**changed: Any) -> Charge:
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
    return charge_of_now(payer_code=payer_code(), **changed)


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


def notice_of(keys: Path, *, line_end: str = "\r\n", **fields: str) -> dict[str, str]:
    """A notification as UnionPay signs it; an empty value leaves a field out."""
    certificate = (keys / "signer.pem").read_text().replace("\n", line_end)
    told = {
        "merId": MERCHANT_NUMBER,
        "orderId": "0123456789abcdef0123456789abcdef",
        "txnTime": "20230428100100",
        "txnType": "01",
        "txnSubType": "06",
        "txnAmt": "9800",
        "currencyCode": "156",
        "queryId": "202304281001000000001",
        "respCode": "00",
        "signPubKeyCert": certificate,
    }
    return signer_of(keys, "signer").sign({**told, **fields})


@dataclass
class UnionPayStandin:
    """The control routes of the stand-in."""

    base_url: str
    keys: Path
    http: requests.Session = field(default_factory=requests.Session)

    def api(self, method: str, path: str, **parts: Any) -> requests.Response:
        return self.http.request(method, self.base_url + path, timeout=5, **parts)

    def control(self, name: str, **body: object) -> dict[str, Any]:
        answer = self.api("POST", f"/_standin/{name}", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def behave(self, **changed: object) -> None:
        """What becomes of the transactions that follow; done at once unless it says otherwise."""
        self.control("behaviour", **{"takes_s": 0, "notices": 0, **changed})

    def fault(self, path: str, mode: str, value: float = 0, times: int | None = None) -> None:
        self.control("faults", path=path, mode=mode, value=value, times=times)

    def spoil(self, mode: str, times: int = 1, path: str | None = None) -> None:
        self.control("answers", mode=mode, times=times, path=path)

    def requests(self, path: str | None = None) -> list[dict[str, Any]]:
        seen = self.api("GET", "/_standin/requests").json()
        return [one for one in seen if path in (None, one["path"])]

    def transactions(self, kind: str | None = None) -> list[dict[str, Any]]:
        seen = self.api("GET", "/_standin/transactions").json()
        return [one for one in seen if kind in (None, one["kind"])]

    def reset(self) -> None:
        for name in ("faults", "requests"):
            self.api("DELETE", f"/_standin/{name}")
        self.behave()


@contextmanager
def running_standin(keys: Path, *, clock_offset_s: float = 0.0) -> Iterator[UnionPayStandin]:
    """The stand-in as a process of its own, its clock shifted."""
    command = [sys.executable, "-W", "error", "-m", "backend.gateways.standins.unionpay_api"]
    command += ["--port=0", f"--merchant-number={MERCHANT_NUMBER}", f"--keys={keys}"]
    command += [f"--clock-offset-s={clock_offset_s}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), "the stand-in did not start"
        standin = UnionPayStandin(line.split()[-1], keys)
        try:
            yield standin
        finally:
            standin.http.close()
    finally:
        process.terminate()
        process.communicate(timeout=START_LIMIT_S)
