"""Whole phone numbers (查看完整号码): each look is counted and written down before it is had."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.staff import Role
from backend.domain.unmasking import UNMASKS_A_DAY, UnmaskLimitReached
from backend.services import audit
from backend.services.personal_data import vault
from backend.storage.models.audit import AuditEntry
from backend.storage.models.merchants import Merchant
from backend.storage.models.residents import Resident
from backend.storage.sql import serialise, transaction

MAX_ID = 2**31 - 1  # what PostgreSQL takes as a resident's number
ACTIONS = ("resident.unmask", "merchant.unmask", "complaint.phone")


def of_resident(resident_id: int, *, reason: str, actor: str, role: Role) -> str:
    """Return a resident's whole phone number.

    Raises NotFound, and UnmaskLimitReached after so many looks of one person on one day.
    """
    with transaction() as session:
        resident = session.get(Resident, resident_id) if resident_id <= MAX_ID else None
        if resident is None:
            raise NotFound(f"resident {resident_id}")
        _note(session, "resident", str(resident_id), reason=reason, actor=actor, role=role)
        phone_encrypted = resident.phone_encrypted
    return vault().decrypt(phone_encrypted)


def of_merchant(merchant_id: str, *, reason: str, actor: str, role: Role) -> str:
    """Return the whole phone number of who answers for a shop, as its bank has named him.

    Raises NotFound, also for a merchant without one, and UnmaskLimitReached.
    """
    with transaction() as session:
        merchant = session.get(Merchant, merchant_id)
        if merchant is None or merchant.phone_encrypted is None:
            raise NotFound(f"phone of merchant {merchant_id[:40]!r}")
        _note(session, "merchant", merchant_id, reason=reason, actor=actor, role=role)
        phone_encrypted = merchant.phone_encrypted
    return vault().decrypt(phone_encrypted)


def _note(
    session: Session, noun: str, subject: str, *, reason: str, actor: str, role: Role
) -> None:
    refuse_beyond_limit(session, actor=actor, role=role)
    audit.record(session, actor=actor, action=f"{noun}.unmask", subject=subject, reason=reason)


def refuse_beyond_limit(session: Session, *, actor: str, role: Role) -> None:
    """Raise UnmaskLimitReached after so many looks, at whomever, of one person on one day.

    Until the transaction ends the person's other looks wait.
    """
    serialise(session, f"unmask:{actor}")
    if _looks_today(session, actor) >= UNMASKS_A_DAY.get(role, 0):
        raise UnmaskLimitReached(actor)


def _looks_today(session: Session, actor: str) -> int:
    since, until = clock.day_bounds(clock.today())
    looks = select(func.count()).where(
        AuditEntry.at >= since,
        AuditEntry.at < until,
        AuditEntry.actor == actor,
        AuditEntry.action.in_(ACTIONS),
    )
    return session.scalar(looks) or 0
