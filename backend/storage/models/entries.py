"""Entries that a scenic spot waived (免首道门票), and their monthly statements."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.sql import ChinaTime

COUNTED = text("state = 'counted'")
LIVE = text("state <> 'refused'")


class Entry(Model):
    """One entry at a gate. Only `state`, once, and `statement_id` change."""

    __tablename__ = "entries"
    id: Mapped[str] = mapped_column(primary_key=True)
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerks.id"))
    request_id: Mapped[str]
    request_digest: Mapped[str]
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    tier_id: Mapped[int] = mapped_column(ForeignKey("tiers.id"))
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    entered_at: Mapped[datetime] = mapped_column(ChinaTime)
    business_day: Mapped[date] = mapped_column(Date)
    month: Mapped[str]  # '2023-05'
    number_in_month: Mapped[int | None]  # of the person's counted entries; None: never counted
    state: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)  # the ticket; 0: never counted
    transfer_id: Mapped[str | None] = mapped_column(ForeignKey("transfers.id"), unique=True)
    # Checked at the commit: a statement's sums are known when its entries are taken.
    statement_id: Mapped[str | None] = mapped_column(
        ForeignKey("entry_statements.id", deferrable=True, initially="DEFERRED"), index=True
    )
    campaign: Mapped[Campaign] = relationship(lazy="joined")
    merchant: Mapped[Merchant] = relationship(lazy="joined")
    __table_args__ = (
        UniqueConstraint("clerk_id", "request_id"),
        CheckConstraint("state IN ('counted', 'free', 'undone')", name="state_known"),
        CheckConstraint(
            "(amount_fen > 0) = (transfer_id IS NOT NULL)"
            " AND (amount_fen > 0) = (number_in_month IS NOT NULL) AND amount_fen >= 0",
            name="counted_whole",
        ),
        CheckConstraint(
            "(state <> 'counted' OR amount_fen > 0) AND (state <> 'free' OR amount_fen = 0)",
            name="state_fits_amount",
        ),
        CheckConstraint("number_in_month >= 1", name="number_positive"),
        CheckConstraint("state <> 'undone' OR statement_id IS NULL", name="undone_unstated"),
        # A person's counted entries of a month are numbered, and each number stands once.
        Index(
            "uq_entries_person_month",
            "campaign_id",
            "resident_id",
            "month",
            "number_in_month",
            unique=True,
            sqlite_where=COUNTED,
            postgresql_where=COUNTED,
        ),
        Index("ix_entries_campaign_day", "campaign_id", "business_day"),
        Index("ix_entries_merchant_day", "merchant_id", "business_day"),
        Index("ix_entries_resident_entered", "resident_id", "entered_at"),
    )


class EntryUndo(Model):
    """Who undid an entry, and why. Only ever added."""

    __tablename__ = "entry_undos"
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    undone_by: Mapped[str]  # 'clerk:12', or a member of staff
    reason: Mapped[str]
    undone_at: Mapped[datetime] = mapped_column(ChinaTime)
    transfer_id: Mapped[str | None] = mapped_column(ForeignKey("transfers.id"), unique=True)


class EntryStatement(Model):
    """A month's entries of a campaign (月度结算单). Sums never change; it is decided once."""

    __tablename__ = "entry_statements"
    id: Mapped[str] = mapped_column(primary_key=True)  # domain/entries.py builds it
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    month: Mapped[str]
    through_day: Mapped[date] = mapped_column(Date)  # the month's last
    state: Mapped[str] = mapped_column(default="drafted")
    entry_count: Mapped[int]  # counted ones
    resident_count: Mapped[int]
    free_count: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]  # SHA-256 over the entries: what was confirmed is what is paid
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(ChinaTime)
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    reason: Mapped[str | None]
    campaign: Mapped[Campaign] = relationship(lazy="joined")
    merchant: Mapped[Merchant] = relationship(lazy="joined")
    __table_args__ = (
        CheckConstraint("state IN ('drafted', 'confirmed', 'refused')", name="state_known"),
        CheckConstraint(
            "entry_count > 0 AND amount_fen > 0 AND resident_count > 0 AND free_count >= 0",
            name="amount_positive",
        ),
        CheckConstraint(
            "(state = 'drafted') = (decided_by IS NULL)"
            " AND (state = 'drafted') = (decided_at IS NULL)",
            name="decision_whole",
        ),
        CheckConstraint("decided_by <> made_by", name="two_people"),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="reason_given"),
        Index(
            "uq_entry_statements_month_live",
            "campaign_id",
            "month",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )
