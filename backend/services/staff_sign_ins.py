"""Signing in at the console: the password, then a code of the person's phone (TOTP, RFC 6238).

Who has no second factor yet is offered one after the password and enrols by its first code. A code
counts once; the token changes when the code was right.
"""

from dataclasses import dataclass

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.staff import (
    LOGIN_NAME,
    OneTimePasswordOver,
    PasswordRefused,
    StaffAccountClosed,
    StaffSessionOver,
    StaffSignInRefused,
    folded,
)
from backend.extensions import db
from backend.services import (
    audit,
    staff_hand_overs,
    staff_locks,
    staff_passwords,
    staff_sessions,
)
from backend.services.personal_data import vault
from backend.services.staff_sessions import Browser, StaffMember
from backend.storage.models.staff import StaffAccount, StaffSession
from backend.storage.sql import transaction
from merchant_qr import image

ISSUER = "惠券"  # above the code in the person's app
_STEPS_BEFORE_AND_AFTER = 1  # of 30 s: phones' clocks, and the time it takes to type


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The password was right: a token good for five minutes and for the code alone."""

    token: str
    must_enrol: bool


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A second factor on offer: as text to type, as a link, as a QR picture in SVG."""

    secret: str
    link: str
    picture: bytes


def by_password(login_name: str, password: str, *, browser: Browser) -> Begun:
    """Begin to sign in. An unknown name is answered as a wrong password, after the same time.

    Raises StaffSignInLocked, StaffSignInRefused; to whoever knows the password also
    StaffAccountClosed and OneTimePasswordOver.
    """
    attempt = staff_locks.begin(login_name, browser.address)
    account = _named(folded(login_name))
    db.session().close()  # no connection is held while the password is hashed
    kept = None if account is None else account.password_hash
    if not staff_passwords.matches(password, kept) or account is None or kept is None:
        raise StaffSignInRefused("name or password")
    fresh = staff_passwords.hashed(password) if staff_passwords.is_outdated(kept) else kept
    with transaction() as session:
        held = _as_it_was(session, account.id, kept)
        staff_locks.take_back(session, attempt)
        closed = _why_closed(held)
        if closed is None:
            held.password_hash = fresh
            offer = vault().encrypt(pyotp.random_base32()) if held.totp_encrypted is None else None
            _, token = staff_sessions.start(
                session, held.id, browser, enrolment_encrypted=offer, is_verified=False
            )
    if closed is not None:
        raise closed
    return Begun(token=token, must_enrol=offer is not None)


def enrolment(token: str) -> Enrolment:
    """Return the second factor that a sign-in under way was offered; NotFound when it has one."""
    row = staff_sessions.waiting_for_code(token)
    if row.enrolment_encrypted is None:
        raise StaffSessionOver("enrolled already")
    secret = vault().decrypt(row.enrolment_encrypted)
    link = pyotp.TOTP(secret).provisioning_uri(name=row.account.login_name, issuer_name=ISSUER)
    return Enrolment(secret=secret, link=link, picture=image.svg(link))


def by_code(token: str, code: str, *, browser: Browser) -> tuple[str, StaffMember]:
    """Finish signing in; return the token of the new session and who it is.

    Raises StaffSignInLocked, StaffSignInRefused for a wrong or used code, StaffSessionOver.
    """
    begun = staff_sessions.waiting_for_code(token)
    login_name = begun.account.login_name
    attempt = staff_locks.begin(login_name, browser.address)
    kept = begun.enrolment_encrypted or begun.account.totp_encrypted
    if kept is None:  # reset by an administrator in these minutes
        raise StaffSessionOver("no second factor")
    step = _step_of(vault().decrypt(kept), code)
    with transaction() as session:
        _use_step(session, begun, step)
        if not staff_sessions.end(session, StaffSession.id == begun.id, why="rotated"):
            raise StaffSessionOver("used or ended meanwhile")
        staff_locks.take_back(session, attempt)
        staff_locks.forgive(session, login_name)
        session_id, new_token = staff_sessions.start(
            session, begun.account_id, browser, is_verified=True
        )
        audit.record(
            session,
            actor=login_name,
            action="staff.enrol" if begun.enrolment_encrypted else "staff.sign_in",
            subject=login_name,
            session_id=session_id,
        )
    return new_token, staff_sessions.current(new_token)


def change_password(token: str, *, old: str, new: str, browser: Browser) -> str:
    """Change one's password: all sessions end, and a new one begins, whose token is returned.

    Raises StaffSignInRefused for a wrong old password, which counts as a failure, and
    PasswordRefused.
    """
    member = staff_sessions.current(token)
    attempt = staff_locks.begin(member.name, browser.address)
    kept = db.session().get_one(StaffAccount, member.account_id).password_hash
    db.session().close()
    if not staff_passwords.matches(old, kept):
        raise StaffSignInRefused("old password")
    with transaction() as session:
        staff_locks.take_back(session, attempt)
    if new == old:
        raise PasswordRefused("the same as before")
    staff_passwords.check(new, names=(member.name, member.display_name, member.office))
    made = staff_passwords.hashed(new)
    with transaction() as session:
        account = _as_it_was(session, member.account_id, kept)
        account.password_hash, account.one_time_until = made, None
        staff_hand_overs.drop(session, account.id)
        staff_sessions.end_all(session, account.id, why="password")
        _, new_token = staff_sessions.start(session, account.id, browser, is_verified=True)
        audit.record(
            session, actor=member.name, action="staff.change_password", subject=member.name
        )
    return new_token


def _named(login_name: str) -> StaffAccount | None:
    """Find an account; what can be no login name is not asked for: PostgreSQL takes no NUL."""
    if not LOGIN_NAME.fullmatch(login_name):
        return None
    return db.session().scalar(select(StaffAccount).where(StaffAccount.login_name == login_name))


def _as_it_was(session: Session, account_id: int, password_hash: str) -> StaffAccount:
    """Lock an account whose password is still the one that was shown, or refuse."""
    account = session.scalar(
        select(StaffAccount)
        .where(StaffAccount.id == account_id, StaffAccount.password_hash == password_hash)
        .with_for_update()
    )
    if account is None:
        raise StaffSignInRefused("changed meanwhile")
    return account


def _why_closed(account: StaffAccount) -> StaffAccountClosed | OneTimePasswordOver | None:
    if account.state != "active":
        return StaffAccountClosed(account.login_name)
    if account.one_time_until is not None and account.one_time_until <= clock.now():
        return OneTimePasswordOver(account.login_name)
    return None


def _step_of(secret: str, code: str) -> int:
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            code.strip(), for_time=clock.now().timestamp(), valid_window=_STEPS_BEFORE_AND_AFTER
        )
    except OTPVerificationError as error:
        raise StaffSignInRefused("code") from error


def _use_step(session: Session, begun: StaffSession, step: int) -> None:
    """Let a code count, unless it or a later one has; with an offered secret, enrol."""
    account = update(StaffAccount).where(
        StaffAccount.id == begun.account_id, StaffAccount.state == "active"
    )
    if begun.enrolment_encrypted is None:
        used = account.where(StaffAccount.totp_last_step < step).values(totp_last_step=step)
    else:
        used = account.where(StaffAccount.totp_encrypted.is_(None)).values(
            totp_encrypted=begun.enrolment_encrypted, totp_last_step=step
        )
    if session.scalar(used.returning(StaffAccount.id)) is None:
        raise StaffSignInRefused("code used before")
