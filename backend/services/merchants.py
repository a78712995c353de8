"""Merchants: who may redeem, and whose placard was scanned."""

from flask import current_app
from sqlalchemy.orm import Session

from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import audit, payments
from backend.settings import Settings
from backend.storage.models.merchants import Merchant
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction
from merchant_qr import foreign
from merchant_qr.payload import ForeignLink, ForgedPlacard, code_from_url, read_placard_code


def redeeming(session: Session, merchant_id: str) -> Merchant:
    """Return a merchant that may redeem now: on the list in force, and not suspended since.

    Source: plan, part six (三): 在指定合作商家消费; part seven: 参与商户名单对外公布.
    """
    merchant = session.get(Merchant, merchant_id)
    if merchant is None or merchant.status != "published":
        raise refusals.MerchantNotPublished(f"merchant {merchant_id}")
    if not queries.is_listed(session, merchant_id):
        raise refusals.MerchantNotPublished(f"merchant {merchant_id} is on no list in force")
    return merchant


def code_in(text: str) -> str:
    """Return the code of a scanned text: of our link, or the text itself when it is no link.

    Refuses other systems' links, those of payment by their name.
    """
    settings: Settings = current_app.extensions["settings"]
    try:
        return code_from_url(text, base_url=settings.public_base_url) if "/" in text else text
    except ForeignLink as error:
        raise _no_placard(text, error) from error


def of_placard(text: str) -> str:
    """Return the merchant of a placard's code or whole link; refuse forged and revoked ones."""
    settings: Settings = current_app.extensions["settings"]
    try:
        placard = read_placard_code(code_in(text), key=settings.placard_key)
    except ForgedPlacard as error:
        raise _no_placard(text, error) from error
    row = queries.get_placard(db.session(), placard.merchant_id, placard.serial)
    if row is None:
        raise refusals.PlacardInvalid(f"placard {placard.merchant_id}-{placard.serial} unknown")
    if row.state != "active":
        raise refusals.PlacardRevoked(f"placard {placard.merchant_id}-{placard.serial}")
    return placard.merchant_id


def _no_placard(text: str, error: ValueError) -> HuiquanError:
    if system := foreign.payment_system_of(text):
        return refusals.PlacardOfAnotherSystem(system, details={"system": system})
    return refusals.PlacardInvalid(type(error).__name__)


def get(merchant_id: str) -> Merchant:
    """Return a merchant wherever it stands in the chain, or raise NotFound."""
    merchant = db.session.get(Merchant, merchant_id)
    if merchant is None:
        raise NotFound(f"merchant {merchant_id!r}")
    return merchant


def refuse_disqualified(session: Session, merchant_id: str) -> None:
    """Refuse a merchant that has lost its place for good (plan, part eight (四): 取消参与资格).

    Until the transaction ends nobody disqualifies it either.
    """
    if is_disqualified(session, merchant_id):
        raise refusals.MerchantNotPublished(f"merchant {merchant_id} is disqualified")


def is_disqualified(session: Session, merchant_id: str) -> bool:
    """Tell whether a merchant has lost its place, and hold it as it is until the transaction ends.

    The lock is the one that a redemption's row takes by its reference; taken before the status is
    read, it leaves no moment in which both a redemption and a disqualification go through.
    """
    return queries.status_held(session, merchant_id) == "disqualified"


def set_payment_provider(merchant_id: str, provider: str, *, actor: str, reason: str) -> None:
    """Choose who collects what is left to pay at a merchant; for orders from now on.

    Raises NotFound, PaymentProviderMissing for a provider that this installation lacks.
    """
    payments.named(provider)
    with transaction() as session:
        merchant = session.get(Merchant, merchant_id, with_for_update={"of": Merchant})
        if merchant is None:
            raise NotFound(f"merchant {merchant_id!r}")
        before, merchant.payment_provider = merchant.payment_provider, provider
        audit.record(
            session,
            actor=actor,
            action="merchant.payment_provider",
            subject=merchant_id,
            before=before,
            after=provider,
            reason=reason,
        )
