"""What providers told us of payments (notices), and money that went astray (cases)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

LEFT_OVER = text("applied_at IS NULL")
TO_REFUND = text("refund_status IN ('due', 'processing', 'unknown')")


class PaymentNotice(Model):
    """One verified notification of a provider, kept before it is answered, applied once.

    It says what the provider said, without the payer. What it says never changes.
    """

    __tablename__ = "payment_notices"
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    event_id: Mapped[str]  # the same for its repetitions
    order_id: Mapped[str]  # as told; the order may be none of ours
    status: Mapped[str | None]  # of the payment
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    reference: Mapped[str | None]
    refund_id: Mapped[str | None]
    refund_status: Mapped[str | None]
    refund_amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    received_at: Mapped[datetime] = mapped_column(ChinaTime)
    tries: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime] = mapped_column(ChinaTime)
    applied_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    outcome: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        CheckConstraint(
            "(status IS NOT NULL) <> (refund_id IS NOT NULL)", name="of_payment_or_refund"
        ),
        CheckConstraint(
            "(refund_id IS NULL) = (refund_status IS NULL)", name="refund_has_a_status"
        ),
        CheckConstraint("(applied_at IS NULL) = (outcome IS NULL)", name="applied_with_outcome"),
        Index("ix_payment_notices_order_id", "order_id"),
        Index(
            "ix_payment_notices_next_try_at",
            "next_try_at",
            sqlite_where=LEFT_OVER,
            postgresql_where=LEFT_OVER,
        ),
    )


class PaymentCase(Model):
    """Money that a provider collected and no redemption stands for; it goes back, staff look."""

    __tablename__ = "payment_cases"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]
    provider: Mapped[str]
    expected_fen: Mapped[int] = mapped_column(BigInteger)
    collected_fen: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[datetime] = mapped_column(ChinaTime)
    state: Mapped[str] = mapped_column(default="open")
    closed_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    closed_by: Mapped[str | None]
    close_reason: Mapped[str | None]
    refund_id: Mapped[str] = mapped_column(unique=True)  # our number of the refund, or the other's
    refund_status: Mapped[str]
    refund_fen: Mapped[int] = mapped_column(BigInteger)
    refund_reference: Mapped[str | None]
    refund_tries: Mapped[int] = mapped_column(server_default="0")
    next_refund_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    leased_until: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint(
            "kind IN ('wrong_amount', 'paid_after_release', 'merchant_disqualified',"
            " 'foreign_refund', 'payback_unfinished')",
            name="kind_known",
        ),
        CheckConstraint("state IN ('open', 'closed')", name="state_known"),
        CheckConstraint(
            "refund_status IN ('none', 'due', 'processing', 'unknown', 'done', 'failed')",
            name="refund_status_known",
        ),
        CheckConstraint(
            "expected_fen >= 0 AND collected_fen >= 0 AND refund_fen >= 0", name="amount_signs"
        ),
        CheckConstraint("refund_fen <= collected_fen", name="never_above_collected"),
        CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)"
            " AND (closed_at IS NULL) = (closed_by IS NULL)"
            " AND (closed_at IS NULL) = (close_reason IS NULL)",
            name="closed_by_somebody",
        ),
        CheckConstraint(
            "state = 'open' OR refund_status IN ('none', 'done', 'failed')",
            name="closed_when_settled",
        ),
        Index("ix_payment_cases_order_id", "order_id"),
        Index(
            "ix_payment_cases_next_refund_at",
            "next_refund_at",
            sqlite_where=TO_REFUND,
            postgresql_where=TO_REFUND,
        ),
    )
