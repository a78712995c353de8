"""Merchants, the published list, placards and clerks."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from backend.storage.models.merchants import (
    Clerk,
    Merchant,
    MerchantListEntry,
    MerchantListVersion,
    Placard,
)
from backend.storage.models.residents import ResidentIdentity
from backend.storage.sql import table_of

CLERKS, IDENTITIES = table_of(Clerk), table_of(ResidentIdentity)
MERCHANTS = table_of(Merchant)
ENTRIES, VERSIONS = table_of(MerchantListEntry), table_of(MerchantListVersion)
_LISTED = select(ENTRIES.c.merchant_id).where(
    ENTRIES.c.version == select(func.max(VERSIONS.c.number)).scalar_subquery(),
    ENTRIES.c.merchant_id == bindparam("merchant_id"),
)
_STATUS_HELD = (
    select(MERCHANTS.c.status)
    .where(MERCHANTS.c.id == bindparam("merchant_id"))
    .with_for_update(read=True, key_share=True)
)
_PHONE_OF_BOTH = (
    select(CLERKS.c.id)
    .join(IDENTITIES, IDENTITIES.c.value_hash == CLERKS.c.phone_hash)
    .where(
        CLERKS.c.id == bindparam("clerk_id"),
        IDENTITIES.c.kind == "phone",
        IDENTITIES.c.resident_id == bindparam("resident_id"),
    )
)


def latest_version(session: Session) -> MerchantListVersion | None:
    """Return the publication in force, or None before the first."""
    return session.scalar(
        select(MerchantListVersion).order_by(MerchantListVersion.number.desc()).limit(1)
    )


def get_version(session: Session, number: int) -> MerchantListVersion | None:
    """Return one publication, or None."""
    return session.get(MerchantListVersion, number)


def list_versions(session: Session) -> list[MerchantListVersion]:
    """Return all publications, the newest first."""
    return list(
        session.scalars(select(MerchantListVersion).order_by(MerchantListVersion.number.desc()))
    )


def versions_counted() -> Select[*tuple[Any, ...]]:
    """Return all publications with how many merchants each names, the newest first."""
    named = (
        select(func.count())
        .select_from(MerchantListEntry)
        .where(MerchantListEntry.version == MerchantListVersion.number)
        .scalar_subquery()
        .label("merchants")
    )
    return select(MerchantListVersion, named).order_by(MerchantListVersion.number.desc())


def find_entries(*, number: int | None, name: str) -> Select[MerchantListEntry]:
    """Return whom a publication names (None: the one in force), by number of the merchant."""
    newest = select(func.max(MerchantListVersion.number)).scalar_subquery()
    found = select(MerchantListEntry).where(
        MerchantListEntry.version == (newest if number is None else number)
    )
    if name:
        found = found.where(MerchantListEntry.name.icontains(name, autoescape=True))
    return found.order_by(MerchantListEntry.merchant_id)


def is_listed(session: Session, merchant_id: str) -> bool:
    """Return whether the publication in force names a merchant."""
    return session.scalar(_LISTED, {"merchant_id": merchant_id}) is not None


def status_held(session: Session, merchant_id: str) -> str:
    """Return a merchant's status, which stays as it is until the transaction ends."""
    status: str = session.scalars(_STATUS_HELD, {"merchant_id": merchant_id}).one()
    return status


def get_placard(session: Session, merchant_id: str, serial: int) -> Placard | None:
    """Return one placard's row, or None."""
    return session.get(Placard, (merchant_id, serial))


def newest_placard(session: Session, merchant_id: str) -> Placard | None:
    """Return a merchant's placard issued last, whatever its state."""
    return session.scalar(
        select(Placard)
        .where(Placard.merchant_id == merchant_id)
        .order_by(Placard.serial.desc())
        .limit(1)
    )


def list_active_placards(session: Session, merchant_id: str, *, below: int) -> list[Placard]:
    """Return a merchant's placards that count, of a serial below one, in their order."""
    return list(
        session.scalars(
            select(Placard)
            .where(
                Placard.merchant_id == merchant_id,
                Placard.state == "active",
                Placard.serial < below,
            )
            .order_by(Placard.serial)
        )
    )


def list_placards(session: Session, merchant_id: str) -> list[Placard]:
    """Return all placards a merchant ever had, the newest first."""
    query = select(Placard).where(Placard.merchant_id == merchant_id)
    return list(session.scalars(query.order_by(Placard.serial.desc())))


def get_active_clerk(session: Session, clerk_id: int) -> Clerk | None:
    """Return a clerk who still works at his shop, or None."""
    return session.scalar(select(Clerk).where(Clerk.id == clerk_id, Clerk.state == "active"))


def has_phone_of(session: Session, clerk_id: int, resident_id: int) -> bool:
    """Return whether a clerk works under a resident's phone number: they are one person."""
    named = {"clerk_id": clerk_id, "resident_id": resident_id}
    return session.scalar(_PHONE_OF_BOTH, named) is not None


def owner_of(session: Session, merchant_id: str) -> Clerk | None:
    """Return the owner of a shop, or None."""
    return session.scalar(
        select(Clerk).where(
            Clerk.merchant_id == merchant_id, Clerk.state == "active", Clerk.role == "owner"
        )
    )


def clerk_of_phone(session: Session, phone_hash: str) -> Clerk | None:
    """Return the active clerk of a phone, whatever his shop, or None."""
    return session.scalar(
        select(Clerk).where(Clerk.phone_hash == phone_hash, Clerk.state == "active")
    )


def shops_of_phones(session: Session, phone_hashes: Collection[str]) -> dict[str, str]:
    """Return by phone at which shop its holder is a clerk now."""
    found = session.execute(
        select(Clerk.phone_hash, Clerk.merchant_id).where(
            Clerk.phone_hash.in_(phone_hashes), Clerk.state == "active"
        )
    )
    return {row.phone_hash: row.merchant_id for row in found}


def list_clerks(session: Session, merchant_id: str) -> list[Clerk]:
    """Return all clerks a merchant ever had, in the order they were added."""
    return list(
        session.scalars(select(Clerk).where(Clerk.merchant_id == merchant_id).order_by(Clerk.id))
    )
