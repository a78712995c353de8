"""Blocked residents (停用): they neither claim nor pay with vouchers until staff lift the block.

A block stops the next claim within a second, on every machine, and the next order at once. What a
resident holds stays his, and an order that is open may be finished.
"""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.snapshots import Snapshots
from backend.storage.models.residents import Resident, ResidentBlock
from backend.storage.sql import table_of, transaction

BLOCKS = table_of(ResidentBlock)
_STANDING = select(BLOCKS.c.id).where(
    BLOCKS.c.resident_id == bindparam("resident_id"), BLOCKS.c.lifted_at.is_(None)
)


def block(resident_id: int, *, reason: str, actor: str) -> None:
    """Stop a resident's claims and orders (plan, part six: 立即取消参与资格).

    Raises NotFound for nobody; a resident who is blocked already stays so.
    """
    with transaction() as session:
        _existing(session, resident_id)
        if _is_blocked(session, resident_id):
            return
        session.add(
            ResidentBlock(
                resident_id=resident_id, reason=reason, blocked_by=actor, blocked_at=clock.now()
            )
        )
        audit.record(
            session,
            actor=actor,
            action="resident.block",
            subject=str(resident_id),
            reason=reason,
        )
    SNAPSHOTS.forget()


def lift(resident_id: int, *, reason: str, actor: str) -> None:
    """Let a resident claim and pay again; nothing happens when no block stands.

    Another person than who set the block, whatever role he has by now: SecondPersonNeeded.
    """
    with transaction() as session:
        _existing(session, resident_id)  # holds the resident: blocks change one after another
        standing = session.scalar(
            select(ResidentBlock).where(
                ResidentBlock.resident_id == resident_id, ResidentBlock.lifted_at.is_(None)
            )
        )
        if standing is not None:
            refuse_own_work(made_by=standing.blocked_by, checked_by=actor)
            standing.lifted_at, standing.lifted_by = clock.now(), actor
            audit.record(
                session,
                actor=actor,
                action="resident.unblock",
                subject=str(resident_id),
                reason=reason,
            )
    SNAPSHOTS.forget()


def list_standing() -> list[ResidentBlock]:
    """Return the blocks that stand, the newest first."""
    standing = ResidentBlock.lifted_at.is_(None)
    return list(
        db.session.scalars(select(ResidentBlock).where(standing).order_by(ResidentBlock.id.desc()))
    )


def refuse_claim(resident_id: int, blocked: frozenset[int]) -> None:
    """Refuse a blocked resident's claim, by a set that is at most a second old."""
    if resident_id in blocked:
        raise refusals.ResidentBlocked(f"resident {resident_id}")


def refuse_order(session: Session, resident_id: int) -> None:
    """Refuse a blocked resident's quote, payment code or order, by what SQL says now."""
    if _is_blocked(session, resident_id):
        raise refusals.ResidentBlocked(f"resident {resident_id}")


def _read_blocked(_all: str) -> frozenset[int]:
    standing = select(ResidentBlock.resident_id).where(ResidentBlock.lifted_at.is_(None))
    return frozenset(db.session.scalars(standing))


ALL = "all"  # the only key: blocks are few, and a claim asks about one in memory
SNAPSHOTS: Snapshots[str, frozenset[int]] = Snapshots(_read_blocked)


def _existing(session: Session, resident_id: int) -> None:
    if session.get(Resident, resident_id, with_for_update=True) is None:
        raise NotFound(f"resident {resident_id}")


def _is_blocked(session: Session, resident_id: int) -> bool:
    return session.scalar(_STANDING, {"resident_id": resident_id}) is not None
