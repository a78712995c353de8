"""Orders (a payment being made), payments (how the rest is paid) and redemptions (核销)."""

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.models.merchants import Clerk, Merchant
from backend.storage.sql import ChinaTime

LOCKED = text("status = 'locked'")
ASKED = text("next_query_at IS NOT NULL")
REFUNDED = text("refunded_fen > 0")
HOLDS_VOUCHER = text("status IN ('locked', 'redeemed')")


class Order(Model):
    """One purchase on which a voucher is held, then used or released. Amounts never change."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    requested_by: Mapped[str]  # 'resident:7' or 'clerk:3': whose request number it is
    request_id: Mapped[str]  # made by the phone or till, so a retry finds its first order
    request_digest: Mapped[str]
    entry: Mapped[str]  # how the two met: 'placard' scanned, 'payment_code' shown, …
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerks.id"))
    amount_code: Mapped[int | None] = mapped_column(ForeignKey("amount_codes.number"))
    voucher_id: Mapped[int] = mapped_column(ForeignKey("vouchers.id"))
    # Its voucher's: a trigger writes it, so that staff's lists need not look at vouchers (0036).
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))
    list_amount_fen: Mapped[int] = mapped_column(BigInteger)
    merchant_discount_fen: Mapped[int] = mapped_column(BigInteger)
    bank_discount_fen: Mapped[int] = mapped_column(BigInteger)
    order_amount_fen: Mapped[int] = mapped_column(BigInteger)
    discount_fen: Mapped[int] = mapped_column(BigInteger)
    payable_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(default="locked")
    release_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(ChinaTime)
    lock_expires_at: Mapped[datetime] = mapped_column(ChinaTime)
    closed_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    # What its refunds come to; only these columns and the end of the order ever change.
    refund_count: Mapped[int] = mapped_column(server_default="0")
    refunded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")  # goods
    customer_refunded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    merchant: Mapped[Merchant] = relationship(lazy="joined")
    payment: Mapped["Payment"] = relationship(lazy="joined", back_populates="order")
    __table_args__ = (
        UniqueConstraint("requested_by", "request_id"),
        CheckConstraint(
            "entry IN ('placard', 'payment_code', 'amount_code', 'bank_till')", name="entry_known"
        ),
        CheckConstraint(
            "(entry = 'amount_code') = (amount_code IS NOT NULL)", name="entry_by_amount_code"
        ),
        CheckConstraint(
            "status IN ('locked', 'redeemed', 'released', 'reversed', 'refunded')",
            name="status_known",
        ),
        CheckConstraint(
            "discount_fen > 0 AND payable_fen >= 0 AND merchant_discount_fen >= 0"
            " AND bank_discount_fen >= 0",
            name="amount_signs",
        ),
        CheckConstraint("order_amount_fen = discount_fen + payable_fen", name="split_exact"),
        CheckConstraint(
            "list_amount_fen = order_amount_fen + merchant_discount_fen + bank_discount_fen",
            name="list_exact",
        ),
        CheckConstraint("refund_count BETWEEN 0 AND 50", name="refund_count_range"),
        CheckConstraint(
            "customer_refunded_fen BETWEEN 0 AND payable_fen"
            " AND refunded_fen - customer_refunded_fen BETWEEN 0 AND discount_fen",
            name="never_above_paid",
        ),
        CheckConstraint(
            "refunded_fen = 0 OR status IN ('redeemed', 'refunded')", name="refunded_once_redeemed"
        ),
        CheckConstraint(
            "(status = 'refunded') = (refunded_fen = order_amount_fen)", name="refunded_whole"
        ),
        # One amount code, one order, under any race.
        Index("uq_orders_amount_code", "amount_code", unique=True),
        # One voucher, at most one order that holds or used it, under any race.
        Index(
            "uq_orders_voucher_held",
            "voucher_id",
            unique=True,
            sqlite_where=HOLDS_VOUCHER,
            postgresql_where=HOLDS_VOUCHER,
        ),
        Index(
            "ix_orders_locked_expiry",
            "lock_expires_at",
            sqlite_where=LOCKED,
            postgresql_where=LOCKED,
        ),
        Index("ix_orders_merchant_status", "merchant_id", "status"),
        Index("ix_orders_resident_created", "resident_id", "created_at"),
        Index("ix_orders_created", "created_at", "id"),
        Index("ix_orders_status_created", "status", "created_at", "id"),
        Index("ix_orders_merchant_created", "merchant_id", "created_at", "id"),
        Index("ix_orders_campaign_created", "campaign_id", "created_at", "id"),
        Index("ix_orders_amount_created", "order_amount_fen", "created_at", "id"),
        Index(
            "ix_orders_refunded_created",
            "created_at",
            "id",
            sqlite_where=REFUNDED,
            postgresql_where=REFUNDED,
        ),
    )


class Payment(Model):
    """How the payable part of an order is collected, and by which provider."""

    __tablename__ = "payments"
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    provider: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str | None]  # the provider's own number, or who confirmed
    updated_at: Mapped[datetime] = mapped_column(ChinaTime)
    collected_fen: Mapped[int | None] = mapped_column(BigInteger)  # as the provider says
    charged_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # first asked to collect
    scanned: Mapped[bool] = mapped_column(server_default=false())  # the till read a wallet's code
    client: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))  # for a phone
    code_url: Mapped[str | None]  # what the payer scans
    attempts: Mapped[int] = mapped_column(server_default="0")  # questions to the provider so far
    next_query_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # None: nobody to ask
    leased_until: Mapped[datetime | None] = mapped_column(ChinaTime)  # somebody asks just now
    order: Mapped[Order] = relationship(back_populates="payment")
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'unknown', 'paid', 'closed', 'failed')", name="status_known"
        ),
        CheckConstraint("amount_fen >= 0", name="amount_sign"),
        CheckConstraint("collected_fen >= 0", name="collected_sign"),
        CheckConstraint(
            "next_query_at IS NULL OR status IN ('pending', 'unknown')", name="asked_while_open"
        ),
        Index(
            "ix_payments_next_query_at",
            "next_query_at",
            sqlite_where=ASKED,
            postgresql_where=ASKED,
        ),
        Index("ix_payments_provider", "provider"),
    )


class Redemption(Model):
    """One voucher used on one order; the line that settlement will pay. Never changed."""

    __tablename__ = "redemptions"
    id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)  # the order's id
    voucher_id: Mapped[int] = mapped_column(ForeignKey("vouchers.id"))
    use_number: Mapped[int] = mapped_column(server_default="1")  # the voucher's uses, from 1
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerks.id"))  # None: paid by phone
    order_amount_fen: Mapped[int] = mapped_column(BigInteger)
    discount_fen: Mapped[int] = mapped_column(BigInteger)
    payable_fen: Mapped[int] = mapped_column(BigInteger)
    redeemed_at: Mapped[datetime] = mapped_column(ChinaTime)
    business_day: Mapped[date] = mapped_column(Date)
    transfer_id: Mapped[str] = mapped_column(ForeignKey("transfers.id"), unique=True)
    clerk: Mapped[Clerk | None] = relationship(lazy="joined")
    __table_args__ = (
        # A voucher that was given back whole may be used again, and each use is one row.
        UniqueConstraint("voucher_id", "use_number"),
        CheckConstraint("use_number >= 1", name="use_number_positive"),
        CheckConstraint("discount_fen > 0 AND payable_fen >= 0", name="amount_signs"),
        CheckConstraint("order_amount_fen = discount_fen + payable_fen", name="split_exact"),
        Index("ix_redemptions_merchant_day", "merchant_id", "business_day", "redeemed_at"),
        Index("ix_redemptions_resident_merchant_day", "resident_id", "merchant_id", "business_day"),
        Index("ix_redemptions_at", "redeemed_at", "id"),
        Index("ix_redemptions_campaign_at", "campaign_id", "redeemed_at", "id"),
        Index("ix_redemptions_merchant_at", "merchant_id", "redeemed_at", "id"),
        Index("ix_redemptions_amount_at", "order_amount_fen", "redeemed_at", "id"),
    )


class Reversal(Model):
    """A redemption undone on its day (冲正): nothing is owed for it. Never changed."""

    __tablename__ = "reversals"
    id: Mapped[str] = mapped_column(ForeignKey("redemptions.id"), primary_key=True)  # the order's
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    discount_fen: Mapped[int] = mapped_column(BigInteger)
    reversed_at: Mapped[datetime] = mapped_column(ChinaTime)
    business_day: Mapped[date] = mapped_column(Date)
    reason: Mapped[str]
    made_by: Mapped[str | None]  # None: undone before it was kept
    transfer_id: Mapped[str] = mapped_column(ForeignKey("transfers.id"), unique=True)
    __table_args__ = (CheckConstraint("discount_fen > 0", name="discount_positive"),)
