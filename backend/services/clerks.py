"""Clerks (收银员): accounts of their own, each bound to one shop."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import audit, merchants
from backend.services.personal_data import vault
from backend.storage.models.merchants import Clerk
from backend.storage.models.residents import ResidentIdentity
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction


class ClerkExists(HuiquanError):
    code = "clerk_exists"
    message = "该手机号已是某个商户的收银员，请先在原商户移除"
    category = "conflict"


def refuse_own_shop(session: Session, *, clerk_id: int, resident_id: int) -> None:
    """Refuse a clerk who would redeem a voucher of his own (plan, part eight (四))."""
    if queries.has_phone_of(session, clerk_id, resident_id):
        raise refusals.OwnShop(f"clerk {clerk_id}")


def refuse_clerk_of(session: Session, *, merchant_id: str, resident_id: int) -> None:
    """Refuse a clerk's own voucher at his shop where no other clerk looks on: a phone pays."""
    own = session.scalar(
        select(Clerk.id)
        .join(ResidentIdentity, ResidentIdentity.value_hash == Clerk.phone_hash)
        .where(
            Clerk.merchant_id == merchant_id,
            Clerk.state == "active",
            ResidentIdentity.kind == "phone",
            ResidentIdentity.resident_id == resident_id,
        )
        .limit(1)
    )
    if own is not None:
        raise refusals.OwnShop(f"clerk {own}")


def add_clerk(*, merchant_id: str, name: str, phone: str, actor: str) -> Clerk:
    """Let the holder of a phone number redeem for a shop; he signs in with his own WeChat."""
    merchants.get(merchant_id)
    try:
        with transaction() as session:
            clerk = Clerk(
                merchant_id=merchant_id,
                name=name,
                phone_hash=vault().hash("phone", phone),
                phone_encrypted=vault().encrypt(phone),
                phone_last4=phone[-4:],
            )
            session.add(clerk)
            session.flush()
            audit.record(
                session, actor=actor, action="clerk.add", subject=f"{merchant_id}/{clerk.id}"
            )
    except IntegrityError as error:
        raise ClerkExists(f"a clerk for {merchant_id}") from error
    return clerk


def remove_clerk(*, clerk_id: int, actor: str) -> None:
    """End a clerk's work at once: his next request is refused, whatever token he holds."""
    with transaction() as session:
        clerk = queries.get_active_clerk(session, clerk_id)
        if clerk is None:
            raise NotFound(f"clerk {clerk_id}")
        clerk.state = "removed"
        audit.record(
            session, actor=actor, action="clerk.remove", subject=f"{clerk.merchant_id}/{clerk_id}"
        )


def active_clerk(clerk_id: int) -> Clerk:
    """Return a clerk who still works at his shop, or refuse."""
    clerk = queries.get_active_clerk(db.session(), clerk_id)
    if clerk is None:
        raise refusals.NotAClerk(f"clerk {clerk_id}")
    return clerk
