"""Vouchers (消费券) in residents' hands."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

UNUSED = text("status = 'unused'")
IN_A_RANGE = text("claim_range IS NOT NULL")
WAITING = text("status = 'expired' AND recycled_batch IS NULL")  # to be recycled, perhaps


class Voucher(Model):
    """One claimed unit of a tier. Terms are copied at the claim and never change."""

    __tablename__ = "vouchers"
    # tier_id × 10^9 + serial: the claim script's serial alone decides it, so the same claim
    # written twice meets its first row (domain/vouchers.py).
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    tier_id: Mapped[int] = mapped_column(ForeignKey("tiers.id"))
    threshold_fen: Mapped[int] = mapped_column(BigInteger)
    face_value_fen: Mapped[int] = mapped_column(BigInteger)
    claimed_at: Mapped[datetime] = mapped_column(ChinaTime)
    valid_from: Mapped[datetime] = mapped_column(ChinaTime)
    valid_until: Mapped[datetime] = mapped_column(ChinaTime)  # exclusive
    status: Mapped[str] = mapped_column(default="unused")
    order_id: Mapped[str | None]  # the order that holds or used it
    restored_count: Mapped[int] = mapped_column(server_default="0")  # uses that were undone
    recycled_batch: Mapped[int | None]  # the batch by which its unit went back, once (recyclings)
    marks: Mapped[int] = mapped_column(server_default="0")  # bits of domain/claim_marks.py
    # Keyed hash of the claim's /24 or /64, of the first seconds alone, erased after a day.
    claim_range: Mapped[int | None] = mapped_column(BigInteger)
    # Checked at the commit: the transfer's amount is known only after its vouchers are in.
    claim_transfer_id: Mapped[str] = mapped_column(
        ForeignKey("transfers.id", deferrable=True, initially="DEFERRED")
    )
    __table_args__ = (
        CheckConstraint(
            "status IN ('unused', 'locked', 'used', 'expired', 'returned')", name="status_known"
        ),
        CheckConstraint("restored_count >= 0", name="restored_count_sign"),
        CheckConstraint("valid_from < valid_until", name="validity_ordered"),
        CheckConstraint("face_value_fen > 0", name="face_positive"),
        CheckConstraint(
            "(status IN ('locked', 'used')) = (order_id IS NOT NULL)", name="held_by_an_order"
        ),
        Index(
            "ix_vouchers_expired_tier_id",
            "tier_id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
        Index(
            "ix_vouchers_claim_range",
            "campaign_id",
            "claim_range",
            sqlite_where=IN_A_RANGE,
            postgresql_where=IN_A_RANGE,
        ),
        Index(
            "ix_vouchers_unused_valid_until",
            "valid_until",
            sqlite_where=UNUSED,
            postgresql_where=UNUSED,
        ),
    )


class PendingReturn(Model):
    """A unit that SQL has as returned and Valkey has still to give back; removed when it has."""

    __tablename__ = "pending_returns"
    voucher_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("vouchers.id"), primary_key=True, autoincrement=False
    )
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    tier_id: Mapped[int] = mapped_column(ForeignKey("tiers.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    claimed_at: Mapped[datetime] = mapped_column(ChinaTime)
