"""Placards (码牌): issued, re-issued, drawn and revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import audit, merchants
from backend.settings import Settings
from backend.storage.models.merchants import Merchant, Placard
from backend.storage.models.programmes import Programme
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction
from merchant_qr import image, sheet
from merchant_qr.payload import placard_code, placard_url

Picture = Literal["png", "svg", "pdf"]


@dataclass(frozen=True, kw_only=True)
class IssuedPlacard:
    """A placard that counts: its code, and the link its QR carries."""

    merchant_id: str
    serial: int
    code: str
    url: str
    issued_at: datetime


def issue(merchant_id: str, *, actor: str) -> IssuedPlacard:
    """Issue a merchant's next placard; the ones before it stay valid until they are revoked."""
    with transaction() as session:
        placard = _next(session, merchant_id)
        audit.record(session, actor=actor, action="placard.issue", subject=_subject(placard))
    return _issued(placard)


def reissue(merchant_id: str, *, actor: str, reason: str) -> IssuedPlacard:
    """Issue a merchant's next placard and revoke all before it, in one act."""
    with transaction() as session:
        placard = _next(session, merchant_id)
        before = queries.list_active_placards(session, merchant_id, below=placard.serial)
        for old in before:
            _revoke(old, reason)
        audit.record(
            session,
            actor=actor,
            action="placard.reissue",
            subject=_subject(placard),
            revoked=[old.serial for old in before],
            reason=reason,
        )
    return _issued(placard)


def revoke(merchant_id: str, serial: int, *, actor: str, reason: str) -> None:
    """Make a placard void at once: a scan of it is refused with a sentence."""
    with transaction() as session:
        placard = queries.get_placard(session, merchant_id, serial)
        if placard is None:
            raise NotFound(f"placard {merchant_id}-{serial}")
        if placard.state == "active":
            _revoke(placard, reason)
            audit.record(
                session,
                actor=actor,
                action="placard.revoke",
                subject=_subject(placard),
                reason=reason,
            )


def current(merchant_id: str) -> IssuedPlacard:
    """Return a merchant's newest placard; NotFound when none counts."""
    placard = queries.newest_placard(db.session(), merchant_id)
    if placard is None or placard.state != "active":
        raise NotFound(f"no placard of {merchant_id} counts")
    return _issued(placard)


def of_merchant(merchant_id: str) -> list[Placard]:
    """Return all placards a merchant ever had, the newest first."""
    return queries.list_placards(db.session(), merchant_id)


def draw(merchant_id: str, picture: Picture, *, size: sheet.Size = "A5") -> bytes:
    """Return a merchant's newest placard as PNG or SVG (the code alone) or as a PDF of a size."""
    placard = current(merchant_id)
    if picture == "png":
        return image.png(placard.url)
    if picture == "svg":
        return image.svg(placard.url)
    merchant = merchants.get(merchant_id)
    programme = db.session.scalars(
        select(Programme).where(Programme.id == merchant.programme_id)
    ).one()
    settings: Settings = current_app.extensions["settings"]
    return sheet.placard_pdf(
        merchant_name=merchant.name,
        merchant_id=merchant.id,
        serial=placard.serial,
        programme_name=programme.name,
        url=placard.url,
        size=size,
        cjk_font=settings.pdf_cjk_font,
    )


def link(merchant_id: str, serial: int) -> str:
    """Return what the QR code of a placard carries."""
    settings: Settings = current_app.extensions["settings"]
    code = placard_code(merchant_id=merchant_id, serial=serial, key=settings.placard_key)
    return placard_url(settings.public_base_url, code)


def _next(session: Session, merchant_id: str) -> Placard:
    if session.get(Merchant, merchant_id, with_for_update={"of": Merchant}) is None:
        raise NotFound(f"merchant {merchant_id!r}")
    newest = queries.newest_placard(session, merchant_id)
    placard = Placard(
        merchant_id=merchant_id,
        serial=1 if newest is None else newest.serial + 1,
        state="active",
        issued_at=clock.now(),
    )
    session.add(placard)
    return placard


def _revoke(placard: Placard, reason: str) -> None:
    placard.state, placard.revoked_at, placard.reason = "revoked", clock.now(), reason


def _subject(placard: Placard) -> str:
    return f"{placard.merchant_id}-{placard.serial}"


def _issued(placard: Placard) -> IssuedPlacard:
    url = link(placard.merchant_id, placard.serial)
    return IssuedPlacard(
        merchant_id=placard.merchant_id,
        serial=placard.serial,
        code=url.rpartition("/")[2],
        url=url,
        issued_at=placard.issued_at,
    )
