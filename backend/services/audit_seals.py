"""Sealing the audit log (封存): a job adds each new entry to the hash chain, seconds after its act.

docs/adr/0020-audit-seals.md says why not in the act's own transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import audit_chain
from backend.domain.audit_chain import FIRST_PREVIOUS, Entry, Seal
from backend.extensions import db
from backend.storage.models.audit import AuditEntry, AuditSeal
from backend.storage.sql import transaction

log = structlog.get_logger()
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """How far the chain is: its last seal, and what waits for the next run."""

    last: Seal | None
    waiting: int
    waiting_s: int  # how long the oldest has waited; ten seconds or so while the jobs run


def seal_due() -> int:
    """Job: seal what is not yet, in the order of the entries' ids; return how many.

    Positions are unique: of two that seal at once, one finds them taken and leaves it there.
    """
    sealed = 0
    while True:
        try:
            with transaction() as session:
                made = _seal_some(session)
        except IntegrityError:
            return sealed
        if not made:
            return sealed
        # Outside of the database that it proves: who keeps the logs elsewhere keeps anchors.
        log.info("audit_sealed", position=made[-1].position, hash=made[-1].hash)
        sealed += len(made)


def status() -> Sealing:
    """Return how far the chain is."""
    session = db.session()
    last = _last(session)
    waiting = _unsealed(last).with_only_columns(func.count(), func.min(AuditEntry.at))
    count, oldest = session.execute(waiting.order_by(None)).one()
    waiting_s = 0 if oldest is None else int((clock.now() - oldest).total_seconds())
    return Sealing(last=last, waiting=count, waiting_s=waiting_s)


def seal_of(row: AuditSeal) -> Seal:
    """Return a row as the chain's own."""
    return Seal(
        position=row.position,
        entry_id=row.entry_id,
        sealed_at=row.sealed_at,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def entry_of(row: AuditEntry) -> Entry:
    """Return a row as the chain hashes it."""
    return Entry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        details=row.details,
    )


def _seal_some(session: Session) -> Sequence[Seal]:
    last = _last(session)
    position, previous_hash = (last.position, last.hash) if last else (0, FIRST_PREVIOUS)
    now = clock.now()
    made = []
    for row in session.scalars(_unsealed(last).limit(_AT_ONCE)):
        position += 1
        entry = entry_of(row)
        found = audit_chain.hash_of(
            entry, position=position, previous_hash=previous_hash, sealed_at=now
        )
        made.append(
            Seal(
                position=position,
                entry_id=entry.id,
                sealed_at=now,
                previous_hash=previous_hash,
                hash=found,
            )
        )
        previous_hash = found
    session.add_all(AuditSeal(**vars(seal)) for seal in made)
    return made


def _last(session: Session) -> Seal | None:
    row = session.scalar(select(AuditSeal).order_by(AuditSeal.position.desc()).limit(1))
    return None if row is None else seal_of(row)


def _unsealed(last: Seal | None) -> Select[AuditEntry]:
    """An entry may be committed after one of a higher id was sealed: it comes next, late or not."""
    found = (
        select(AuditEntry)
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(AuditSeal.entry_id.is_(None))
        .order_by(AuditEntry.id)
    )
    return found if last is None else found.where(AuditEntry.at >= audit_chain.oldest_to_seal(last))
