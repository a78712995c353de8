"""Resets (重置): a person lost his phone or password. Two administrators make both anew.

One asks, another confirms, and each hands over one half of the one-time password
(`staff_hand_overs`); the person himself is neither.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.staff import ONE_TIME_TTL, StaffResetOpen, StaffStateRefused
from backend.extensions import db
from backend.services import (
    audit,
    staff,
    staff_hand_overs,
    staff_locks,
    staff_passwords,
    staff_sessions,
)
from backend.storage.models.staff import StaffAccount, StaffReset
from backend.storage.sql import transaction


def request(login_name: str, *, reason: str, actor: str) -> None:
    """Ask for a reset; a colleague confirms it. Raises StaffResetOpen when one waits already."""
    try:
        with transaction() as session:
            account = staff.of_another(session, login_name, actor=actor)
            if account.state == "left":
                raise StaffStateRefused(account.login_name)
            session.add(
                StaffReset(
                    account_id=account.id,
                    reason=reason,
                    requested_by=actor,
                    requested_at=clock.now(),
                )
            )
            session.flush()
            _record(session, "staff.request_reset", account, actor, reason=reason)
    except IntegrityError as error:
        raise StaffResetOpen(login_name) from error


def confirm(login_name: str, *, actor: str) -> str:
    """Void password and second factor, end all sessions.

    Return the second half of a one-time password, good for three days; the first waits for who
    asked. Raises NotFound, SecondPersonNeeded, StaffStateRefused.
    """
    password = staff_passwords.one_time()
    made = staff_passwords.hashed(password.whole)
    with transaction() as session:
        account = staff.of_another(session, login_name, actor=actor)
        if account.state == "left":
            raise StaffStateRefused(account.login_name)
        reset = _open(session, account)
        refuse_own_work(made_by=reset.requested_by, checked_by=actor)
        _decide(reset, "confirmed", actor)
        account.password_hash = made
        account.one_time_until = clock.now() + ONE_TIME_TTL
        account.totp_encrypted = account.totp_last_step = None
        staff_hand_overs.keep(session, account, password.first, held_for=reset.requested_by)
        staff_sessions.end_all(session, account.id, why="reset")
        staff_locks.forgive(session, account.login_name)
        _record(session, "staff.confirm_reset", account, actor, requested_by=reset.requested_by)
    return password.second


def refuse(login_name: str, *, reason: str, actor: str) -> None:
    """Turn a request down, or take one's own back; nothing else changes."""
    with transaction() as session:
        account = staff.of_another(session, login_name, actor=actor)
        _decide(_open(session, account), "refused", actor)
        _record(session, "staff.refuse_reset", account, actor, reason=reason)


def list_open() -> Sequence[StaffReset]:
    """Return the requests that wait for a second administrator, the oldest first."""
    return (
        db.session()
        .scalars(select(StaffReset).where(StaffReset.decided_at.is_(None)).order_by(StaffReset.id))
        .all()
    )


def _open(session: Session, account: StaffAccount) -> StaffReset:
    found = session.scalar(
        select(StaffReset).where(
            StaffReset.account_id == account.id, StaffReset.decided_at.is_(None)
        )
    )
    if found is None:
        raise NotFound(f"no reset of {account.login_name} waits")
    return found


def _decide(reset: StaffReset, decision: str, actor: str) -> None:
    reset.decision, reset.decided_by, reset.decided_at = decision, actor, clock.now()


def _record(
    session: Session, action: str, account: StaffAccount, actor: str, **details: str
) -> None:
    audit.record(session, actor=actor, action=action, subject=account.login_name, **details)
