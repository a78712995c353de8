"""Residents, what makes each one person, and their sign-ins."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class Resident(Model):
    """A person who claims and spends (居民). Limits count here, not per WeChat user."""

    __tablename__ = "residents"
    id: Mapped[int] = mapped_column(primary_key=True)
    phone_encrypted: Mapped[bytes] = mapped_column(LargeBinary)  # the number bound last
    phone_last4: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(ChinaTime)


class ResidentIdentity(Model):
    """A phone or bound card that belongs to exactly one resident (一人一档)."""

    __tablename__ = "resident_identities"
    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    kind: Mapped[str]
    value_hash: Mapped[str]  # keyed: an unkeyed hash of a phone is reversed in minutes
    last4: Mapped[str]
    bound_at: Mapped[datetime] = mapped_column(ChinaTime)
    unbound_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # of a card alone
    virtual_operator: Mapped[bool] = mapped_column(server_default=false())  # a mark, no refusal
    __table_args__ = (
        UniqueConstraint("kind", "value_hash"),
        CheckConstraint("kind IN ('phone', 'card')", name="kind_known"),
        CheckConstraint("kind = 'card' OR unbound_at IS NULL", name="phone_stays_bound"),
    )


class CardAct(Model):
    """A partner's notice that a card was bound or unbound; never changed afterwards."""

    __tablename__ = "card_acts"
    id: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    request_number: Mapped[str]  # the partner's: the same one never acts twice
    act: Mapped[str]
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    card_hash: Mapped[str]  # as ResidentIdentity.value_hash
    last4: Mapped[str]
    happened_at: Mapped[datetime] = mapped_column(ChinaTime)  # by the partner's account
    recorded_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        UniqueConstraint("partner_id", "request_number"),
        CheckConstraint("act IN ('bind', 'unbind')", name="act_known"),
    )


class ResidentBlock(Model):
    """A block of a resident (停用) by staff; at most one stands at a time."""

    __tablename__ = "resident_blocks"
    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    reason: Mapped[str]
    blocked_by: Mapped[str]
    blocked_at: Mapped[datetime] = mapped_column(ChinaTime)
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"),
        Index(
            "uq_resident_blocks_standing",
            "resident_id",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )


class WeChatUser(Model):
    """One openid of our mini-program. Becomes a resident's when the phone is bound."""

    __tablename__ = "wechat_users"
    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(unique=True)
    session_key_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("residents.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(ChinaTime)


class SignIn(Model):
    """A refresh token's row: what lets a phone stay signed in, and what revokes it."""

    __tablename__ = "sign_ins"
    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str]
    wechat_user_id: Mapped[int] = mapped_column(ForeignKey("wechat_users.id"), index=True)
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerks.id"))
    refresh_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(ChinaTime)
    expires_at: Mapped[datetime] = mapped_column(ChinaTime)
    revoked_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("role IN ('resident', 'clerk')", name="role_known"),
        CheckConstraint("(role = 'clerk') = (clerk_id IS NOT NULL)", name="clerk_named"),
        # What was revoked of late is asked for each second.
        Index(
            "ix_sign_ins_revoked",
            "revoked_at",
            sqlite_where=text("revoked_at IS NOT NULL"),
            postgresql_where=text("revoked_at IS NOT NULL"),
        ),
    )
