"""The people of the sample: clerks, a bank, a card's holder, staff; their numbers are nobody's."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.staff import Role


@dataclass(frozen=True, kw_only=True)
class SampleClerk:
    """A clerk whose phone the stand-in of WeChat can play; `user` is his name there."""

    merchant_id: str
    merchant_name: str
    name: str
    user: str
    phone: str


# 154 belongs to no carrier's ordinary numbers.
CLERKS = (
    SampleClerk(
        merchant_id="TJ0003",
        merchant_name="家乐购",
        name="王店员",
        user="clerk-jialegou",
        phone="15400000003",
    ),
    SampleClerk(
        merchant_id="TJ0006",
        merchant_name="示例·赫乡鳇鱼馆",
        name="李店员",
        user="clerk-hexiang",
        phone="15400000006",
    ),
)

# A partner bank, and what its engineer calls it with.
PARTNER_ID = "BANK01"
PARTNER_NAME = "示例银行"
PARTNER_KEY_ID = "BANK01-DEV"
PARTNER_NETWORKS = ("127.0.0.0/8", "::1/128")


# A resident whose card the partner has bound.
CARD_PHONE = "13900000001"
CARD_TOKEN = "tok-xiaoli"  # noqa: S105  # a bank's token of a card, no secret
CARD_LAST4 = "0018"


def partner_secret(env: Mapping[str, str]) -> str:
    """Return the secret of the sample partner's key: this state directory's own."""
    return _own(env, b"the sample partner of the development stack").hex()


def staff_of(role: Role) -> str:
    """Return the login name of the sample's account of a role."""
    return f"{role.replace('_', '-')}-01"


def staff_password(env: Mapping[str, str]) -> str:
    """Return the password of every sample account at the console: this state directory's own."""
    return _own(env, b"the sample staff's password").hex()[:16]


def staff_totp_secret(env: Mapping[str, str]) -> str:
    """Return what the phones of all sample accounts share, in base 32."""
    return base64.b32encode(_own(env, b"the sample staff's phone")[:20]).decode()


def _own(env: Mapping[str, str], purpose: bytes) -> bytes:
    return hmac.digest(bytes.fromhex(env["PERSONAL_DATA_KEY"]), purpose, "sha256")
