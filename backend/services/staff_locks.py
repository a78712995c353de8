"""Failures of signing in: five of a name or twenty of an address within 15 minutes lock it.

An attempt is written before the password is looked at and taken back when it was right: so however
many ask at once, no more than the limit are ever answered.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import addresses
from backend.domain.staff import (
    FAILURE_WINDOW,
    FAILURES_OF_ACCOUNT,
    FAILURES_OF_ADDRESS,
    LOCK,
    StaffSignInLocked,
    folded,
)
from backend.services.personal_data import vault
from backend.storage.models.staff import StaffFailure
from backend.storage.sql import serialise, transaction

Attempt = tuple[int, ...]


def begin(login_name: str, address: str) -> Attempt:
    """Write an attempt, or refuse it while its name or address is locked. Unknown names count too.

    Raises StaffSignInLocked, whose `retry_after_s` is the time left.
    """
    subjects = (
        (_name(login_name), FAILURES_OF_ACCOUNT),
        (_address(address), FAILURES_OF_ADDRESS),
    )
    now = clock.now()
    with transaction() as session:
        for subject, _ in subjects:  # names before addresses, always: nobody waits in a circle
            serialise(session, subject)
        for subject, limit in subjects:
            until = _locked_until(session, subject, limit)
            if until is not None and now < until:
                raise StaffSignInLocked(clock.seconds_until(until, now))
        rows = [StaffFailure(subject=subject, at=now) for subject, _ in subjects]
        session.add_all(rows)
        session.flush()
        return tuple(row.id for row in rows)


def take_back(session: Session, attempt: Attempt) -> None:
    """Forget an attempt that was right; what failed before it still counts."""
    session.execute(delete(StaffFailure).where(StaffFailure.id.in_(attempt)))


def forgive(session: Session, login_name: str) -> bool:
    """Forget all failures of a name: after a whole sign-in, or by an administrator."""
    forgotten = session.scalars(
        delete(StaffFailure)
        .where(StaffFailure.subject == _name(login_name))
        .returning(StaffFailure.id)
    )
    return bool(forgotten.all())


def is_locked(session: Session, login_name: str) -> bool:
    """Say whether a name cannot sign in just now."""
    until = _locked_until(session, _name(login_name), FAILURES_OF_ACCOUNT)
    return until is not None and clock.now() < until


def forget_old() -> int:
    """Job: remove failures of more than a day ago; return how many."""
    with transaction() as session:
        old = session.scalars(
            delete(StaffFailure)
            .where(StaffFailure.at < clock.now() - timedelta(days=1))
            .returning(StaffFailure.id)
        )
        return len(old.all())


def _locked_until(session: Session, subject: str, limit: int) -> datetime | None:
    last = session.scalars(
        select(StaffFailure.at)
        .where(StaffFailure.subject == subject)
        .order_by(StaffFailure.at.desc())
        .limit(limit)
    ).all()
    if len(last) < limit or last[0] - last[-1] >= FAILURE_WINDOW:
        return None
    return last[0] + LOCK


def _name(login_name: str) -> str:
    return "name:" + vault().hash("staff_login_name", folded(login_name))


def _address(text: str) -> str:
    """An IPv6 subscriber has a whole /64 to ask from."""
    found = addresses.parse(text)
    if found is None:
        return f"address:{text[:64]}"
    return f"address:{found if found.version == 4 else addresses.range_of(found)}"
