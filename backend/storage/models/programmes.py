"""What the city has decided to spend: programmes, funds, quarters, domains."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class Programme(Model):
    """A city's programme of a year (plan, part two, four)."""

    __tablename__ = "programmes"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    lead_office: Mapped[str]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    file_digest: Mapped[str]  # of the file it was loaded from: loading that again changes nothing
    loaded_at: Mapped[datetime] = mapped_column(ChinaTime)
    hotline: Mapped[str] = mapped_column(server_default="12345")
    complaint_answer_days: Mapped[int] = mapped_column(server_default="5")  # working days
    __table_args__ = (
        CheckConstraint("total_fen > 0", name="total_positive"),
        CheckConstraint("complaint_answer_days > 0", name="complaint_answer_days_positive"),
    )


class Fund(Model):
    """Money of one source and purpose (专项资金)."""

    __tablename__ = "funds"
    id: Mapped[str] = mapped_column(primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"))
    name: Mapped[str]
    lead_office: Mapped[str | None]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    # The schema's own guard of the ceilings: what the quarters have, and what campaigns and
    # imports without a quarter have taken. Claims and redemptions never touch this row.
    in_quarters_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    year_committed_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    quarters: Mapped[list["FundQuarter"]] = relationship(order_by="FundQuarter.quarter")
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("in_quarters_fen >= 0", name="in_quarters_sign"),
        CheckConstraint(
            "year_committed_fen >= 0 AND in_quarters_fen + year_committed_fen <= amount_fen",
            name="never_over_its_amount",
        ),
    )


class FundQuarter(Model):
    """What a fund may spend in a quarter, and what it must (plan: 一季度发放不低于20万元)."""

    __tablename__ = "fund_quarters"
    fund_id: Mapped[str] = mapped_column(ForeignKey("funds.id"), primary_key=True)
    quarter: Mapped[str] = mapped_column(primary_key=True)
    ceiling_fen: Mapped[int] = mapped_column(BigInteger)
    floor_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    committed_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    __table_args__ = (
        CheckConstraint("quarter IN ('Q1', 'Q2', 'Q3', 'Q4')", name="quarter_known"),
        CheckConstraint("ceiling_fen > 0", name="ceiling_positive"),
        CheckConstraint("floor_fen >= 0 AND floor_fen <= ceiling_fen", name="floor_in_ceiling"),
        CheckConstraint(
            "committed_fen >= 0 AND committed_fen <= ceiling_fen", name="never_over_its_ceiling"
        ),
    )


class Domain(Model):
    """A trade in which vouchers are spent (发放领域)."""

    __tablename__ = "domains"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
