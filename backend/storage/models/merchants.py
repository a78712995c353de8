"""Merchants, their clerks and placards, and the published list."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.models.programmes import Domain
from backend.storage.sql import ChinaTime

ACTIVE = text("state = 'active'")
OWNS = text("state = 'active' AND role = 'owner'")


class Merchant(Model):
    """A shop in the programme, wherever it stands in the approval chain (商户)."""

    __tablename__ = "merchants"
    id: Mapped[str] = mapped_column(primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"))
    name: Mapped[str]
    domain_id: Mapped[str] = mapped_column(ForeignKey("domains.id"))
    area: Mapped[str | None]
    uscc: Mapped[str | None] = mapped_column(unique=True)  # 统一社会信用代码
    merchant_number: Mapped[str | None] = mapped_column(unique=True)  # the acquirer's, 15 digits
    status: Mapped[str]
    # Who collects what is left to pay: 'at_till', or a provider of domain/payments.py.
    payment_provider: Mapped[str] = mapped_column(server_default="at_till")
    legal_name: Mapped[str | None]  # as the business licence says
    licence_number: Mapped[str | None]
    address: Mapped[str | None]
    contact: Mapped[str | None]
    phone_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_last4: Mapped[str | None]
    applied_for: Mapped[str | None]
    # What each office has said; the rest of a merchant's standing is its status.
    superior_bank_confirmed: Mapped[bool] = mapped_column(default=False, server_default=false())
    bureau_confirmed: Mapped[bool] = mapped_column(default=False, server_default=false())
    tax_screening: Mapped[str] = mapped_column(default="open", server_default="open")
    market_regulator_screening: Mapped[str] = mapped_column(default="open", server_default="open")
    disqualification_proposed: Mapped[bool] = mapped_column(default=False, server_default=false())
    domain: Mapped[Domain] = relationship(lazy="joined")
    __table_args__ = (
        CheckConstraint(
            "status IN ('pledged', 'applied', 'reported', 'vetoed', 'listed', 'sent', 'passed',"
            " 'published', 'suspended', 'disqualified')",
            name="status_known",
        ),
        CheckConstraint("applied_for IN ('pos', 'placard')", name="applied_for_known"),
        CheckConstraint(
            "tax_screening IN ('open', 'passed', 'vetoed')"
            " AND market_regulator_screening IN ('open', 'passed', 'vetoed')",
            name="screenings_known",
        ),
        # No merchant is listed, sent, passed, published or suspended before all have said yes.
        CheckConstraint(
            "status IN ('pledged', 'applied', 'reported', 'vetoed', 'disqualified')"
            " OR (superior_bank_confirmed AND bureau_confirmed AND tax_screening = 'passed'"
            " AND market_regulator_screening = 'passed')",
            name="listed_when_all_agree",
        ),
        Index("uq_merchants_licence_number", "licence_number", unique=True),
    )


class MerchantListVersion(Model):
    """One publication of the merchant list; never changed afterwards (公布)."""

    __tablename__ = "merchant_list_versions"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"))
    published_at: Mapped[datetime] = mapped_column(ChinaTime)
    published_by: Mapped[str]
    digest: Mapped[str]  # SHA-256 over the entries, so that a copy can be compared
    entries: Mapped[list["MerchantListEntry"]] = relationship(
        order_by="MerchantListEntry.merchant_id"
    )


class MerchantListEntry(Model):
    """A merchant as one version names it."""

    __tablename__ = "merchant_list_entries"
    version: Mapped[int] = mapped_column(
        ForeignKey("merchant_list_versions.number"), primary_key=True
    )
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    name: Mapped[str]
    domain_id: Mapped[str] = mapped_column(ForeignKey("domains.id"))
    area: Mapped[str | None]


class Placard(Model):
    """A printed code of a merchant (码牌). Its text is signed; this row says if it still counts."""

    __tablename__ = "placards"
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(default="active")
    issued_at: Mapped[datetime] = mapped_column(ChinaTime)
    revoked_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    reason: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("state IN ('active', 'revoked')", name="state_known"),
        CheckConstraint("serial BETWEEN 1 AND 9999", name="serial_in_range"),
    )


class Clerk(Model):
    """A person who redeems for one shop (收银员). Signs in with a WeChat user of his own.

    One of them is its owner (店主): sees all that the shop redeemed, adds and removes the others.
    """

    __tablename__ = "clerks"
    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str]
    phone_hash: Mapped[str]
    phone_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    phone_last4: Mapped[str]
    wechat_user_id: Mapped[int | None] = mapped_column(ForeignKey("wechat_users.id"))
    state: Mapped[str] = mapped_column(default="active")
    role: Mapped[str] = mapped_column(server_default="clerk")
    merchant: Mapped[Merchant] = relationship(lazy="joined")
    __table_args__ = (
        CheckConstraint("state IN ('active', 'removed')", name="state_known"),
        CheckConstraint("role IN ('owner', 'clerk')", name="role_known"),
        Index(
            "uq_clerks_owner_active",
            "merchant_id",
            unique=True,
            sqlite_where=OWNS,
            postgresql_where=OWNS,
        ),
        # One shop per clerk: the same phone or WeChat user works at one shop at a time.
        Index(
            "uq_clerks_phone_active",
            "phone_hash",
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        ),
        Index(
            "uq_clerks_wechat_user_active",
            "wechat_user_id",
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        ),
    )
