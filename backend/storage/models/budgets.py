"""Budget changes (预算调整), spending of before the start (补录支出), frozen fund reports."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class BudgetChange(Model):
    """A change of a budget as one person proposed it. Never changed; domain/budgets.py explains."""

    __tablename__ = "budget_changes"
    id: Mapped[str] = mapped_column(primary_key=True)  # made by the caller
    kind: Mapped[str]
    fund_id: Mapped[str] = mapped_column(ForeignKey("funds.id"))
    quarter: Mapped[str | None]
    to_quarter: Mapped[str | None]
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))
    expected_fen: Mapped[int] = mapped_column(BigInteger)
    new_fen: Mapped[int] = mapped_column(BigInteger)
    expected_to_fen: Mapped[int | None] = mapped_column(BigInteger)
    # {tier position: count}, of `tiers` alone.
    expected_counts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    new_counts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    document_number: Mapped[str | None]  # of the city's decision on a fund's amount
    reason: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(ChinaTime)
    decision: Mapped["BudgetDecision | None"] = relationship(lazy="selectin")
    __table_args__ = (
        UniqueConstraint("id", "proposed_by"),  # what a decision refers to
        CheckConstraint(
            "kind IN ('raise_fund', 'lower_fund', 'raise_quarter', 'lower_quarter', 'move',"
            " 'tiers', 'return_rest')",
            name="kind_known",
        ),
        CheckConstraint("expected_fen >= 0 AND new_fen >= 0", name="amount_signs"),
        CheckConstraint(
            "(kind IN ('tiers', 'return_rest')) = (campaign_id IS NOT NULL)",
            name="campaign_of_its_kind",
        ),
        CheckConstraint(
            "campaign_id IS NOT NULL OR quarter IS NOT NULL"
            " OR kind IN ('raise_fund', 'lower_fund')",
            name="quarter_or_campaign",
        ),
        CheckConstraint(
            "(kind = 'move') = (to_quarter IS NOT NULL AND expected_to_fen IS NOT NULL)",
            name="move_has_a_target",
        ),
        CheckConstraint("(kind = 'tiers') = (new_counts IS NOT NULL)", name="tiers_have_counts"),
        CheckConstraint(
            "(kind IN ('raise_fund', 'lower_fund')) = (document_number IS NOT NULL)",
            name="fund_has_a_document",
        ),
    )


class BudgetDecision(Model):
    """What the second person decided of a change, once. Never changed."""

    __tablename__ = "budget_decisions"
    change_id: Mapped[str] = mapped_column(primary_key=True)
    proposed_by: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str | None]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        ForeignKeyConstraint(
            ["change_id", "proposed_by"], ["budget_changes.id", "budget_changes.proposed_by"]
        ),
        CheckConstraint("decision IN ('confirmed', 'refused')", name="decision_known"),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
    )


class CountChange(Model):
    """One confirmed change of a tier's count, numbered from 1, so that Valkey takes each once."""

    __tablename__ = "count_changes"
    tier_id: Mapped[int] = mapped_column(ForeignKey("tiers.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    units: Mapped[int]  # below zero for a campaign that does not run yet
    change_id: Mapped[str] = mapped_column(ForeignKey("budget_changes.id"))
    decided_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        UniqueConstraint("change_id", "tier_id"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("units <> 0", name="units_not_zero"),
    )


class SpendingImport(Model):
    """A file of earlier spending as one person brought it. Never changed."""

    __tablename__ = "spending_imports"
    id: Mapped[str] = mapped_column(primary_key=True)  # made by the caller
    fund_id: Mapped[str] = mapped_column(ForeignKey("funds.id"))
    quarter: Mapped[str | None]
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))
    file_name: Mapped[str]
    file_digest: Mapped[str]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(ChinaTime)
    decision: Mapped["SpendingDecision | None"] = relationship(lazy="selectin")
    __table_args__ = (
        UniqueConstraint("id", "proposed_by"),
        CheckConstraint("total_fen > 0", name="total_positive"),
    )


class SpendingRecord(Model):
    """One line of such a file: money that was spent before the system began. Never changed."""

    __tablename__ = "spending_records"
    import_id: Mapped[str] = mapped_column(ForeignKey("spending_imports.id"), primary_key=True)
    record_number: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int]
    business_day: Mapped[date] = mapped_column(Date)  # its own, not that of the import
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    payee: Mapped[str]
    note: Mapped[str]
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount_positive"),)


class SpendingDecision(Model):
    """What the second person decided of an import, once. Never changed."""

    __tablename__ = "spending_decisions"
    import_id: Mapped[str] = mapped_column(primary_key=True)
    proposed_by: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str | None]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        ForeignKeyConstraint(
            ["import_id", "proposed_by"], ["spending_imports.id", "spending_imports.proposed_by"]
        ),
        CheckConstraint("decision IN ('confirmed', 'refused')", name="decision_known"),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
    )


class FundReport(Model):
    """The figures of a fund report, frozen for the end of a day. Never changed."""

    __tablename__ = "fund_reports"
    as_of: Mapped[date] = mapped_column(Date, primary_key=True)
    edition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    figures: Mapped[str]  # canonical JSON: what the digest is of
    reason: Mapped[str | None]  # why a later edition was made
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("edition >= 1", name="edition_positive"),
        CheckConstraint("(edition = 1) = (reason IS NULL)", name="later_editions_say_why"),
    )
