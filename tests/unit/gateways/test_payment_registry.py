"""Which providers an installation has follows from its settings."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from flask import Flask

from backend.devstack import unionpay_keys
from backend.gateways.payments import registry
from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_messages import Signer
from backend.settings import SettingsError
from tests.conftest import make_settings
from tests.unionpay_parts import signer_of


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unionpay_keys.load_or_make(tmp_path_factory.mktemp("unionpay"))


def providers_of(keys: Path, **changed: object) -> dict[str, object]:
    app = Flask("test")
    given = {
        "unionpay_merchant_number": "777230800000001",
        "unionpay_private_key": (keys / "merchant.key").read_bytes(),
        "unionpay_cert": (keys / "merchant.pem").read_bytes(),
        "unionpay_root_cert": (keys / "root.pem").read_bytes(),
        "unionpay_middle_cert": (keys / "middle.pem").read_bytes(),
    }
    settings = make_settings(
        database_url="sqlite://", redis_url="redis://127.0.0.1", **{**given, **changed}
    )
    registry.init_app(app, settings)
    providers: dict[str, object] = app.extensions["payment_providers"]
    return providers


def test_unionpay_is_there_when_it_is_set(keys: Path) -> None:
    assert isinstance(providers_of(keys)["unionpay"], UnionPay)
    assert "unionpay" not in providers_of(keys, unionpay_merchant_number=None)
    assert "at_till" in providers_of(keys, unionpay_merchant_number=None)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("unionpay_private_key", "signer.key"),
        ("unionpay_private_key", "merchant.pem"),
        ("unionpay_cert", "signer.pem"),
        ("unionpay_root_cert", "merchant.key"),
        ("unionpay_middle_cert", "merchant.key"),
    ],
)
def test_a_key_or_certificate_that_does_not_fit_is_refused_at_the_start_and_not_shown(
    keys: Path, name: str, file: str
) -> None:
    with pytest.raises(SettingsError, match="UNIONPAY_") as refused:
        providers_of(keys, **{name: (keys / file).read_bytes()})
    assert (keys / "merchant.key").read_text().splitlines()[1] not in str(refused.value)


def test_a_key_behind_a_password_is_refused(keys: Path) -> None:
    sealed = unionpay_keys.new_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"000000"),
    )
    with pytest.raises(SettingsError, match="UNIONPAY_PRIVATE_KEY"):
        providers_of(keys, unionpay_private_key=sealed)


def pfx_of(keys: Path, *, with_certificate: bool = True) -> bytes:
    """Our key as UnionPay issues it: in the old ciphers, behind a password."""
    key = serialization.load_pem_private_key((keys / "merchant.key").read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    certificate = x509.load_pem_x509_certificate((keys / "merchant.pem").read_bytes())
    sealing = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303 - as issued
        .build(b"000000")
    )
    return pkcs12.serialize_key_and_certificates(
        b"acp", key, certificate if with_certificate else None, None, sealing
    )


def test_a_pfx_is_read_as_it_is_issued_and_signs_as_its_pem_does(keys: Path) -> None:
    pfx = pfx_of(keys)
    fields = {"merId": "1", "txnType": "00"}
    assert Signer.from_pfx(pfx, "000000").sign(fields) == signer_of(keys).sign(fields)
    pem_less = {"unionpay_private_key": None, "unionpay_cert": None}
    sealed = {"unionpay_pfx": pfx, "unionpay_pfx_password": "000000"}
    assert isinstance(providers_of(keys, **pem_less, **sealed)["unionpay"], UnionPay)


def test_a_pfx_that_cannot_be_opened_or_lacks_its_certificate_stops_the_start(keys: Path) -> None:
    for pfx, password in (
        (pfx_of(keys), "000001"),
        (pfx_of(keys), ""),
        (pfx_of(keys, with_certificate=False), "000000"),
        (b"no pfx", "000000"),
    ):
        with pytest.raises(SettingsError, match="_PFX"):
            providers_of(keys, unionpay_pfx=pfx, unionpay_pfx_password=password)
