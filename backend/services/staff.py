"""Accounts of staff as administrators keep them: one person, one account, one role.

Nobody keeps his own account, and none is ever deleted: the audit log names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import staff as rules
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.staff import ONE_TIME_TTL, Role, StaffExists, StaffStateRefused, folded
from backend.extensions import db
from backend.services import audit, staff_locks, staff_passwords, staff_sessions
from backend.services.listings import Listing
from backend.storage.models.staff import StaffAccount
from backend.storage.sql import serialise, transaction

STATE_NAMES = {"active": "在用", "locked": "已停用", "left": "已离岗"}


@dataclass(frozen=True, kw_only=True)
class StaffShown:
    """An account as administrators see it."""

    account: StaffAccount
    is_enrolled: bool  # has a second factor
    is_locked_out: bool  # too many failures just now


def add_first(login_name: str, *, display_name: str, office: str, actor: str) -> str:
    """Make an administrator while there is none; return a one-time password, good for three days.

    All other accounts take two administrators (`staff_proposals`).

    Raises StaffInvalid, StaffExists, StaffStateRefused once there is one.
    """
    name = folded(login_name)
    rules.check_names(login_name=name, display_name=display_name, office=office)
    password = staff_passwords.one_time().whole
    made = staff_passwords.hashed(password)
    try:
        with transaction() as session:
            serialise(session, "staff.add_first")
            if has_administrator():
                raise StaffStateRefused(name)
            insert(
                session,
                login_name=name,
                display_name=display_name,
                office=office,
                role=Role.ADMINISTRATOR,
                password_hash=made,
                actor=actor,
            )
    except IntegrityError as error:
        raise StaffExists(name) from error
    return password


def has_administrator() -> bool:
    """Tell whether there is anybody who may ask for accounts."""
    there = select(StaffAccount.id).where(
        StaffAccount.role == Role.ADMINISTRATOR, StaffAccount.state == "active"
    )
    return db.session().scalar(there.limit(1)) is not None


def insert(
    session: Session,
    *,
    login_name: str,
    display_name: str,
    office: str,
    role: Role,
    password_hash: str,
    actor: str,
    **details: str,
) -> StaffAccount:
    """Add an account in the caller's transaction; its password is one that was handed over."""
    account = StaffAccount(
        login_name=login_name,
        display_name=display_name,
        office=office,
        role=role,
        password_hash=password_hash,
        one_time_until=clock.now() + ONE_TIME_TTL,
        added_by=actor,
        added_at=clock.now(),
    )
    session.add(account)
    session.flush()
    audit.record(session, actor=actor, action="staff.add", subject=login_name, role=role, **details)
    return account


def list_all() -> Sequence[StaffShown]:
    """Return all accounts by their login names."""
    return [_shown(account) for account in accounts().each()]


def accounts(*, name: str = "", role: str = "", state: str = "") -> Listing[StaffAccount]:
    """Return the accounts by login name; `name` is a part of a login name, a name or an office."""
    found = select(StaffAccount)
    if name:
        columns = (StaffAccount.login_name, StaffAccount.display_name, StaffAccount.office)
        found = found.where(or_(*(c.contains(name, autoescape=True) for c in columns)))
    exactly = {"role": role, "state": state}
    found = found.filter_by(**{column: text for column, text in exactly.items() if text})
    return Listing(found.order_by(StaffAccount.login_name))


def get(login_name: str) -> StaffShown:
    """Return one account; NotFound for nobody's."""
    account = find(db.session(), folded(login_name))
    if account is None:
        raise NotFound(f"staff {login_name[:40]!r}")
    return _shown(account)


def lock(login_name: str, *, reason: str, actor: str) -> None:
    """Let nobody sign in to an account until it is unlocked; sessions end at once."""
    _move(login_name, ("active",), "locked", "staff.lock", actor=actor, reason=reason)


def leave(login_name: str, *, actor: str) -> None:
    """Close the account of a person who leaves, for good."""
    _move(login_name, ("active", "locked"), "left", "staff.leave", actor=actor)


def unlock(login_name: str, *, actor: str) -> None:
    """Let a locked person sign in again, and forget the failures of his name."""
    with transaction() as session:
        account = of_another(session, login_name, actor=actor)
        if account.state == "left":
            raise StaffStateRefused(account.login_name)
        forgiven = staff_locks.forgive(session, account.login_name)
        if account.state == "locked" or forgiven:
            account.state = "active"
            _record(session, "staff.unlock", account, actor)


def end_sessions(login_name: str, *, actor: str) -> int:
    """End all that a person is signed in to; return how many sessions that were."""
    with transaction() as session:
        account = of_another(session, login_name, actor=actor)
        ended = staff_sessions.end_all(session, account.id, why="ended")
        _record(session, "staff.end_sessions", account, actor, ended=ended)
    return ended


def find(session: Session, login_name: str, *, lock: bool = False) -> StaffAccount | None:
    """Return the account of a folded name, or None."""
    named = select(StaffAccount).where(StaffAccount.login_name == login_name)
    return session.scalar(named.with_for_update() if lock else named)


def of_another(session: Session, login_name: str, *, actor: str) -> StaffAccount:
    """Lock and return an account that is not the actor's own, or refuse."""
    account = find(session, folded(login_name), lock=True)
    if account is None:
        raise NotFound(f"staff {login_name[:40]!r}")
    refuse_own_work(made_by=account.login_name, checked_by=actor)
    return account


def _shown(account: StaffAccount) -> StaffShown:
    return StaffShown(
        account=account,
        is_enrolled=account.totp_encrypted is not None,
        is_locked_out=staff_locks.is_locked(db.session(), account.login_name),
    )


def _move(
    login_name: str,
    before: tuple[str, ...],
    after: staff_sessions.ClosedState,
    action: str,
    *,
    actor: str,
    **details: str,
) -> None:
    with transaction() as session:
        account = of_another(session, login_name, actor=actor)
        if account.state == after:
            return
        if account.state not in before:
            raise StaffStateRefused(account.login_name)
        account.state = after
        staff_sessions.end_all(session, account.id, why=after)
        _record(session, action, account, actor, **details)


def _record(
    session: Session, action: str, account: StaffAccount, actor: str, **details: object
) -> None:
    audit.record(session, actor=actor, action=action, subject=account.login_name, **details)
