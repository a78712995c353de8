"""A merchant's way into the programme: pledge, history, terminals, the partner's lists, checks."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class PledgeText(Model):
    """A version of the pledge that merchants sign (承诺书); never changed."""

    __tablename__ = "pledge_texts"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    digest: Mapped[str]  # SHA-256 of the text in UTF-8, 64 hex digits
    issued_by: Mapped[str]
    issued_at: Mapped[datetime] = mapped_column(ChinaTime)


class Pledge(Model):
    """A merchant's signature under a version of the pledge, one each; never changed."""

    __tablename__ = "pledges"
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    text_version: Mapped[int] = mapped_column(
        ForeignKey("pledge_texts.version"), primary_key=True, autoincrement=False
    )
    signed_by: Mapped[str]
    signed_on: Mapped[date] = mapped_column(Date)
    scan_digest: Mapped[str | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(ChinaTime)


class MerchantTerminal(Model):
    """A bank's terminal at a merchant: eight characters, at one merchant alone."""

    __tablename__ = "merchant_terminals"
    number: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), index=True)
    __table_args__ = (CheckConstraint("length(number) = 8", name="eight_characters"),)


class MerchantReport(Model):
    """A bank's file of qualified merchants (提报), known by its bytes; never changed."""

    __tablename__ = "merchant_reports"
    digest: Mapped[str] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    merchant_ids: Mapped[str]  # apart by spaces, in the file's order
    reported_by: Mapped[str]
    reported_at: Mapped[datetime] = mapped_column(ChinaTime)


class PartnerList(Model):
    """A list of merchants sent to the partner, who answers it as a whole; never changed."""

    __tablename__ = "partner_lists"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    sent_by: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(ChinaTime)


class MerchantStep(Model):
    """One step of a merchant's history: who, for which office, and what came of it; never changed.

    The position is counted from 1 for each merchant, so two steps never share a place.
    """

    __tablename__ = "merchant_steps"
    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    position: Mapped[int]
    step: Mapped[str]
    outcome: Mapped[str]  # the merchant's status after it
    actor: Mapped[str]
    office: Mapped[str | None]  # None: came with the programme
    reason: Mapped[str | None]
    evidence_digest: Mapped[str | None]
    partner_list: Mapped[int | None] = mapped_column(ForeignKey("partner_lists.number"))
    list_version: Mapped[int | None] = mapped_column(ForeignKey("merchant_list_versions.number"))
    at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        UniqueConstraint("merchant_id", "position"),
        CheckConstraint("(step = 'imported') = (office IS NULL)", name="office_named"),
        CheckConstraint(
            "reason IS NOT NULL OR step NOT IN ('tax_vetoed', 'tax_lifted',"
            " 'market_regulator_vetoed', 'market_regulator_lifted', 'partner_returned',"
            " 'suspended', 'resumed', 'disqualification_proposed', 'disqualification_withdrawn',"
            " 'disqualified')",
            name="reason_given",
        ),
    )


class PlacementCheck(Model):
    """Staff looked whether a shop shows its material (张贴检查); never changed."""

    __tablename__ = "placement_checks"
    id: Mapped[str] = mapped_column(primary_key=True)  # the caller's, so that twice is once
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), index=True)
    material: Mapped[str]
    found: Mapped[bool]
    place: Mapped[str]
    photo_digest: Mapped[str | None]
    seen_at: Mapped[datetime] = mapped_column(ChinaTime)
    checked_by: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint(
            "material IN ('placard', 'poster', 'roll_up', 'screen')", name="material_known"
        ),
        CheckConstraint("seen_at <= recorded_at", name="seen_before_recorded"),
    )


class PlacementClearing(Model):
    """A check's photo was removed in time; never changed. The check itself stays."""

    __tablename__ = "placement_clearings"
    check_id: Mapped[str] = mapped_column(ForeignKey("placement_checks.id"), primary_key=True)
    cleared_at: Mapped[datetime] = mapped_column(ChinaTime)
