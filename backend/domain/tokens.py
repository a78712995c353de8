"""Access tokens: signed text that is checked without a look-up.

    role.sign_in_id.wechat_user_id.subject_id.expires_s.MAC

`subject_id` is the resident (0 while no phone is bound) or the clerk. The MAC (macs.py) is
over the text before it; one call of the standard library checks it in less than a microsecond,
which the claim's opening second needs (docs/adr/0006). No openid and no session_key is ever inside.
"""

import hmac
from typing import Literal, NamedTuple, cast

from backend.domain.macs import mac

Role = Literal["resident", "clerk"]
_ROLES = ("resident", "clerk")
PURPOSE = b"access-token"


class TokenRefused(ValueError):
    """Malformed, forged or expired."""


class Claims(NamedTuple):
    """What a token says. `expires_s` is in seconds since 1970 UTC, exclusive."""

    role: Role
    sign_in_id: int
    wechat_user_id: int
    subject_id: int
    expires_s: int


def issue(claims: Claims, *, key: bytes) -> str:
    """Return the token's text."""
    numbers = (claims.sign_in_id, claims.wechat_user_id, claims.subject_id, claims.expires_s)
    text = ".".join((claims.role, *map(str, numbers)))
    return f"{text}.{mac(text, key=key, purpose=PURPOSE)}"


def read(token: str, *, key: bytes, now_s: float) -> Claims:
    """Return what a token says, or raise TokenRefused."""
    text, _, signed = token.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signed, mac(text, key=key, purpose=PURPOSE)):
        raise TokenRefused("forged or malformed")
    role, *numbers = text.split(".")
    if role not in _ROLES or len(numbers) != 4:
        raise TokenRefused("malformed")
    claims = Claims(cast(Role, role), *map(int, numbers))
    if now_s >= claims.expires_s:
        raise TokenRefused("expired")
    return claims
