"""Desks of shops (收银台): a clerk whose phone is signed in opens one on the shop's computer.

The phone shows eight digits, good for one browser and two minutes. The browser's session ends by
itself (8 hours idle, 16 at most), by its clerk or the owner, and at once when the clerk is removed
or the merchant disqualified: that is judged at each request.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import audit
from backend.services.personal_data import vault
from backend.storage.models.desk import DeskCode, DeskSession
from backend.storage.models.merchants import Clerk, Merchant
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction
from merchant_qr.payment_code import clean

CODE_DIGITS = 8
CODE_TTL = timedelta(minutes=2)
IDLE = timedelta(hours=8)  # a shop's day, lunch and an afternoon without customers included
AT_MOST = timedelta(hours=16)
MAX_ID = 2**31 - 1  # the database would refuse a larger one as a value, not as unknown
_SEEN_EVERY = timedelta(minutes=5)
_TRIES = 5  # two live numbers are alike once in thousands of shops, five times in a row never
_BROWSER_LENGTH = 200


class DeskCodeRefused(HuiquanError):
    """Unknown, used, replaced and expired answer alike, so that nobody can probe."""

    code = "desk_code_refused"
    message = "登录数字不对或已过期，请在手机上重新获取后再输入"
    category = "rule"


class DeskSessionOver(HuiquanError):
    code = "desk_session_over"
    message = "收银台登录已结束，请在手机上获取登录数字后重新登录"
    category = "unauthenticated"


@dataclass(frozen=True, kw_only=True)
class IssuedDeskCode:
    """Eight digits to show as text, QR and bar code, and until when they count (exclusive)."""

    number: str
    expires_at: datetime


def issue(clerk_id: int) -> IssuedDeskCode:
    """Give a clerk a one-time number; the newest ends the one before."""
    for _ in range(_TRIES):
        number = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        expires_at = clock.now() + CODE_TTL
        try:
            with transaction() as session:
                # One number of a clerk at a time; a shared code of two clerks fails below.
                session.get_one(Clerk, clerk_id, with_for_update={"of": Clerk})
                session.merge(
                    DeskCode(
                        clerk_id=clerk_id,
                        code_hash=_code_hash(number),
                        expires_at=expires_at,
                        used_at=None,
                    )
                )
            return IssuedDeskCode(number=number, expires_at=expires_at)
        except IntegrityError:
            continue
    raise RuntimeError("no free one-time number")


def sign_in(typed: str, *, address: str, browser: str) -> str:
    """Open a desk with a number that was typed or scanned; return the browser's new token.

    Full-width digits, blanks and line ends of a scanner gun are understood. Raises DeskCodeRefused.
    """
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction() as session:
        clerk_id = session.scalar(
            update(DeskCode)
            .where(
                DeskCode.code_hash == _code_hash(clean(typed)),
                DeskCode.used_at.is_(None),
                DeskCode.expires_at > now,
            )
            .values(used_at=now)
            .returning(DeskCode.clerk_id)
            .execution_options(synchronize_session=False)
        )
        if clerk_id is None or _working(clerk_id) is None:
            raise DeskCodeRefused("no live number")
        row = DeskSession(
            token_hash=_hash(token),
            clerk_id=clerk_id,
            address=address[:64],
            browser=browser[:_BROWSER_LENGTH],
            created_at=now,
            seen_at=now,
        )
        session.add(row)
        session.flush()
        audit.record(
            session, actor=f"clerk:{clerk_id}", action="clerk.open_desk", subject=str(row.id)
        )
    return token


def current(token: str, *, in_use: bool = True) -> DeskSession:
    """Return the session of a token with its clerk, or refuse with DeskSessionOver.

    :param in_use: False for what a page asks by itself: a desk left alone ends as any other
    """
    now = clock.now()
    row = db.session().scalar(
        select(DeskSession)
        .join(Clerk, Clerk.id == DeskSession.clerk_id)
        .join(Merchant)
        .where(DeskSession.token_hash == _hash(token), _live(now))
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise DeskSessionOver("no live session")
    if in_use and now - row.seen_at >= _SEEN_EVERY:
        with transaction() as session:
            session.execute(update(DeskSession).where(DeskSession.id == row.id).values(seen_at=now))
    return row


def list_live(clerk: Clerk) -> list[DeskSession]:
    """Return the open desks that a clerk may end, the newest first: his own, or the owner's all."""
    return list(
        db.session().scalars(
            select(DeskSession)
            .join(Clerk, Clerk.id == DeskSession.clerk_id)
            .join(Merchant)
            .where(_live(clock.now()), _of(clerk))
            .order_by(DeskSession.id.desc())
        )
    )


def end(session_id: int, *, clerk: Clerk) -> None:
    """End a desk; again changes nothing. NotFound when it is none of the clerk's."""
    if session_id > MAX_ID:
        raise NotFound(f"desk session {session_id}")
    with transaction() as session:
        found = session.scalar(
            select(DeskSession)
            .join(Clerk, Clerk.id == DeskSession.clerk_id)
            .where(DeskSession.id == session_id, _of(clerk))
        )
        if found is None:
            raise NotFound(f"desk session {session_id}")
        ended = session.scalar(
            update(DeskSession)
            .where(DeskSession.id == session_id, DeskSession.ended_at.is_(None))
            .values(ended_at=clock.now(), ended_by=clerk.id)
            .returning(DeskSession.id)
            .execution_options(synchronize_session=False)
        )
        if ended is not None:
            audit.record(
                session, actor=f"clerk:{clerk.id}", action="clerk.end_desk", subject=str(ended)
            )


def _of(clerk: Clerk) -> ColumnElement[bool]:
    if clerk.role == "owner":
        return Clerk.merchant_id == clerk.merchant_id
    return DeskSession.clerk_id == clerk.id


def _live(now: datetime) -> ColumnElement[bool]:
    return and_(
        DeskSession.ended_at.is_(None),
        DeskSession.created_at > now - AT_MOST,
        DeskSession.seen_at > now - IDLE,
        Clerk.state == "active",
        Merchant.status != "disqualified",
    )


def _working(clerk_id: int) -> Clerk | None:
    clerk = queries.get_active_clerk(db.session(), clerk_id)
    return None if clerk is None or clerk.merchant.status == "disqualified" else clerk


def _code_hash(number: str) -> str:
    return vault().hash("desk_code", number)


def _hash(token: str) -> str:
    """A random token of 256 bits needs no slow hash: it cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
