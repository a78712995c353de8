"""Holding a redemption back from settlement (暂缓结算), and letting it go again."""

from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.settlements import SettlementHoldExists, SettlementHoldTooLate
from backend.extensions import db
from backend.services import audit
from backend.storage.models.orders import Redemption
from backend.storage.models.settlements import SettlementHold
from backend.storage.queries import settlements as queries
from backend.storage.sql import transaction

TOO_LATE = ("in_payout", "paid")


def hold(*, hold_id: str, redemption_id: str, reason: str, actor: str) -> SettlementHold:
    """Keep a redemption, and what comes back of it, out of every sheet until it is released.

    The same number for the same redemption is one hold. A drafted or approved sheet that has the
    line already can no longer be approved or paid, and is to be rejected.
    Raises SettlementHoldTooLate once it is with the bank, SettlementHoldExists for a second hold.
    """
    try:
        with transaction() as session:
            if session.get(Redemption, redemption_id) is None:
                raise NotFound(f"redemption {redemption_id[:40]!r}")
            known = session.get(SettlementHold, hold_id)
            if known is not None:
                if known.redemption_id != redemption_id:
                    raise SettlementHoldExists(f"hold {hold_id} is of {known.redemption_id}")
                return known
            # The sheet is held too: paying it waits until it can see the hold.
            sheet_id = queries.live_sheet_of(session, redemption_id)
            sheet = queries.lock_sheet(session, sheet_id) if sheet_id else None
            if sheet is not None and sheet.state in TOO_LATE:
                raise SettlementHoldTooLate(f"{redemption_id} stands in {sheet.id}, {sheet.state}")
            made = SettlementHold(
                id=hold_id,
                redemption_id=redemption_id,
                reason=reason,
                held_by=actor,
                held_at=clock.now(),
            )
            session.add(made)
            session.flush()
            audit.record(
                session,
                actor=actor,
                action="settlement.hold",
                subject=redemption_id,
                hold_id=hold_id,
                reason=reason,
            )
    except IntegrityError as error:
        raise SettlementHoldExists(f"{redemption_id} is held already") from error
    return made


def release(*, hold_id: str, reason: str, actor: str) -> SettlementHold:
    """Let a held redemption be settled again; another person than who held it (双人复核)."""
    with transaction() as session:
        found = session.get(SettlementHold, hold_id, with_for_update=True)
        if found is None:
            raise NotFound(f"hold {hold_id[:40]!r}")
        refuse_own_work(made_by=found.held_by, checked_by=actor)
        if found.released_at is not None:
            return found
        found.released_by, found.released_at = actor, clock.now()
        found.release_reason = reason
        audit.record(
            session,
            actor=actor,
            action="settlement.release",
            subject=found.redemption_id,
            hold_id=hold_id,
            reason=reason,
        )
    return found


def list_holds(*, open_only: bool = True) -> list[SettlementHold]:
    """Return holds, the oldest first."""
    return queries.list_holds(db.session(), open_only=open_only)


def get(hold_id: str) -> SettlementHold:
    """Return a hold by its number, or raise NotFound."""
    found = db.session.get(SettlementHold, hold_id)
    if found is None:
        raise NotFound(f"hold {hold_id[:40]!r}")
    return found
