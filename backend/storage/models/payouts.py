"""Merchants' payout accounts, and the files by which a bank pays settlement sheets."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

ACTIVE = text("state = 'active'")
PROPOSED = text("state = 'proposed'")
UNRESOLVED_OR_PAID = text("state <> 'failed'")


class PayoutAccount(Model):
    """Where a merchant is paid (收款账户). Entered by one person, confirmed by another."""

    __tablename__ = "payout_accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    holder: Mapped[str]
    bank: Mapped[str]
    number_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    number_last4: Mapped[str]
    number_hash: Mapped[str]
    state: Mapped[str] = mapped_column(default="proposed")
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(ChinaTime)
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint(
            "state IN ('proposed', 'active', 'replaced', 'withdrawn')", name="state_known"
        ),
        CheckConstraint(
            "state NOT IN ('active', 'replaced') OR confirmed_by IS NOT NULL", name="confirmed"
        ),
        CheckConstraint("confirmed_by <> proposed_by", name="two_people"),
        Index(
            "uq_payout_accounts_merchant_active",
            "merchant_id",
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        ),
        Index(
            "uq_payout_accounts_merchant_proposed",
            "merchant_id",
            unique=True,
            sqlite_where=PROPOSED,
            postgresql_where=PROPOSED,
        ),
        # One number, one merchant.
        Index(
            "uq_payout_accounts_number_active",
            "number_hash",
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        ),
    )


class PayoutFile(Model):
    """A file sent to the bank (代发文件), kept as it was sent. Never changed."""

    __tablename__ = "payout_files"
    number: Mapped[str] = mapped_column(primary_key=True)  # the caller's 批次号
    day: Mapped[date] = mapped_column(Date)  # sheets up to this business day
    layout: Mapped[str]
    line_count: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]  # SHA-256 of the file
    content_encrypted: Mapped[bytes] = mapped_column(LargeBinary)  # it names account numbers
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (CheckConstraint("amount_fen > 0 AND line_count > 0", name="amount_positive"),)


class PayoutLine(Model):
    """One sheet in one file, and what the bank said of it."""

    __tablename__ = "payout_lines"
    file_number: Mapped[str] = mapped_column(ForeignKey("payout_files.number"), primary_key=True)
    line_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1
    sheet_id: Mapped[str] = mapped_column(ForeignKey("settlement_sheets.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("payout_accounts.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="sent")
    bank_serial: Mapped[str | None] = mapped_column(unique=True)  # one proof proves one payment
    bank_day: Mapped[date | None] = mapped_column(Date)
    failure_reason: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("state IN ('sent', 'paid', 'failed')", name="state_known"),
        CheckConstraint("line_number >= 1 AND amount_fen > 0", name="amount_positive"),
        CheckConstraint(
            "state <> 'paid' OR (bank_serial IS NOT NULL AND bank_day IS NOT NULL)", name="proved"
        ),
        CheckConstraint("state <> 'failed' OR failure_reason IS NOT NULL", name="reason_given"),
        CheckConstraint("(state = 'sent') = (answered_at IS NULL)", name="answer_dated"),
        # Never twice for one sheet while the first is unresolved, and never after it was paid.
        Index(
            "uq_payout_lines_sheet_unresolved",
            "sheet_id",
            unique=True,
            sqlite_where=UNRESOLVED_OR_PAID,
            postgresql_where=UNRESOLVED_OR_PAID,
        ),
    )


class PayoutReturn(Model):
    """A return file (回盘文件) that was taken, by its digest. Never changed."""

    __tablename__ = "payout_returns"
    file_number: Mapped[str] = mapped_column(ForeignKey("payout_files.number"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256: the same file acts once
    paid_count: Mapped[int]
    failed_count: Mapped[int]
    paid_fen: Mapped[int] = mapped_column(BigInteger)
    failed_fen: Mapped[int] = mapped_column(BigInteger)
    taken_by: Mapped[str]
    taken_at: Mapped[datetime] = mapped_column(ChinaTime)
