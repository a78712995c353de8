"""Signing in: a wx.login code becomes our own token, and a refresh that can be revoked."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals, tokens
from backend.extensions import db
from backend.gateways.wechat import WeChat, WeChatSession
from backend.services.personal_data import vault
from backend.services.snapshots import Snapshots
from backend.settings import Settings
from backend.storage.models.merchants import Clerk
from backend.storage.models.residents import SignIn, WeChatUser
from backend.storage.sql import transaction


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """What a phone keeps: the token for each request, and the refresh for a new token."""

    access_token: str
    expires_at: datetime
    refresh_token: str
    phone_bound: bool


def resident_by_code(js_code: str) -> SignedIn:
    """Sign a resident in with a wx.login code; the phone may still have to be bound."""
    user = _user_of(_wechat().login(js_code))
    return _start(user, clerk=None)


def clerk_by_code(js_code: str, *, phone_code: str | None) -> SignedIn:
    """Sign a clerk in: known by his WeChat user, or the first time by the phone the shop gave."""
    user = _user_of(_wechat().login(js_code))
    clerk = db.session.scalar(
        select(Clerk).where(Clerk.wechat_user_id == user.id, Clerk.state == "active")
    )
    if clerk is None:
        if phone_code is None:
            raise refusals.NotAClerk(f"wechat user {user.id}")
        db.session.close()
        phone = _wechat().phone_number(phone_code, openid=user.openid)
        clerk = _adopt(user, vault().hash("phone", phone))
    return _start(user, clerk=clerk)


def refresh(refresh_token: str) -> SignedIn:
    """Return a new access token for a refresh that is neither revoked nor over."""
    row = _live(refresh_token)
    if row is None:
        raise refusals.RefreshRefused("unknown, revoked or over")
    user = db.session.get_one(WeChatUser, row.wechat_user_id)
    clerk = db.session.get(Clerk, row.clerk_id) if row.clerk_id is not None else None
    if clerk is not None and clerk.state != "active":
        raise refusals.RefreshRefused(f"clerk {clerk.id} was removed")
    return _signed_in(row, user, clerk, refresh_token)


def revoke(refresh_token: str) -> None:
    """Sign out: the refresh is void at once. An unknown one is as good as revoked."""
    with transaction() as session:
        session.execute(
            update(SignIn)
            .where(SignIn.refresh_hash == _hash(refresh_token), SignIn.revoked_at.is_(None))
            .values(revoked_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    REVOKED.forget()


def end_all(session: Session, *, wechat_user_id: int) -> None:
    """End every sign-in of a WeChat user, in each role, inside the caller's transaction.

    Access tokens that are out end with it, on other machines within a second.
    """
    session.execute(
        update(SignIn)
        .where(SignIn.wechat_user_id == wechat_user_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def refuse_revoked(sign_in_id: int, revoked: frozenset[int]) -> None:
    """Refuse an access token whose sign-in has ended, by a set that is at most a second old."""
    if sign_in_id in revoked:
        raise refusals.SignInRequired(f"sign-in {sign_in_id} was revoked")


def token_of(sign_in_id: int) -> tuple[str, datetime]:
    """Return a fresh access token of a sign-in, after the phone was bound."""
    row = db.session.get_one(SignIn, sign_in_id)
    user = db.session.get_one(WeChatUser, row.wechat_user_id)
    return _token(row, user, None)


def _start(user: WeChatUser, *, clerk: Clerk | None) -> SignedIn:
    settings: Settings = current_app.extensions["settings"]
    refresh_token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction() as session:
        row = SignIn(
            role="resident" if clerk is None else "clerk",
            wechat_user_id=user.id,
            clerk_id=None if clerk is None else clerk.id,
            refresh_hash=_hash(refresh_token),
            created_at=now,
            expires_at=now + timedelta(seconds=settings.refresh_token_ttl_s),
        )
        session.add(row)
    return _signed_in(row, user, clerk, refresh_token)


def _signed_in(row: SignIn, user: WeChatUser, clerk: Clerk | None, refresh_token: str) -> SignedIn:
    access_token, expires_at = _token(row, user, clerk)
    return SignedIn(
        access_token=access_token,
        expires_at=expires_at,
        refresh_token=refresh_token,
        phone_bound=user.resident_id is not None or clerk is not None,
    )


def _token(row: SignIn, user: WeChatUser, clerk: Clerk | None) -> tuple[str, datetime]:
    settings: Settings = current_app.extensions["settings"]
    expires_s = int(clock.now().timestamp()) + settings.access_token_ttl_s
    claims = tokens.Claims(
        role="resident" if clerk is None else "clerk",
        sign_in_id=row.id,
        wechat_user_id=user.id,
        subject_id=(user.resident_id or 0) if clerk is None else clerk.id,
        expires_s=expires_s,
    )
    return tokens.issue(claims, key=settings.token_key), clock.from_s(expires_s)


def _user_of(found: WeChatSession) -> WeChatUser:
    """Return the row of an openid, made at its first login; it keeps the newest session_key."""
    try:
        return _upsert(found)
    except IntegrityError:  # two first logins at once: the other one has made the row
        return _upsert(found)


def _upsert(found: WeChatSession) -> WeChatUser:
    session_key = vault().encrypt(found.session_key)
    with transaction() as session:
        user = session.scalar(select(WeChatUser).where(WeChatUser.openid == found.openid))
        if user is None:
            user = WeChatUser(
                openid=found.openid, session_key_encrypted=session_key, created_at=clock.now()
            )
            session.add(user)
        user.session_key_encrypted = session_key
    return user


def _adopt(user: WeChatUser, phone_hash: str) -> Clerk:
    """Bind a WeChat user to the clerk whose phone the shop has given."""
    with transaction() as session:
        clerk = session.scalar(
            select(Clerk)
            .where(Clerk.phone_hash == phone_hash, Clerk.state == "active")
            .with_for_update(of=Clerk)
        )
        if clerk is None:
            raise refusals.NotAClerk(f"wechat user {user.id}")
        clerk.wechat_user_id = user.id
    return clerk


def _live(refresh_token: str) -> SignIn | None:
    session: Session = db.session()
    return session.scalar(
        select(SignIn).where(
            SignIn.refresh_hash == _hash(refresh_token),
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > clock.now(),
        )
    )


def _hash(refresh_token: str) -> str:
    """A random token of 256 bits needs no slow hash: it cannot be guessed."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _read_revoked(_all: str) -> frozenset[int]:
    """Read whose access tokens are still out: what was revoked longer ago has none.

    On a connection of its own, given back at once: whoever asks may go on to wait for others.
    """
    settings: Settings = current_app.extensions["settings"]
    since = clock.now() - timedelta(seconds=settings.access_token_ttl_s)
    recent = select(SignIn.id).where(SignIn.revoked_at > since)
    with db.engine.connect() as connection:
        return frozenset(connection.scalars(recent))


ALL = "all"  # the only key: few sign out within a token's life, and a request asks about one
REVOKED: Snapshots[str, frozenset[int]] = Snapshots(_read_revoked)


def _wechat() -> WeChat:
    gateway: WeChat = current_app.extensions["wechat"]
    return gateway
