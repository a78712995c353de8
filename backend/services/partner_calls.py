"""Who is calling: a partner's signature, time, address and nonce, each checked before anything."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import partners as rules
from backend.domain.partners import PartnerNonceUsed, PartnerSignatureInvalid
from backend.extensions import db
from backend.services import partners
from backend.services.personal_data import vault
from backend.storage.models.partners import PartnerKey, PartnerNonce
from backend.storage.sql import transaction

NOBODYS_SECRET = "0" * 64  # an unknown key costs as long as a known one


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A call as it came: what its headers say, and the text that its signature is made over."""

    partner_id: str
    key_id: str
    timestamp: str
    nonce: str
    signature: str
    text: bytes
    address: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A partner that has proved who it is; `secret` signs the answer to this call."""

    partner_id: str
    key_id: str
    nonce: str
    secret: str


def authenticate(call: Signed) -> Caller:
    """Return who has signed a call, and use its nonce up; nothing else is written.

    :raises PartnerSignatureInvalid: whatever is wrong with partner, key or signature
    :raises PartnerTimeWrong: signed right, more than 300 s from our clock
    :raises PartnerAddressRefused: from an address that is not the partner's
    :raises PartnerNonceUsed: this nonce of this partner has come before
    """
    secret = _secret(db.session(), call)
    right = rules.is_signature(call.signature, secret=secret or NOBODYS_SECRET, text=call.text)
    if secret is None or not right:
        raise PartnerSignatureInvalid("unknown partner or key" if secret is None else "wrong")
    rules.check_time(call.timestamp, now_s=clock.now().timestamp())
    rules.check_address(call.address, partners.networks(db.session(), call.partner_id))
    try:
        with transaction() as session:
            session.add(
                PartnerNonce(partner_id=call.partner_id, nonce=call.nonce, seen_at=clock.now())
            )
    except IntegrityError as error:
        raise PartnerNonceUsed(call.partner_id) from error
    return Caller(partner_id=call.partner_id, key_id=call.key_id, nonce=call.nonce, secret=secret)


def forget_nonces() -> int:
    """Forget the nonces of calls whose time is no longer believed anyway. For the job."""
    before = clock.now() - timedelta(seconds=rules.NONCE_KEPT_S)
    with transaction() as session:
        forgotten = session.scalars(
            delete(PartnerNonce).where(PartnerNonce.seen_at < before).returning(PartnerNonce.nonce)
        ).all()
    return len(forgotten)


def _secret(session: Session, call: Signed) -> str | None:
    key = session.get(PartnerKey, call.key_id, populate_existing=True)
    if key is None or (key.partner_id, key.state) != (call.partner_id, "active"):
        return None
    return vault().decrypt(key.secret_encrypted)
