"""Campaigns (档期) and their tiers (档级)."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Table,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model, db
from backend.storage.models.programmes import Domain
from backend.storage.sql import ChinaTime

campaign_domains = Table(
    "campaign_domains",
    db.metadata,
    Column("campaign_id", ForeignKey("campaigns.id"), primary_key=True),
    Column("domain_id", ForeignKey("domains.id"), primary_key=True),
)


class Campaign(Model):
    """One campaign with its own dates, rules and money.

    Once approved its terms never change, but by a budget change: its tiers' counts, its amount.
    """

    __tablename__ = "campaigns"
    id: Mapped[str] = mapped_column(primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"))
    fund_id: Mapped[str] = mapped_column(ForeignKey("funds.id"))
    quarter: Mapped[str | None]
    name: Mapped[str]
    mode: Mapped[str]
    state: Mapped[str] = mapped_column(default="draft")
    opens_at: Mapped[datetime] = mapped_column(ChinaTime)
    ends_at: Mapped[datetime] = mapped_column(ChinaTime)  # exclusive: 24:00 of the last day
    amount_fen: Mapped[int] = mapped_column(BigInteger)  # Σ face × count of its tiers
    returned_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    validity_days: Mapped[int | None]
    claim_day_counts: Mapped[bool | None]
    per_person_per_tier: Mapped[int] = mapped_column(default=1)
    one_tier_per_day: Mapped[bool] = mapped_column(default=False)
    per_person: Mapped[int | None]
    per_person_per_day: Mapped[int | None]
    per_person_per_merchant_per_day: Mapped[int]
    person_per_natural_month: Mapped[int | None]
    daily_release: Mapped[int | None]
    carry_over: Mapped[bool] = mapped_column(default=False)
    release_minute: Mapped[int | None]  # of the day in China; None: the opening's time of day
    # Lists of {weekdays, from_minute, until_minute}; {name, latitude_e6, longitude_e6, radius_m}.
    claim_windows: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    claim_area: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    area: Mapped[str | None]  # usable only at merchants of this area
    use_from_minute: Mapped[int | None]  # usable only in [from, until) of a day
    use_until_minute: Mapped[int | None]
    merchant_id: Mapped[str | None]
    evidence: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # of a subsidy
    on_full_refund: Mapped[str]
    recycle_expired: Mapped[bool] = mapped_column(default=False, server_default=false())
    payment_provider: Mapped[str | None]  # wins over the merchant's
    # Neither a claim nor a payment code without a bound card.
    card_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    epoch: Mapped[int] = mapped_column(default=0)  # raised by each load of the quota into Valkey
    domains: Mapped[list[Domain]] = relationship(
        secondary=campaign_domains, order_by=Domain.id, lazy="selectin"
    )
    tiers: Mapped[list["Tier"]] = relationship(order_by="Tier.position", lazy="selectin")
    __table_args__ = (
        ForeignKeyConstraint(
            ["fund_id", "quarter"], ["fund_quarters.fund_id", "fund_quarters.quarter"]
        ),
        CheckConstraint("mode IN ('claim', 'instant', 'subsidy', 'entry')", name="mode_known"),
        CheckConstraint(
            "state IN ('draft', 'approved', 'running', 'paused', 'stopped', 'ended')",
            name="state_known",
        ),
        CheckConstraint("opens_at < ends_at", name="opens_before_end"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("returned_fen BETWEEN 0 AND amount_fen", name="returned_in_amount"),
        CheckConstraint("mode <> 'claim' OR validity_days >= 1", name="claim_has_validity"),
        CheckConstraint("per_person_per_tier >= 1", name="limit_positive"),
    )


class CampaignSubmission(Model):
    """A campaign as it was sent for approval (送审), numbered from 1. Never changed.

    Until it is decided nobody sends the campaign again; what is decided is the draft.
    """

    __tablename__ = "campaign_submissions"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    faults: Mapped[list[str]] = mapped_column(JSON)  # what its preflight warned of, in words
    submitted_by: Mapped[str]
    submitted_at: Mapped[datetime] = mapped_column(ChinaTime)
    decision: Mapped["CampaignDecision | None"] = relationship(lazy="selectin")
    __table_args__ = (
        UniqueConstraint("campaign_id", "number", "submitted_by"),  # what a decision refers to
        CheckConstraint("number > 0", name="number_positive"),
    )


class CampaignDecision(Model):
    """What the second person decided of a submission, once. Never changed."""

    __tablename__ = "campaign_decisions"
    campaign_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    submitted_by: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str | None]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "number", "submitted_by"],
            [
                "campaign_submissions.campaign_id",
                "campaign_submissions.number",
                "campaign_submissions.submitted_by",
            ],
        ),
        CheckConstraint("decision IN ('approved', 'sent_back')", name="decision_known"),
        CheckConstraint("decided_by <> submitted_by", name="two_people"),
        CheckConstraint(
            "(decision = 'sent_back') = (reason IS NOT NULL)", name="sent_back_says_why"
        ),
    )


class Recycling(Model):
    """One batch of expired vouchers whose units went back to their tier, once."""

    __tablename__ = "recyclings"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1, no gaps
    tier_id: Mapped[int] = mapped_column(ForeignKey("tiers.id"))
    units: Mapped[int]
    recycled_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("number > 0", name="number_positive"),
    )


class Tier(Model):
    """Threshold, face value and count of one kind of voucher. face × count is its money."""

    __tablename__ = "tiers"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    position: Mapped[int]
    threshold_fen: Mapped[int] = mapped_column(BigInteger)
    face_value_fen: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int]
    count_number: Mapped[int] = mapped_column(default=0, server_default="0")  # its changes so far
    # Vouchers given and not recycled: the schema's own guard of the quota.
    claimed_count: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        UniqueConstraint("campaign_id", "position"),
        CheckConstraint("face_value_fen > 0", name="face_positive"),
        CheckConstraint(
            "threshold_fen = 0 OR face_value_fen < threshold_fen", name="face_below_threshold"
        ),
        CheckConstraint("count BETWEEN 1 AND 9999999", name="count_in_range"),
        CheckConstraint("claimed_count BETWEEN 0 AND count", name="never_oversold"),
        CheckConstraint("count_number >= 0", name="count_number_sign"),
    )
