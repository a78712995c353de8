"""Giving out tickets (领券票) with a campaign's page. Nothing is looked up and nothing is kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app

from backend import clock
from backend.domain import tickets
from backend.settings import Settings


@dataclass(frozen=True, kw_only=True)
class IssuedTicket:
    """A ticket's text, and the first moment at which a claim with it is marked."""

    text: str
    expires_at: datetime


def issue(*, campaign_id: str, resident_id: int) -> IssuedTicket:
    """Give a resident a ticket for one claim from a campaign."""
    settings: Settings = current_app.extensions["settings"]
    issued_ms = clock.now_ms()
    text = tickets.issue(
        campaign_id=campaign_id,
        resident_id=resident_id,
        now_ms=issued_ms,
        random_bytes=secrets.token_bytes(tickets.NONCE_BYTES),
        token_key=settings.token_key,
    )
    ttl = timedelta(seconds=settings.ticket_ttl_s)
    return IssuedTicket(text=text, expires_at=clock.from_ms(issued_ms) + ttl)
