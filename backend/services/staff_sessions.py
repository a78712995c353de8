"""Sessions of staff at the console: one for each browser, its token only as a hash in SQL.

A session ends by its own (30 minutes idle, 12 hours at most), by its owner, and at once whenever
the password, the role or the standing of its account changes.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.permissions import MATRIX, Permission
from backend.domain.staff import CODE_TTL, SESSION_TTL, Role, StaffSessionOver, folded
from backend.extensions import db
from backend.services import audit
from backend.settings import Settings
from backend.storage.models.staff import StaffAccount, StaffSession
from backend.storage.sql import transaction

ClosedState = Literal["locked", "left"]
WhyAccount = Literal["ended", "password", "role", "reset"] | ClosedState
Why = Literal["signed_out", "rotated", "idle", "over"] | WhyAccount
WHY_NAMES = {
    "signed_out": "本人退出",
    "rotated": "已换新会话",
    "idle": "长时间未操作",
    "over": "已满最长时限",
    "ended": "被强制下线",
    "password": "密码已修改",
    "role": "角色已变更",
    "locked": "账号被停用",
    "left": "人员已离岗",
    "reset": "密码和动态码已重置",
}
_SEEN_EVERY = timedelta(seconds=60)  # a page of twenty requests writes once
_BROWSER_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """Who is signed in. `name` is the actor of what is done."""

    account_id: int
    name: str
    display_name: str
    office: str
    role: Role
    session_id: int
    must_change_password: bool

    @property
    def permissions(self) -> frozenset[Permission]:
        """What may be done: nothing at all before a one-time password is changed."""
        return frozenset() if self.must_change_password else MATRIX[self.role]

    def may(self, permission: Permission) -> bool:
        """Say whether the person may do a thing."""
        return permission in self.permissions


@dataclass(frozen=True, kw_only=True)
class Browser:
    """Where a request comes from: the caller's address, and what his browser calls itself."""

    address: str
    name: str


def current(token: str, *, in_use: bool = True) -> StaffMember:
    """Return who holds a token, or refuse with StaffSessionOver.

    :param in_use: False for what a page asks by itself: a dashboard left alone ends as any page
    """
    row = _verified(token)
    now = clock.now()
    if in_use and now - row.seen_at >= _SEEN_EVERY:
        with transaction() as session:
            session.execute(
                update(StaffSession)
                .where(StaffSession.id == row.id, StaffSession.ended_at.is_(None))
                .values(seen_at=now)
            )
    return _member(row)


def list_live(login_name: str) -> list[StaffSession]:
    """Return the sessions of an account that last, the newest first."""
    return list(
        db.session().scalars(
            select(StaffSession)
            .join(StaffAccount)
            .where(StaffAccount.login_name == folded(login_name), _live(clock.now()))
            .order_by(StaffSession.id.desc())
        )
    )


def sign_out(token: str) -> None:
    """End the session of a token; one that is over already stays as it is."""
    with transaction() as session:
        end(session, StaffSession.token_hash == _hash(token), why="signed_out")


def end_own(token: str, session_id: int) -> None:
    """End another session of one's own; NotFound for somebody else's."""
    member = current(token)
    with transaction() as session:
        wanted = and_(StaffSession.id == session_id, StaffSession.account_id == member.account_id)
        if not end(session, wanted, why="ended"):
            raise NotFound(f"session {session_id}")
        audit.record(
            session, actor=member.name, action="staff.end_session", subject=str(session_id)
        )


def end_overdue() -> int:
    """Job: write down the end of sessions that ran out; return how many. Reads need it not."""
    now = clock.now()
    with transaction() as session:
        over = end(session, StaffSession.created_at <= now - SESSION_TTL, why="over")
        waiting = and_(
            StaffSession.verified_at.is_(None), StaffSession.created_at <= now - CODE_TTL
        )
        idle = end(session, or_(StaffSession.seen_at <= now - _idle(), waiting), why="idle")
    return len(over) + len(idle)


def start(
    session: Session,
    account_id: int,
    browser: Browser,
    *,
    enrolment_encrypted: bytes | None = None,
    is_verified: bool,
) -> tuple[int, str]:
    """Begin a session in the caller's transaction; return its id and its new token."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    row = StaffSession(
        token_hash=_hash(token),
        account_id=account_id,
        address=browser.address[:64],
        browser=browser.name[:_BROWSER_LENGTH],
        created_at=now,
        seen_at=now,
        verified_at=now if is_verified else None,
        enrolment_encrypted=enrolment_encrypted,
    )
    session.add(row)
    session.flush()
    return row.id, token


def waiting_for_code(token: str) -> StaffSession:
    """Return the session that has shown its password and not yet its code, or refuse."""
    row = _by_token(token)
    if row is None or row.verified_at is not None or row.created_at + CODE_TTL <= clock.now():
        raise StaffSessionOver("no sign-in under way")
    return row


def end(session: Session, which: ColumnElement[bool], *, why: Why) -> Sequence[int]:
    """End sessions in the caller's transaction; return the ids of those that had not ended."""
    return session.scalars(
        update(StaffSession)
        .where(which, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_why=why, enrolment_encrypted=None)
        .returning(StaffSession.id)
        .execution_options(synchronize_session=False)
    ).all()


def end_all(session: Session, account_id: int, *, why: WhyAccount) -> int:
    """End all sessions of an account in the caller's transaction; return how many."""
    return len(end(session, StaffSession.account_id == account_id, why=why))


def _verified(token: str) -> StaffSession:
    row = _by_token(token)
    now = clock.now()
    if (
        row is None
        or row.verified_at is None
        or row.created_at + SESSION_TTL <= now
        or row.seen_at + _idle() <= now
    ):
        raise StaffSessionOver("no live session")
    return row


def _by_token(token: str) -> StaffSession | None:
    return db.session().scalar(
        select(StaffSession)
        .join(StaffAccount)
        .where(
            StaffSession.token_hash == _hash(token),
            StaffSession.ended_at.is_(None),
            StaffAccount.state == "active",
        )
        .execution_options(populate_existing=True)
    )


def _live(now: datetime) -> ColumnElement[bool]:
    return and_(
        StaffSession.ended_at.is_(None),
        StaffSession.verified_at.is_not(None),
        StaffSession.created_at > now - SESSION_TTL,
        StaffSession.seen_at > now - _idle(),
    )


def _member(row: StaffSession) -> StaffMember:
    account = row.account
    return StaffMember(
        account_id=account.id,
        name=account.login_name,
        display_name=account.display_name,
        office=account.office,
        role=Role(account.role),
        session_id=row.id,
        must_change_password=account.one_time_until is not None,
    )


def _idle() -> timedelta:
    settings: Settings = current_app.extensions["settings"]
    return timedelta(seconds=settings.staff_idle_s)


def _hash(token: str) -> str:
    """A random token of 256 bits needs no slow hash: it cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
