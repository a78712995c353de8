"""Which providers an installation has follows from its settings."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from flask import Flask

from backend.devstack import unionpay_keys
from backend.gateways.payments import registry
from backend.gateways.payments.unionpay import UnionPay
from backend.settings import SettingsError
from tests.conftest import make_settings


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
