"""How messages of UnionPay's ACP interface 5.1.0 are written, signed and read.

The signed text is every field with a value but `signature`, sorted by name, as `k=v` joined by `&`,
nothing URL-encoded (ACP 5.1.0, signature by certificate, signMethod 01).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from backend.domain.china import CHINA

VERSION = "5.1.0"
SIGN_METHOD = "01"  # RSA with a certificate; 11 and 12 are shared keys, which prove less
MAX_FIELDS = 100

Fields = Mapping[str, str]


class MessageRefused(Exception):
    """A message that cannot be read or believed; the text names why and quotes no value."""


def sign_string(fields: Fields) -> str:
    """Return the text that is signed; an empty field is no part of it."""
    named = sorted(name for name in fields if name != "signature" and fields[name])
    return "&".join(f"{name}={fields[name]}" for name in named)


def digest_hex(fields: Fields) -> str:
    """Return the SHA-256 of the signed text: its 64 lower-case digits are what RSA signs."""
    return hashlib.sha256(sign_string(fields).encode()).hexdigest()


def verify_signature(fields: Fields, certificate: x509.Certificate) -> None:
    """Raise MessageRefused unless `signature` was made with this certificate's key."""
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise MessageRefused("the certificate holds no RSA key")
    try:
        signature = base64.b64decode(fields.get("signature", ""), validate=True)
        signed = digest_hex(fields).encode("ascii")
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        raise MessageRefused("the signature is wrong") from None


@dataclass(frozen=True)
class Signer:
    """Our side: signs what we send. The key stays out of every repr."""

    _key: rsa.RSAPrivateKey
    cert_id: str

    @classmethod
    def from_pem(cls, key_pem: bytes, certificate_pem: bytes) -> Self:
        """Read an unencrypted PEM key and its certificate; ValueError when they do not fit."""
        key = serialization.load_pem_private_key(key_pem, password=None)
        return cls._of(key, x509.load_pem_x509_certificate(certificate_pem))

    @classmethod
    def from_pfx(cls, pfx: bytes, password: str) -> Self:
        """Read both out of PKCS#12, the form that UnionPay issues; ValueError as above."""
        key, certificate, _ = pkcs12.load_key_and_certificates(pfx, password.encode())
        return cls._of(key, certificate)

    @classmethod
    def _of(cls, key: object, certificate: x509.Certificate | None) -> Self:
        if certificate is None:
            raise ValueError("wants the certificate of the key")
        if not isinstance(key, rsa.RSAPrivateKey) or certificate.public_key() != key.public_key():
            raise ValueError("wants an RSA key and the certificate of that key")
        return cls(key, cert_id_of(certificate))

    def __repr__(self) -> str:
        return f"Signer(cert_id={self.cert_id!r})"

    def sign(self, fields: Mapping[str, str | None]) -> dict[str, str]:
        """Return the message to send: complete and signed.

        Fields without a value are left out: implementations differ on whether an empty one is
        part of the signed text.
        """
        given = {name: value for name, value in fields.items() if value}
        given |= {"version": VERSION, "signMethod": SIGN_METHOD, "encoding": "UTF-8"}
        given["certId"] = self.cert_id
        signature = self._key.sign(
            digest_hex(given).encode("ascii"), padding.PKCS1v15(), hashes.SHA256()
        )
        return {**given, "signature": base64.b64encode(signature).decode("ascii")}


def cert_id_of(certificate: x509.Certificate) -> str:
    """Return the serial number as UnionPay names a certificate: in decimal digits."""
    return str(certificate.serial_number)


def parse_answer(content: bytes) -> dict[str, str]:
    """Read the body of an answer: `k=v&k=v`, not URL-encoded, values may hold {a=b&c=d} or […].

    Line ends inside a value are kept: CRLF belongs to the signed text of signPubKeyCert.

    :raises MessageRefused: not UTF-8, a field without a name or a field given twice
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise MessageRefused("the answer is not UTF-8") from None
    return _unique(part.partition("=")[::2] for part in _parts(text) if part)


def _parts(text: str) -> list[str]:
    """Split at every `&` that stands outside braces and brackets."""
    parts, begin, depth = [], 0, 0
    for match in re.finditer(r"[&{}\[\]]", text):
        sign = match[0]
        if sign == "&" and depth == 0:
            parts.append(text[begin : match.start()])
            begin = match.end()
        elif sign in "{[":
            depth += 1
        elif sign in "}]" and depth > 0:
            depth -= 1
    return [*parts, text[begin:]]


def parse_form(content: bytes) -> dict[str, str]:
    """Read the form that a notification posts; MessageRefused as for `parse_answer`."""
    try:
        pairs = parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except (UnicodeDecodeError, ValueError):
        raise MessageRefused("the body is no form") from None
    return _unique(pairs)


def _unique(pairs: Iterable[Sequence[str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in pairs:
        if not name or name in fields or len(fields) >= MAX_FIELDS:
            raise MessageRefused("a field has no name or comes twice")
        fields[name] = value
    return fields


def time_text(at: datetime) -> str:
    """Return YYYYMMDDhhmmss in Chinese time, as txnTime wants it."""
    return at.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def reserved_fen(fields: Fields, name: str) -> int | None:
    """Return an amount in fen out of `reserved`, base64 of `{name=amount&…}`; None without it.

    :raises MessageRefused: `reserved` names the amount, but it is none
    """
    try:
        text = base64.b64decode(fields.get("reserved", ""), validate=True).decode("utf-8")
    except ValueError:  # binascii's and Unicode's errors are both: something else stands there
        return None
    inner = dict(part.partition("=")[::2] for part in _parts(text.strip("{}")))
    return None if name not in inner else amount_fen(inner[name])


def amount_fen(text: str | None) -> int | None:
    """Return an amount of a message in fen; None without one; MessageRefused for anything else."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise MessageRefused("an amount is no whole number of fen")
    return int(text)
