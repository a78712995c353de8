"""Tickets (领券票): signed text from a campaign's page, shown once with a claim made from it.

    campaign_id.resident_id.issued_ms.nonce.MAC      the time in hexadecimal milliseconds since 1970

Nothing is kept when one is given out. The nonce, 24 bits, tells a resident's own tickets of one
campaign apart; the MAC (macs.py) is made with TOKEN_KEY for this purpose alone
(docs/adr/0013).
"""

import base64
import hmac
from typing import NamedTuple

from backend.domain.macs import mac

NONCE_BYTES = 3
PURPOSE = b"campaign-ticket"


class TicketRefused(ValueError):
    """Malformed, forged, or signed with another key."""


class Ticket(NamedTuple):
    """Given to whom, on which campaign's page, when. `nonce` is four characters of 0-9A-Za-z_-."""

    campaign_id: str
    resident_id: int
    issued_ms: int
    nonce: str


def issue(
    *, campaign_id: str, resident_id: int, now_ms: int, random_bytes: bytes, token_key: bytes
) -> str:
    """Return a ticket's text; `random_bytes` are NONCE_BYTES of the system's randomness."""
    if len(random_bytes) != NONCE_BYTES:
        raise ValueError(f"a nonce wants {NONCE_BYTES} bytes")
    nonce = base64.urlsafe_b64encode(random_bytes).decode()
    said = f"{campaign_id}.{resident_id}.{now_ms:x}.{nonce}"
    return f"{said}.{mac(said, key=token_key, purpose=PURPOSE)}"


def read(text: str, *, token_key: bytes) -> Ticket:
    """Return what a ticket says, or raise TicketRefused: one MAC, no look-up."""
    said, _, signed = text.rpartition(".")
    expected = mac(said, key=token_key, purpose=PURPOSE)
    if not text.isascii() or not hmac.compare_digest(signed, expected):
        raise TicketRefused("malformed, forged, or signed with another key")
    campaign_id, resident_id, issued_ms, nonce = said.split(".")
    return Ticket(campaign_id, int(resident_id), int(issued_ms, 16), nonce)
