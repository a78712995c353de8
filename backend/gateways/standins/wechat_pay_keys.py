"""The stand-in's side of WeChat Pay's keys: checks our signatures, makes its own, encrypts.

Written from the protocol and not with the gateway's code, so that one mistake is not made twice.
"""

import base64
import binascii
import json
import re
import secrets
import threading
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

SCHEME = "WECHATPAY2-SHA256-RSA2048"
AUTHORIZATION_WITHIN_S = 300
_PART = re.compile(r'(\w+)="([^"]*)"')


class Unauthorized(Exception):
    """The request is not signed by the merchant, not now, or was sent before."""


def make_key() -> RSAPrivateKey:
    """Return a new key pair as WeChat Pay uses them."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Keys:
    """Who talks to whom with which keys. Safe between threads.

    :ivar merchant_key: what the merchant's signatures are checked with
    :ivar platform_key: what answers and notifications are signed with
    """

    appid: str
    mchid: str
    cert_serial: str
    api_v3_key: str = field(repr=False)
    public_key_id: str
    merchant_key: RSAPublicKey
    platform_key: RSAPrivateKey = field(repr=False)
    _nonces: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, header: str, *, method: str, path: str, body: bytes, now_s: int) -> None:
        """Refuse a request whose Authorization is not the merchant's, of now and new.

        :raises Unauthorized: says which of them
        """
        scheme, _, rest = header.partition(" ")
        parts = dict(_PART.findall(rest))
        if scheme != SCHEME or parts.get("mchid") != self.mchid:
            raise Unauthorized("unknown merchant")
        if parts.get("serial_no") != self.cert_serial:
            raise Unauthorized("unknown certificate")
        timestamp, nonce = parts.get("timestamp", ""), parts.get("nonce_str", "")
        if not timestamp.isdigit() or abs(now_s - int(timestamp)) > AUTHORIZATION_WITHIN_S:
            raise Unauthorized("timestamp too far away")
        text = f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
        try:
            signature = base64.b64decode(parts.get("signature", ""), validate=True)
            self.merchant_key.verify(signature, text, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error):
            raise Unauthorized("wrong signature") from None
        with self._lock:
            self._nonces = {
                seen: at_s
                for seen, at_s in self._nonces.items()
                if abs(now_s - at_s) <= 2 * AUTHORIZATION_WITHIN_S
            }
            if nonce in self._nonces or not nonce:
                raise Unauthorized("nonce seen before")
            self._nonces[nonce] = now_s

    def signed(
        self, body: bytes, *, now_s: int, key: RSAPrivateKey | None = None
    ) -> dict[str, str]:
        """Return the headers that sign these bytes; `key`: a forger's."""
        timestamp, nonce = str(now_s), secrets.token_hex(16)
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = (key or self.platform_key).sign(text, PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.public_key_id,
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
        }

    def sealed(
        self, resource: dict[str, object], *, kind: str, api_v3_key: str | None = None
    ) -> dict[str, str]:
        """Return a notification's encrypted resource; `api_v3_key`: a wrong one."""
        nonce = secrets.token_hex(6)
        plain = json.dumps(resource, ensure_ascii=False).encode()
        cipher = AESGCM((api_v3_key or self.api_v3_key).encode())
        return {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(
                cipher.encrypt(nonce.encode(), plain, kind.encode())
            ).decode(),
            "associated_data": kind,
            "nonce": nonce,
        }
