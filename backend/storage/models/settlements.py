"""Settlement sheets (结算单), their lines and steps, and what is held (暂缓结算)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.models.merchants import Merchant
from backend.storage.sql import ChinaTime

LIVE = text("freed_at IS NULL")
OPEN = text("released_at IS NULL")


class SettlementSheet(Model):
    """What one merchant is owed up to a business day. Amounts and lines never change."""

    __tablename__ = "settlement_sheets"
    id: Mapped[str] = mapped_column(primary_key=True)  # domain/settlements.py builds it
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    from_day: Mapped[date] = mapped_column(Date)  # of the earliest line
    through_day: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(default="drafted")
    line_count: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]  # SHA-256 over the lines: what was approved is what is paid
    drafted_at: Mapped[datetime] = mapped_column(ChinaTime)
    merchant: Mapped[Merchant] = relationship(lazy="joined")
    __table_args__ = (
        CheckConstraint(
            "state IN ('drafted', 'bureau_approved', 'finance_approved', 'in_payout', 'paid',"
            " 'rejected')",
            name="state_known",
        ),
        # Zero or less is not paid: its lines stay open for a later sheet.
        CheckConstraint("amount_fen > 0 AND line_count > 0", name="amount_positive"),
        CheckConstraint("from_day <= through_day", name="days_ordered"),
        Index("ix_settlement_sheets_merchant_day", "merchant_id", "through_day"),
        Index("ix_settlement_sheets_state_day", "state", "through_day"),
    )


class SettlementLine(Model):
    """One source in one sheet. Only `freed_at` changes, once, when the sheet is rejected."""

    __tablename__ = "settlement_lines"
    # Checked at the commit: the sheet's sums are known when its lines are written.
    sheet_id: Mapped[str] = mapped_column(
        ForeignKey("settlement_sheets.id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    source_kind: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    # None: a month of entries has no order.
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    business_day: Mapped[date] = mapped_column(Date)
    occurred_at: Mapped[datetime] = mapped_column(ChinaTime)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    freed_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint(
            "(source_kind IN ('redemption', 'entry') AND amount_fen > 0)"
            " OR (source_kind IN ('refund', 'reversal') AND amount_fen < 0)",
            name="amount_by_kind",
        ),
        CheckConstraint("order_id IS NOT NULL OR source_kind = 'entry'", name="order_named"),
        # One source, at most one live sheet, under any race.
        Index(
            "uq_settlement_lines_source_live",
            "source_kind",
            "source_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )


class SettlementStep(Model):
    """One step of a sheet: who, in which role, with what remark, on which file. Only ever added."""

    __tablename__ = "settlement_steps"
    sheet_id: Mapped[str] = mapped_column(ForeignKey("settlement_sheets.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1
    act: Mapped[str]
    state: Mapped[str]  # the state it led to
    actor: Mapped[str]
    role: Mapped[str]
    remark: Mapped[str | None]
    digest: Mapped[str]  # SHA-256 of the sheet's lines, or of the bank's file
    at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("position >= 1", name="position_positive"),
        CheckConstraint(
            "act IN ('draft', 'approve_bureau', 'approve_finance', 'reject', 'payout', 'pay',"
            " 'fail_payout')",
            name="act_known",
        ),
        CheckConstraint("role IN ('system', 'bureau', 'finance', 'payer')", name="role_known"),
        CheckConstraint(
            "act NOT IN ('reject', 'fail_payout') OR remark IS NOT NULL", name="reason_given"
        ),
    )


class SettlementHold(Model):
    """A redemption that is not settled until a second person releases it."""

    __tablename__ = "settlement_holds"
    id: Mapped[str] = mapped_column(primary_key=True)  # the caller's, so that twice is once
    redemption_id: Mapped[str] = mapped_column(ForeignKey("redemptions.id"))
    reason: Mapped[str]
    held_by: Mapped[str]
    held_at: Mapped[datetime] = mapped_column(ChinaTime)
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    release_reason: Mapped[str | None]
    __table_args__ = (
        CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL)"
            " AND (released_at IS NULL) = (release_reason IS NULL)",
            name="release_whole",
        ),
        CheckConstraint("released_by <> held_by", name="two_people"),
        Index(
            "uq_settlement_holds_redemption_open",
            "redemption_id",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
    )


class SettlementRun(Model):
    """The nightly draft of one day is done: it does not bring back what was rejected since."""

    __tablename__ = "settlement_runs"
    through_day: Mapped[date] = mapped_column(Date, primary_key=True)
    finished_at: Mapped[datetime] = mapped_column(ChinaTime)
    sheet_count: Mapped[int]
