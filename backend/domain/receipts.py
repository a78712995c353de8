"""Receipts (领取凭证): signed text that a phone keeps, so that a claim survives the loss of Valkey.

    campaign_id.tier_position.serial.resident_id.claimed_at_ms.epoch.MAC

Everything that the voucher's row is made of, and nothing personal. The MAC (macs.py) is
made with TOKEN_KEY for this purpose alone (docs/adr/0010).
"""

import hmac
import re
from typing import NamedTuple

from backend.domain.macs import mac

PURPOSE = b"claim-receipt"

_FORM = re.compile(
    r"([A-Z0-9-]{1,32})\.([1-9][0-9]?)\.([1-9][0-9]{0,8})\.([1-9][0-9]{0,15})"
    r"\.([1-9][0-9]{0,14})\.([1-9][0-9]{0,2})\.([0-9A-Za-z_-]{22})"
)


class ReceiptRefused(ValueError):
    """Malformed, forged, or signed with another key."""


class Receipt(NamedTuple):
    """Whose unit of which tier, taken when, and from which loading of the quota."""

    campaign_id: str
    tier_position: int
    serial: int
    resident_id: int
    claimed_at_ms: int
    epoch: int


def sign(receipt: Receipt, *, token_key: bytes) -> str:
    """Return the receipt's text."""
    campaign_id, tier_position, serial, resident_id, claimed_at_ms, epoch = receipt
    text = f"{campaign_id}.{tier_position}.{serial}.{resident_id}.{claimed_at_ms}.{epoch}"
    return f"{text}.{mac(text, key=token_key, purpose=PURPOSE)}"


def read(text: str, *, token_key: bytes) -> Receipt:
    """Return what a receipt says, or raise ReceiptRefused. Exactly one spelling is accepted."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ReceiptRefused("malformed")
    if not hmac.compare_digest(form[7], mac(text[:-23], key=token_key, purpose=PURPOSE)):
        raise ReceiptRefused("forged, or signed with another key")
    return Receipt(
        campaign_id=form[1],
        tier_position=int(form[2]),
        serial=int(form[3]),
        resident_id=int(form[4]),
        claimed_at_ms=int(form[5]),
        epoch=int(form[6]),
    )
