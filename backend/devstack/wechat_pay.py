"""A merchant number of the development stack's own at its stand-in of WeChat Pay.

Both key pairs are made at the first start and kept in the state directory: nobody else's key, and
none in the code.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from backend.devstack.paths import StateDir
from backend.devstack.secrets import write_private
from backend.gateways.standins.wechat_pay_keys import make_key

VARIABLES = (
    "WECHAT_PAY_MCHID",
    "WECHAT_PAY_PRIVATE_KEY",
    "WECHAT_PAY_CERT_SERIAL",
    "WECHAT_PAY_API_V3_KEY",
    "WECHAT_PAY_PUBLIC_KEY",
    "WECHAT_PAY_PUBLIC_KEY_ID",
    "WECHAT_PAY_BASE_URL",
)


def load_or_make(state: StateDir, *, appid: str, base_url: str) -> dict[str, str]:
    """Return the settings of WeChat Pay, with the stand-in's file of keys written beside them."""
    kept = _read(state.wechat_pay_keys_file) or _made()
    keys = {**kept, "appid": appid}
    if keys != kept:
        write_private(state.wechat_pay_keys_file, json.dumps(keys, indent=1))
    private_key, public_key = state.root / "wechat_pay.pem", state.root / "wechat_pay_public.pem"
    write_private(private_key, keys["merchant_private_key"])
    write_private(public_key, keys["platform_public_key"])
    values = (
        keys["mchid"],
        str(private_key),
        keys["cert_serial"],
        keys["api_v3_key"],
        str(public_key),
        keys["public_key_id"],
        base_url,
    )
    return dict(zip(VARIABLES, values, strict=True))


def _read(file: Path) -> Mapping[str, str] | None:
    if not file.exists():
        return None
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _made() -> Mapping[str, str]:
    merchant, platform = make_key(), make_key()
    public = platform.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "mchid": f"19{secrets.randbelow(10**8):08d}",
        "cert_serial": secrets.token_hex(20).upper(),
        "api_v3_key": secrets.token_hex(16),
        "public_key_id": f"PUB_KEY_ID_01{secrets.token_hex(16)}",
        "merchant_private_key": _pem(merchant),
        "platform_private_key": _pem(platform),
        "platform_public_key": public.decode(),
    }


def _pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
