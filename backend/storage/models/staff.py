"""Staff: accounts, sessions at the console, failures of signing in, what two people decide."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.sql import ChinaTime

OPEN = text("decided_at IS NULL")
ROLE_KNOWN = (
    "role IN ('bureau_operator', 'bureau_approver', 'finance', 'market_regulator', 'tax',"
    " 'tourism', 'media', 'bank', 'superior_bank', 'partner', 'auditor', 'administrator')"
)


class StaffAccount(Model):
    """A person at an office or a bank (工作人员). Never deleted; no login name is given twice."""

    __tablename__ = "staff_accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    login_name: Mapped[str] = mapped_column(unique=True)  # case-folded
    display_name: Mapped[str]
    office: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]  # Argon2id with its parameters
    one_time_until: Mapped[datetime | None] = mapped_column(ChinaTime)  # of a password we made
    totp_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_last_step: Mapped[int | None]  # of the last code that counted: none counts twice
    state: Mapped[str] = mapped_column(default="active")
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint(ROLE_KNOWN, name="role_known"),
        CheckConstraint("state IN ('active', 'locked', 'left')", name="state_known"),
        CheckConstraint("login_name = lower(login_name)", name="folded"),
        CheckConstraint(
            "(totp_encrypted IS NULL) = (totp_last_step IS NULL)", name="enrolled_by_a_code"
        ),
    )


class StaffSession(Model):
    """A browser at the console. Before `verified_at` only the password was shown."""

    __tablename__ = "staff_sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), index=True)
    address: Mapped[str]
    browser: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(ChinaTime)
    verified_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    seen_at: Mapped[datetime] = mapped_column(ChinaTime)
    enrolment_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)  # a secret on offer
    ended_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    ended_why: Mapped[str | None]
    account: Mapped[StaffAccount] = relationship(lazy="joined")
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended_why_told"),
        CheckConstraint(
            "ended_why IN ('signed_out', 'rotated', 'idle', 'over', 'ended', 'password', 'role',"
            " 'locked', 'left', 'reset')",
            name="why_known",
        ),
        CheckConstraint(
            "verified_at IS NULL OR enrolment_encrypted IS NULL", name="offered_before_verified"
        ),
    )


class StaffHandOver(Model):
    """The first half of a one-time password (交接), until who asked for it has seen it, once."""

    __tablename__ = "staff_hand_overs"
    account_id: Mapped[int] = mapped_column(
        ForeignKey("staff_accounts.id"), primary_key=True, autoincrement=False
    )
    half_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    held_for: Mapped[str]  # the login name, folded, of who asked
    account: Mapped[StaffAccount] = relationship(lazy="joined")
    __table_args__ = (CheckConstraint("held_for = lower(held_for)", name="folded"),)


class StaffFailure(Model):
    """A sign-in that was tried and has not succeeded; forgotten after a day."""

    __tablename__ = "staff_failures"
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]  # a login name's keyed hash (people type passwords there), or an address
    at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (Index("ix_staff_failures_subject_at", "subject", "at"),)


class StaffReset(Model):
    """A password and second factor to be made anew (重置): asked by one, confirmed by another."""

    __tablename__ = "staff_resets"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    reason: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(ChinaTime)
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    account: Mapped[StaffAccount] = relationship(lazy="joined")
    __table_args__ = (
        CheckConstraint("decision IN ('confirmed', 'refused')", name="decision_known"),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL)"
            " AND (decision IS NULL) = (decided_by IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint("decision <> 'confirmed' OR decided_by <> requested_by", name="two_people"),
        Index(
            "uq_staff_resets_open",
            "account_id",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
    )


class StaffProposal(Model):
    """A new account, or another role of one (账号申请): asked by one, confirmed by another."""

    __tablename__ = "staff_proposals"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    login_name: Mapped[str]
    display_name: Mapped[str | None]  # of a new account
    office: Mapped[str | None]
    role: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(ChinaTime)
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("kind IN ('account', 'role')", name="kind_known"),
        CheckConstraint(
            "(kind = 'account') = (display_name IS NOT NULL)"
            " AND (kind = 'account') = (office IS NOT NULL)",
            name="a_new_account_is_named",
        ),
        CheckConstraint(ROLE_KNOWN, name="role_known"),
        CheckConstraint("decision IN ('confirmed', 'refused')", name="decision_known"),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL)"
            " AND (decision IS NULL) = (decided_by IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint("decision <> 'confirmed' OR decided_by <> requested_by", name="two_people"),
        Index(
            "uq_staff_proposals_open",
            "login_name",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
    )
