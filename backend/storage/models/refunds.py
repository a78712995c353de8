"""Refunds (退款), and the money that goes back to customers by refunds and reversals (退回款)."""

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
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

TO_PAY_BACK = text("status IN ('due', 'processing', 'unknown')")


class Refund(Model):
    """Goods of one order that were given back, and what both sides get of them. Never changed."""

    __tablename__ = "refunds"
    id: Mapped[str] = mapped_column(primary_key=True)
    numbered_by: Mapped[str]  # 'merchant:TJ0003', 'bank:PARTY' or 'staff': whose number it is
    number: Mapped[str]  # the caller's, so that twice is once
    order_id: Mapped[str] = mapped_column(ForeignKey("redemptions.id"))
    part: Mapped[int]  # the order's refunds, from 1
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    refund_amount_fen: Mapped[int] = mapped_column(BigInteger)  # goods
    customer_fen: Mapped[int] = mapped_column(BigInteger)
    subsidy_fen: Mapped[int] = mapped_column(BigInteger)
    restored: Mapped[bool]  # the voucher is unused again
    reason: Mapped[str]
    made_by: Mapped[str]
    refunded_at: Mapped[datetime] = mapped_column(ChinaTime)
    business_day: Mapped[date] = mapped_column(Date)
    transfer_id: Mapped[str | None] = mapped_column(ForeignKey("transfers.id"), unique=True)
    __table_args__ = (
        UniqueConstraint("numbered_by", "number"),
        UniqueConstraint("order_id", "part"),
        CheckConstraint("part BETWEEN 1 AND 50", name="part_range"),
        CheckConstraint(
            "refund_amount_fen > 0 AND customer_fen >= 0 AND subsidy_fen >= 0", name="amount_signs"
        ),
        CheckConstraint("refund_amount_fen = customer_fen + subsidy_fen", name="split_exact"),
        CheckConstraint("(subsidy_fen > 0) = (transfer_id IS NOT NULL)", name="subsidy_moved"),
        Index("ix_refunds_merchant_day", "merchant_id", "business_day"),
    )


class RefundProposal(Model):
    """A refund that one of the staff proposes (退款申请); another makes it, or it is withdrawn.

    What is proposed never changes; `state` does, from `proposed` and once.
    """

    __tablename__ = "refund_proposals"
    number: Mapped[str] = mapped_column(primary_key=True)  # that of the refund it becomes
    order_id: Mapped[str] = mapped_column(ForeignKey("redemptions.id"))
    refund_amount_fen: Mapped[int] = mapped_column(BigInteger)  # goods
    reason: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(ChinaTime)
    state: Mapped[str] = mapped_column(default="proposed")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("refund_amount_fen > 0", name="amount_positive"),
        CheckConstraint("state IN ('proposed', 'made', 'withdrawn')", name="state_known"),
        CheckConstraint(
            "(state = 'proposed') = (decided_by IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint("state <> 'made' OR decided_by <> proposed_by", name="two_people"),
    )


class Payback(Model):
    """A customer's part of a refund or of a reversal on its way back, by who collected it.

    What is owed never changes; `status` does, always from an expected one.
    """

    __tablename__ = "paybacks"
    id: Mapped[str] = mapped_column(primary_key=True)  # its number at the provider
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]
    provider: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    requested_at: Mapped[datetime] = mapped_column(ChinaTime)
    status: Mapped[str]
    reference: Mapped[str | None]  # the provider's own number
    accepted_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # the provider had it by then
    ended_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    tries: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # None: nobody to ask
    leased_until: Mapped[datetime | None] = mapped_column(ChinaTime)
    hand_by: Mapped[str | None]  # who paid it by hand, with what proof
    hand_proof: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("kind IN ('refund', 'reversal')", name="kind_known"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint(
            "status IN ('due', 'processing', 'unknown', 'done', 'failed', 'by_hand')",
            name="status_known",
        ),
        CheckConstraint(
            "next_try_at IS NULL OR status IN ('due', 'processing', 'unknown')",
            name="asked_while_open",
        ),
        CheckConstraint(
            "(status IN ('done', 'by_hand')) = (ended_at IS NOT NULL)", name="ended_when_paid"
        ),
        CheckConstraint(
            "(status = 'by_hand') = (hand_by IS NOT NULL)"
            " AND (hand_by IS NULL) = (hand_proof IS NULL)",
            name="by_hand_with_proof",
        ),
        Index("ix_paybacks_order_id", "order_id"),
        Index(
            "ix_paybacks_next_try_at",
            "next_try_at",
            sqlite_where=TO_PAY_BACK,
            postgresql_where=TO_PAY_BACK,
        ),
    )
