"""Applications for special subsidies (专项补贴申请), their evidence, reviews and payouts."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.sql import ChinaTime

RESERVING = text("state IN ('submitted', 'first_reviewed', 'granted')")
CURRENT = text("replaced_at IS NULL")
UNRETURNED = text("state <> 'returned'")
WAITING = text("state = 'submitted'")


class Subsidy(Model):
    """One application. What was applied for never changes; its state does."""

    __tablename__ = "subsidies"
    id: Mapped[str] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    request_id: Mapped[str]
    request_digest: Mapped[str]
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    tier_id: Mapped[int] = mapped_column(ForeignKey("tiers.id"))
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    # Who bought what is personal data: encrypted to be read, keyed hashes to be unique.
    details_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    invoice_hash: Mapped[str]
    vin_hash: Mapped[str]
    vin_last4: Mapped[str]
    account_last4: Mapped[str]
    invoice_amount_fen: Mapped[int] = mapped_column(BigInteger)
    invoice_day: Mapped[date] = mapped_column(Date)
    amount_fen: Mapped[int] = mapped_column(BigInteger)  # the tier's face value
    state: Mapped[str]
    reason: Mapped[str | None]  # of the last refusal
    first_reviewer: Mapped[str | None]
    second_reviewer: Mapped[str | None]
    transfer_id: Mapped[str | None] = mapped_column(ForeignKey("transfers.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(ChinaTime)
    changed_at: Mapped[datetime] = mapped_column(ChinaTime)
    campaign: Mapped[Campaign] = relationship(lazy="joined")
    merchant: Mapped[Merchant] = relationship(lazy="joined")
    __table_args__ = (
        UniqueConstraint("resident_id", "request_id"),
        CheckConstraint(
            "state IN ('draft', 'submitted', 'first_reviewed', 'granted', 'refused', 'withdrawn')",
            name="state_known",
        ),
        CheckConstraint("amount_fen > 0 AND invoice_amount_fen > amount_fen", name="amount_signs"),
        CheckConstraint("(state = 'granted') = (transfer_id IS NOT NULL)", name="granted_spent"),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="reason_given"),
        CheckConstraint(
            "state <> 'granted' OR (first_reviewer IS NOT NULL AND second_reviewer IS NOT NULL)",
            name="reviewed_twice",
        ),
        CheckConstraint("first_reviewer <> second_reviewer", name="two_people"),
        *(
            Index(
                f"uq_subsidies_{name}_live",
                f"{name}_hash",
                unique=True,
                sqlite_where=RESERVING,
                postgresql_where=RESERVING,
            )
            for name in ("invoice", "vin")
        ),
        Index("ix_subsidies_resident_created", "resident_id", "created_at"),
        Index("ix_subsidies_campaign_state", "campaign_id", "state"),
    )


class SubsidyStep(Model):
    """One step of an application: who, what, why. Only ever added."""

    __tablename__ = "subsidy_steps"
    subsidy_id: Mapped[str] = mapped_column(ForeignKey("subsidies.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1
    state: Mapped[str]  # the state it led to
    actor: Mapped[str]
    reason: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (CheckConstraint("position >= 1", name="position_positive"),)


class SubsidyFile(Model):
    """A file of evidence, encrypted below FILES_DIR under its id. Only `replaced_at` changes."""

    __tablename__ = "subsidy_files"
    id: Mapped[str] = mapped_column(primary_key=True)  # random: nothing of the caller's is a path
    subsidy_id: Mapped[str] = mapped_column(ForeignKey("subsidies.id"))
    name: Mapped[str]  # the kind, with -2 to -6 for further ones
    slot: Mapped[int]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    digest: Mapped[str]  # SHA-256 of what was kept, before encryption
    uploaded_at: Mapped[datetime] = mapped_column(ChinaTime)
    replaced_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("slot BETWEEN 1 AND 6", name="slot_in_range"),
        CheckConstraint("size_bytes BETWEEN 1 AND 5242880", name="size_in_range"),
        CheckConstraint("media_type IN ('image/jpeg', 'application/pdf')", name="media_type_known"),
        # Six current files at most, one of a name, under any race.
        *(
            Index(
                f"uq_subsidy_files_{name}_current",
                "subsidy_id",
                name,
                unique=True,
                sqlite_where=CURRENT,
                postgresql_where=CURRENT,
            )
            for name in ("slot", "name")
        ),
    )


class SubsidyPayout(Model):
    """A payout list (发放清单) as it was handed out. Never changed."""

    __tablename__ = "subsidy_payouts"
    number: Mapped[str] = mapped_column(primary_key=True)  # the caller's, so that twice is once
    line_count: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]
    content_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (CheckConstraint("line_count > 0 AND amount_fen > 0", name="amount_positive"),)


class SubsidyPayoutLine(Model):
    """One subsidy of a payout list; answered once: paid with proof, or returned with a reason."""

    __tablename__ = "subsidy_payout_lines"
    number: Mapped[str] = mapped_column(ForeignKey("subsidy_payouts.number"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subsidy_id: Mapped[str] = mapped_column(ForeignKey("subsidies.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="sent")
    proof: Mapped[str | None]  # the bank's serial; why it was returned
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("state IN ('sent', 'paid', 'returned')", name="state_known"),
        CheckConstraint("line >= 1 AND amount_fen > 0", name="amount_positive"),
        CheckConstraint(
            "(state = 'sent') = (proof IS NULL) AND (state = 'sent') = (answered_at IS NULL)"
            " AND (state = 'sent') = (answered_by IS NULL)",
            name="answer_whole",
        ),
        # One subsidy is on its way or paid once.
        Index(
            "uq_subsidy_payout_lines_live",
            "subsidy_id",
            unique=True,
            sqlite_where=UNRETURNED,
            postgresql_where=UNRETURNED,
        ),
    )


class AccountCorrection(Model):
    """Another account of the applicant's, after the bank returned a payout; decided once."""

    __tablename__ = "account_corrections"
    subsidy_id: Mapped[str] = mapped_column(ForeignKey("subsidies.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1
    request_id: Mapped[str]
    request_digest: Mapped[str]
    returned_number: Mapped[str] = mapped_column(ForeignKey("subsidy_payouts.number"))
    account_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    account_last4: Mapped[str]
    state: Mapped[str] = mapped_column(default="submitted")
    reason: Mapped[str | None]  # why it was refused; the applicant reads it
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    made_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        UniqueConstraint("subsidy_id", "request_id"),
        CheckConstraint("position >= 1", name="position_positive"),
        CheckConstraint("state IN ('submitted', 'confirmed', 'refused')", name="state_known"),
        CheckConstraint(
            "(state = 'submitted') = (decided_by IS NULL)"
            " AND (state = 'submitted') = (decided_at IS NULL)",
            name="decision_whole",
        ),
        CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="reason_given"),
        Index(
            "uq_account_corrections_waiting",
            "subsidy_id",
            unique=True,
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )
