"""New accounts and other roles (账号申请): one administrator asks, another confirms.

Alone nobody could make himself an approver: who confirms cannot have asked, and each of the two is
shown one half of the one-time password (`staff_hand_overs`). Only the first administrator, made by
a command, needs no second one.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import staff as rules
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.staff import Role, StaffExists, StaffProposalOpen, StaffStateRefused, folded
from backend.extensions import db
from backend.services import audit, staff, staff_hand_overs, staff_passwords, staff_sessions
from backend.storage.models.staff import StaffProposal
from backend.storage.sql import transaction


def propose_account(
    login_name: str, *, display_name: str, office: str, role: Role, actor: str
) -> None:
    """Ask for a new account; until a colleague confirms nobody can sign in to it.

    Raises StaffInvalid, StaffExists for a name that was ever given, StaffProposalOpen.
    """
    name = folded(login_name)
    rules.check_names(login_name=name, display_name=display_name, office=office)
    refuse_own_work(made_by=name, checked_by=actor)
    try:
        with transaction() as session:
            if staff.find(session, name) is not None:
                raise StaffExists(name)
            _ask(session, "account", name, role, actor, display_name=display_name, office=office)
    except IntegrityError as error:
        raise StaffProposalOpen(name) from error


def propose_role(login_name: str, role: Role, *, actor: str) -> None:
    """Ask for another role of a person, who keeps his own until a colleague confirms.

    Raises StaffStateRefused for who has left or has this role, StaffProposalOpen.
    """
    try:
        with transaction() as session:
            account = staff.of_another(session, login_name, actor=actor)
            if account.state == "left" or account.role == role:
                raise StaffStateRefused(account.login_name)
            _ask(session, "role", account.login_name, role, actor)
    except IntegrityError as error:
        raise StaffProposalOpen(login_name) from error


def confirm(login_name: str, *, actor: str) -> str | None:
    """Let what a colleague has asked for take effect.

    The second half of a new account's one-time password is returned, good for three days; the first
    waits for who asked. Another role returns None and ends what the person is signed in to.
    Raises NotFound, SecondPersonNeeded, StaffExists, StaffStateRefused.
    """
    name = folded(login_name)
    if _open(db.session(), name).kind == "role":
        _confirm_role(name, actor)
        return None
    password = staff_passwords.one_time()
    made = staff_passwords.hashed(password.whole)
    try:
        with transaction() as session:
            asked = _decide(session, name, "confirmed", actor)
            account = staff.insert(
                session,
                login_name=name,
                display_name=asked.display_name or "",
                office=asked.office or "",
                role=Role(asked.role),
                password_hash=made,
                actor=actor,
                requested_by=asked.requested_by,
            )
            staff_hand_overs.keep(session, account, password.first, held_for=asked.requested_by)
    except IntegrityError as error:
        raise StaffExists(name) from error
    return password.second


def refuse(login_name: str, *, reason: str, actor: str) -> None:
    """Turn a request down, or take one's own back; nothing else changes."""
    name = folded(login_name)
    with transaction() as session:
        asked = _decide(session, name, "refused", actor)
        audit.record(
            session,
            actor=actor,
            action="staff.refuse",
            subject=name,
            kind=asked.kind,
            role=asked.role,
            reason=reason,
        )


def list_open() -> Sequence[StaffProposal]:
    """Return what waits for a second administrator, the oldest first."""
    waiting = select(StaffProposal).where(StaffProposal.decided_at.is_(None))
    return db.session().scalars(waiting.order_by(StaffProposal.id)).all()


def _confirm_role(name: str, actor: str) -> None:
    with transaction() as session:
        account = staff.of_another(session, name, actor=actor)
        asked = _decide(session, name, "confirmed", actor)
        if account.state == "left":
            raise StaffStateRefused(name)
        before, account.role = account.role, asked.role
        staff_sessions.end_all(session, account.id, why="role")
        audit.record(
            session,
            actor=actor,
            action="staff.role",
            subject=name,
            before=before,
            role=asked.role,
            requested_by=asked.requested_by,
        )


def _ask(
    session: Session, kind: str, name: str, role: Role, actor: str, **person: str | None
) -> None:
    session.add(
        StaffProposal(
            kind=kind,
            login_name=name,
            role=role,
            requested_by=actor,
            requested_at=clock.now(),
            **person,
        )
    )
    session.flush()
    audit.record(session, actor=actor, action=f"staff.propose_{kind}", subject=name, role=role)


def _decide(session: Session, name: str, decision: str, actor: str) -> StaffProposal:
    """Decide once: the account, where there is one, is locked before the request."""
    staff.find(session, name, lock=True)
    asked = _open(session, name, lock=True)
    if decision == "confirmed":
        refuse_own_work(made_by=asked.requested_by, checked_by=actor)
        refuse_own_work(made_by=name, checked_by=actor)
    asked.decision, asked.decided_by, asked.decided_at = decision, actor, clock.now()
    return asked


def _open(session: Session, name: str, *, lock: bool = False) -> StaffProposal:
    wanted = select(StaffProposal).where(
        StaffProposal.login_name == name, StaffProposal.decided_at.is_(None)
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound(f"nothing about {name[:40]!r} waits")
    return found
