"""The messages that the stand-in of UnionPay signs: answers, notifications, the ZM file."""

import base64
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509

from backend.gateways.payments.unionpay_bill import CONSUME, REFUND, WIDTHS
from backend.gateways.payments.unionpay_messages import Signer
from backend.gateways.standins import unionpay_state
from backend.gateways.standins.unionpay_state import Transaction, settlement_day

_SAID_BACK = ("merId", "orderId", "txnTime", "txnType", "txnSubType", "txnAmt", "currencyCode")
_SAID_BACK_TOO = ("bizType", "accessType", "reqReserved", "origQryId")


@dataclass(frozen=True)
class Seal:
    """UnionPay's side of the signature, from a folder with its key and certificates."""

    signer: Signer
    certificate_text: str
    merchant_certificate: x509.Certificate

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        certificate = (folder / "signer.pem").read_bytes()
        merchant = x509.load_pem_x509_certificate((folder / "merchant.pem").read_bytes())
        signer = Signer.from_pem((folder / "signer.key").read_bytes(), certificate)
        # As the real one sends it: CRLF, which is part of what is signed.
        return cls(signer, certificate.decode().replace("\n", "\r\n"), merchant)

    def sign(self, fields: Mapping[str, str]) -> dict[str, str]:
        return self.signer.sign({**fields, "signPubKeyCert": self.certificate_text})


def said_back(asked: Mapping[str, str]) -> dict[str, str]:
    """Return what an answer repeats of its request."""
    return {n: asked[n] for n in (*_SAID_BACK, *_SAID_BACK_TOO) if asked.get(n)}


def outcome(one: Transaction) -> dict[str, str]:
    """Return what a query and a notification tell of a transaction that has ended."""
    ended = one.ended_at
    told = {**said_back(one.asked), "queryId": one.query_id, "settleCurrencyCode": "156"}
    told |= {"settleAmt": one.asked["txnAmt"], "traceNo": one.query_id[-6:], "payCardType": "01"}
    if ended is not None:
        told |= {"traceTime": f"{ended:%m%d%H%M%S}", "settleDate": f"{settlement_day(ended):%m%d}"}
    if one.behaviour.discount_fen:
        text = f"{{discountAmt={one.behaviour.discount_fen}}}"
        told["reserved"] = base64.b64encode(text.encode()).decode()
    return told


def text_of(fields: Mapping[str, str]) -> bytes:
    """Return an answer's body: not URL-encoded."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def zm_content(transactions: Iterable[Transaction]) -> bytes:
    """Return the ZM file of these payments and refunds."""
    return b"".join(_record(one) + b"\r\n" for one in transactions)


def packed(name: str, content: bytes) -> str:
    """Return files as fileContent: a zip, deflated once more, in base64."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr(name.replace("88ZM_", "88ZME_"), b"")
    return base64.b64encode(zlib.compress(out.getvalue())).decode()


def _record(one: Transaction) -> bytes:
    is_refund = one.kind == unionpay_state.REFUND
    fee_fen = (one.amount_fen * 6 + 500) // 1000  # 0.6 per cent, as in UnionPay's sample
    to_merchant, from_merchant = ("D", "C") if is_refund else ("C", "D")
    settle = f"{to_merchant}{one.amount_fen - fee_fen:012d}"
    given = {
        0: REFUND if is_refund else CONSUME,
        1: "88022900",
        2: "00049993",
        3: one.query_id[-6:],
        4: "" if one.ended_at is None else f"{one.ended_at:%m%d%H%M%S}",
        5: "622609******0048",
        6: f"{one.amount_fen:012d}",
        7: one.asked["merId"][7:11],
        8: "08",
        9: one.query_id,
        11: one.asked["orderId"],
        12: "01",
        15: f"{from_merchant}{fee_fen:012d}",
        16: settle,
        17: "0001",
        19: "01",
        21: "000000",
        26: "" if one.original is None else one.original.query_id,
        27: one.asked["merId"],
        29: "0" * 15,
        30: "同江示范商户",
        31: " " + "0" * 12,
        32: settle,
        33: one.asked.get("termId", "00000001"),
        34: one.asked.get("reqReserved", ""),
        35: f" {one.behaviour.discount_fen:012d}",
        36: " " + "0" * 12,
        37: " " + "0" * 11,
        39: "7",
    }
    fields = (given.get(n, "").encode("gbk")[:width] for n, width in enumerate(WIDTHS))
    return b" ".join(text.ljust(width) for text, width in zip(fields, WIDTHS, strict=True))
