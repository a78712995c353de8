"""Clerks (收银员): accounts of their own, each bound to one shop."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import audit, merchants
from backend.services.personal_data import vault
from backend.storage.models.merchants import Clerk, Merchant
from backend.storage.models.residents import ResidentIdentity
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction


class ClerkExists(HuiquanError):
    code = "clerk_exists"
    message = "该手机号已是某个商户的收银员，请先在原商户移除"
    category = "conflict"


class OwnerOnly(HuiquanError):
    code = "owner_only"
    message = "只有店主能管理收银员，请店主登录后操作"
    category = "forbidden"


class OwnerStays(HuiquanError):
    code = "owner_stays"
    message = "店主不能移除自己，更换店主请联系主管部门"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class FirstOwner:
    """Who became a shop's owner; nobody (None) where the contact works at another shop."""

    clerk_id: int | None
    works_at: str | None


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
            return insert(session, merchant_id, name=name, phone=phone, actor=actor)
    except IntegrityError as error:
        raise ClerkExists(f"a clerk for {merchant_id}") from error


def insert(session: Session, merchant_id: str, *, name: str, phone: str, actor: str) -> Clerk:
    """Add a clerk in the caller's transaction; the schema refuses a phone that is taken."""
    clerk = _clerk(merchant_id, name, phone)
    session.add(clerk)
    session.flush()
    audit.record(session, actor=actor, action="clerk.add", subject=f"{merchant_id}/{clerk.id}")
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


def make_owner(*, clerk_id: int, actor: str) -> None:
    """Make a clerk the owner of his shop (店主); whoever was it becomes a clerk."""
    with transaction() as session:
        clerk = queries.get_active_clerk(session, clerk_id)
        if clerk is None:
            raise NotFound(f"clerk {clerk_id}")
        # One change of a shop's owner at a time; the index would refuse the second one.
        session.get_one(Merchant, clerk.merchant_id, with_for_update={"of": Merchant})
        session.execute(
            update(Clerk)
            .where(Clerk.merchant_id == clerk.merchant_id, Clerk.role == "owner")
            .values(role="clerk")
        )
        session.execute(update(Clerk).where(Clerk.id == clerk_id).values(role="owner"))
        audit.record(
            session, actor=actor, action="clerk.own", subject=f"{clerk.merchant_id}/{clerk_id}"
        )


def make_first_owner(session: Session, merchant: Merchant) -> FirstOwner | None:
    """Make the contact of a locked merchant, whom its bank has named, the owner of its shop.

    None where there is nothing to do: the shop has an owner, or no contact's phone is known. A
    contact who works at another shop stays there, and staff choose.
    """
    if merchant.phone_encrypted is None or queries.owner_of(session, merchant.id) is not None:
        return None
    phone = vault().decrypt(merchant.phone_encrypted)
    phone_hash = vault().hash("phone", phone)
    with suppress(IntegrityError), session.begin_nested():  # somebody's clerk already
        session.add(_clerk(merchant.id, merchant.contact or merchant.name, phone))
    found = queries.clerk_of_phone(session, phone_hash)
    if found is None or found.merchant_id != merchant.id:
        return FirstOwner(clerk_id=None, works_at=found.merchant_id if found else None)
    found.role = "owner"
    return FirstOwner(clerk_id=found.id, works_at=merchant.id)


def add_by_owner(*, owner_id: int, name: str, phone: str) -> Clerk:
    """Add a clerk to the owner's shop. Raises OwnerOnly, ClerkExists."""
    owner = _owner(owner_id)
    return add_clerk(
        merchant_id=owner.merchant_id, name=name, phone=phone, actor=f"clerk:{owner_id}"
    )


def remove_by_owner(*, owner_id: int, clerk_id: int) -> None:
    """Remove a clerk of the owner's shop. Raises OwnerOnly, OwnerStays, NotFound."""
    owner = _owner(owner_id)
    if clerk_id == owner_id:
        raise OwnerStays(f"clerk {owner_id}")
    if clerk_id not in {clerk.id for clerk in of_shop(owner.merchant_id)}:
        raise NotFound(f"clerk {clerk_id}")
    db.session.close()
    remove_clerk(clerk_id=clerk_id, actor=f"clerk:{owner_id}")


def of_shop(merchant_id: str) -> list[Clerk]:
    """Return who works at a shop, in the order they were added."""
    everybody = queries.list_clerks(db.session(), merchant_id)
    return [clerk for clerk in everybody if clerk.state == "active"]


def _clerk(merchant_id: str, name: str, phone: str) -> Clerk:
    return Clerk(
        merchant_id=merchant_id,
        name=name,
        phone_hash=vault().hash("phone", phone),
        phone_encrypted=vault().encrypt(phone),
        phone_last4=phone[-4:],
    )


def _owner(clerk_id: int) -> Clerk:
    clerk = active_clerk(clerk_id)
    if clerk.role != "owner":
        raise OwnerOnly(f"clerk {clerk_id}")
    return clerk


def active_clerk(clerk_id: int) -> Clerk:
    """Return a clerk who still works at his shop, or refuse."""
    clerk = queries.get_active_clerk(db.session(), clerk_id)
    if clerk is None:
        raise refusals.NotAClerk(f"clerk {clerk_id}")
    return clerk
