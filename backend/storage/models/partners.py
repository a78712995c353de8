"""Partners: their keys and addresses, the calls they made, the merchants they propose."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

QUALIFIED = text("state = 'bank_qualified'")


class Partner(Model):
    """A bank that calls us (合作机构)."""

    __tablename__ = "partners"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(ChinaTime)


class PartnerKey(Model):
    """A secret shared with a partner (密钥). Made by one person, put into force by another."""

    __tablename__ = "partner_keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"))
    secret_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(default="proposed")
    slot: Mapped[int | None]  # 1 or 2 while active: a partner never has a third
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(ChinaTime)
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    retired_by: Mapped[str | None]
    retired_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    last_call_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # to a minute
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'active', 'retired')", name="state_known"),
        CheckConstraint("(state = 'active') = (slot IS NOT NULL)", name="active_has_slot"),
        CheckConstraint("slot BETWEEN 1 AND 2", name="slot_in_range"),
        CheckConstraint("state <> 'active' OR confirmed_by IS NOT NULL", name="confirmed"),
        CheckConstraint("confirmed_by <> proposed_by", name="two_people"),
        UniqueConstraint("partner_id", "slot"),
    )


class PartnerAddress(Model):
    """A network that a partner may call from."""

    __tablename__ = "partner_addresses"
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"), primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(ChinaTime)


class PartnerNonce(Model):
    """A nonce that a call has used. In SQL, so that a loss of Valkey opens nothing."""

    __tablename__ = "partner_nonces"
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"), primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(ChinaTime, index=True)


class PartnerRequest(Model):
    """What a partner asked under a number of its own, and what it was answered, for good."""

    __tablename__ = "partner_requests"
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"), primary_key=True)
    request_number: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    digest: Mapped[str]  # keyed, of the body: it may hold a phone number
    state: Mapped[str] = mapped_column(default="running")
    holder: Mapped[str]  # who carries it out; another may after `leased_until`
    leased_until: Mapped[datetime] = mapped_column(ChinaTime)
    begun_at: Mapped[datetime] = mapped_column(ChinaTime)
    answer: Mapped[str | None]  # JSON, as it was and will be answered
    done_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done')", name="state_known"),
        CheckConstraint(
            "(state = 'done') = (answer IS NOT NULL) AND (state = 'done') = (done_at IS NOT NULL)",
            name="done_has_answer",
        ),
    )


class PartnerFileRefusal(Model):
    """A detail file of a partner that was refused, once for the same bytes. Never changed."""

    __tablename__ = "partner_file_refusals"
    id: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"))
    name: Mapped[str]
    digest: Mapped[str]  # SHA-256 of its bytes, which are not kept
    code: Mapped[str]
    faults: Mapped[list[Any]] = mapped_column(JSON)  # the first of them: line, where, reason
    refused_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (UniqueConstraint("partner_id", "name", "digest", "code"),)


class MerchantProposal(Model):
    """A line of a partner's list of merchants that it has found qualified (提报); never changed."""

    __tablename__ = "merchant_proposals"
    id: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"))
    request_number: Mapped[str]
    line: Mapped[int]
    name: Mapped[str]
    uscc: Mapped[str]
    merchant_number: Mapped[str]
    terminal_numbers: Mapped[str]  # of eight characters each, apart by spaces
    domain_id: Mapped[str]
    area: Mapped[str | None]
    state: Mapped[str]
    faults: Mapped[str]  # codes, apart by spaces; empty for a line that was taken
    proposed_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        UniqueConstraint("partner_id", "request_number", "line"),
        CheckConstraint("state IN ('bank_qualified', 'refused')", name="state_known"),
        CheckConstraint("(state = 'refused') = (faults <> '')", name="refused_with_faults"),
        Index(
            "uq_merchant_proposals_uscc",
            "uscc",
            unique=True,
            sqlite_where=QUALIFIED,
            postgresql_where=QUALIFIED,
        ),
        Index(
            "uq_merchant_proposals_merchant_number",
            "merchant_number",
            unique=True,
            sqlite_where=QUALIFIED,
            postgresql_where=QUALIFIED,
        ),
    )
