"""Residents as staff see them: numbers masked; a whole one is `unmasking`'s."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select

from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import audit, entries, order_readings, vouchers
from backend.services.listings import Key, KeyedListing, Listing
from backend.services.unmasking import MAX_ID
from backend.services.vouchers import Wallet
from backend.storage.models.audit import AuditEntry
from backend.storage.models.entries import Entry
from backend.storage.models.orders import Order
from backend.storage.models.residents import Resident, ResidentBlock, ResidentIdentity
from backend.storage.models.vouchers import Voucher

_STANDING = exists().where(
    ResidentBlock.resident_id == Resident.id, ResidentBlock.lifted_at.is_(None)
)


@dataclass(frozen=True, kw_only=True)
class ResidentLine:
    """A resident in a list."""

    id: int
    phone_last4: str
    created_at: datetime
    is_blocked: bool


@dataclass(frozen=True, kw_only=True)
class ResidentRecord:
    """What staff see of one resident; newest orders and entries first, at most fifty of each."""

    resident: ResidentLine
    identities: tuple[ResidentIdentity, ...]  # phones, and cards that are bound
    wallet: Wallet
    orders: tuple[Order, ...]
    entries: tuple[Entry, ...]
    acts: tuple[AuditEntry, ...]  # of staff and banks, oldest first


def find(
    *,
    last4: str = "",
    resident_id: int | None = None,
    voucher_id: int | None = None,
    blocked: bool | None = None,
) -> Listing[ResidentLine]:
    """Return residents, the newest first.

    :param last4: of any phone of theirs
    :param blocked: whether a block stands; None for both
    """
    found: Any = select(Resident, _STANDING.label("is_blocked"))
    if last4:
        phones = select(ResidentIdentity.resident_id).where(
            ResidentIdentity.kind == "phone", ResidentIdentity.last4 == last4
        )
        found = found.where(Resident.id.in_(phones))
    if resident_id is not None:
        found = found.where(Resident.id == resident_id)
    if voucher_id is not None:
        holder = select(Voucher.resident_id).where(Voucher.id == voucher_id)
        found = found.where(Resident.id.in_(holder))
    if blocked is not None:
        found = found.where(_STANDING if blocked else ~_STANDING)
    return KeyedListing(found, _line, key=Key((Resident.id,), lambda line: line.id))


def get(resident_id: int) -> ResidentRecord:
    """Return what is known of a resident, or raise NotFound."""
    found = find(resident_id=resident_id).page(1, 1) if resident_id <= MAX_ID else ()
    if not found:
        raise NotFound(f"resident {resident_id}")
    bound = select(ResidentIdentity).where(
        ResidentIdentity.resident_id == resident_id, ResidentIdentity.unbound_at.is_(None)
    )
    wallet = vouchers.wallet(resident_id)
    session = db.session()
    return ResidentRecord(
        resident=found[0],
        identities=tuple(session.scalars(bound.order_by(ResidentIdentity.id))),
        wallet=wallet,
        orders=tuple(order_readings.list_of_resident(resident_id)),
        entries=tuple(entries.list_of_resident(resident_id)),
        acts=tuple(audit.of_subject(str(resident_id), noun="resident")),
    )


def _line(row: Any) -> ResidentLine:
    resident, is_blocked = row
    return ResidentLine(
        id=resident.id,
        phone_last4=resident.phone_last4,
        created_at=resident.created_at,
        is_blocked=bool(is_blocked),
    )
