"""Proving the audit log: the chain is walked from its first seal; each finding names its row."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from backend.domain import audit_chain
from backend.domain.audit_chain import Entry, Fault, Seal
from backend.extensions import db
from backend.services.audit_seals import Sealing, entry_of, seal_of, status
from backend.storage.models.audit import AuditEntry, AuditSeal

_PAGE = 2000


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A seal as somebody outside wrote it down."""

    position: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the walk has found. Late entries were sealed while the jobs stood still, or slipped in.

    A fault is neither: it names what only a hand in the database can have done.
    """

    sealed: int
    faults: tuple[Fault, ...]
    late_ids: tuple[int, ...]
    sealing: Sealing


def verify(anchors: tuple[Anchor, ...] = ()) -> Proof:
    """Walk the whole chain, in pages; nothing is changed."""
    late: list[int] = []
    found = [*audit_chain.faults(_walk(late)), *map(_inserted, _never_sealed())]
    found += [fault for anchor in anchors if (fault := _against(anchor))]
    count = db.session().scalar(select(func.count()).select_from(AuditSeal)) or 0
    return Proof(
        sealed=count,
        faults=tuple(found),
        late_ids=tuple(late),
        sealing=status(),
    )


def _walk(late: list[int]) -> Iterator[tuple[Seal, Entry | None]]:
    """Yield the chain by position; `late` is given the ids of late entries."""
    session = db.session()
    position = 0
    while True:
        rows = session.execute(
            select(AuditSeal, AuditEntry)
            .outerjoin(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
            .where(AuditSeal.position > position)
            .order_by(AuditSeal.position)
            .limit(_PAGE)
        ).all()
        for seal_row, entry_row in rows:
            seal = seal_of(seal_row)
            entry = None if entry_row is None else entry_of(entry_row)
            if entry is not None and audit_chain.is_late(entry, seal):
                late.append(entry.id)
            yield seal, entry
            position = seal.position
        session.expunge_all()
        if len(rows) < _PAGE:
            return


def _never_sealed() -> list[int]:
    """Entries older than the jobs would seal: nobody wrote them when they say."""
    last = status().last
    if last is None:
        return []
    return list(
        db.session().scalars(
            select(AuditEntry.id)
            .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
            .where(AuditSeal.entry_id.is_(None), AuditEntry.at < audit_chain.oldest_to_seal(last))
            .order_by(AuditEntry.id)
        )
    )


def _inserted(entry_id: int) -> Fault:
    return Fault(position=0, what=f"审计记录 {entry_id} 是事后插入的，从未封存")


def _against(anchor: Anchor) -> Fault | None:
    kept = db.session().scalar(select(AuditSeal.hash).where(AuditSeal.position == anchor.position))
    if kept == anchor.hash:
        return None
    what = f"第 {anchor.position} 位的封存与留存的校验码不符"
    return Fault(position=anchor.position, what=what)
