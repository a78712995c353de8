"""Keys and certificates for UnionPay's stand-in and for us as its merchant, made once.

A folder holds `root.pem` and `middle.pem` (the authority), `signer.pem` and `signer.key`
(UnionPay's own) and `merchant.pem` and `merchant.key` (ours).
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

SIGNER_NAME = "中国银联股份有限公司"
# The development clock may stand in any year of a sample.
VALID = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC))
_LAST_FILE = "merchant.pem"  # written last: while it is missing, the others are made anew


def load_or_make(folder: Path) -> Path:
    """Make what the folder lacks, for its owner's eyes alone; return the folder."""
    if (folder / _LAST_FILE).exists():
        return folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_key, middle_key, signer_key, merchant_key = (new_key() for _ in range(4))
    root = certify("Stand-in Root", root_key, issuer=None, issuer_key=root_key, authority=True)
    middle = certify("Stand-in CA", middle_key, issuer=root, issuer_key=root_key, authority=True)
    signer_cn = f"041@8310000000000000@{SIGNER_NAME}@00000001"
    signer = certify(signer_cn, signer_key, issuer=middle, issuer_key=middle_key)
    merchant_cn = "041@70000000000000@Huiquan:SIGN@00000002"
    merchant = certify(merchant_cn, merchant_key, issuer=middle, issuer_key=middle_key)
    for name, key in (("signer.key", signer_key), ("merchant.key", merchant_key)):
        _write(folder / name, private_pem(key))
    for name, one in (("root.pem", root), ("middle.pem", middle), ("signer.pem", signer)):
        _write(folder / name, one.public_bytes(serialization.Encoding.PEM))
    _write(folder / _LAST_FILE, merchant.public_bytes(serialization.Encoding.PEM))
    return folder


def new_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certify(
    common_name: str,
    key: rsa.RSAPrivateKey,
    *,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey,
    authority: bool = False,
    valid: tuple[datetime, datetime] = VALID,
) -> x509.Certificate:
    """Return a certificate for a key; without an issuer it is its own.

    :param authority: whether it may issue others
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return a key as the unencrypted PEM that our settings want."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes) -> None:
    unfinished = file.with_name(file.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    unfinished.replace(file)
