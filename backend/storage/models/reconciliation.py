"""Outside parties' files of a day, their lines, what matched, and the work list of what did not."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.domain.reconciliation import FileKind
from backend.extensions import Model
from backend.storage.sql import ChinaTime

IN_FORCE = text("superseded_at IS NULL")
WAITING = text("state IN ('open', 'explained')")
KINDS = "kind IN ('wechat_bill', 'unionpay_zm', 'bank_detail')"
TYPES = "record_type IN ('payment', 'refund', 'reversal')"


class OutsideFile(Model):
    """An outside party's own record of a day (对账文件), as it was taken; a later one may stand in
    its place and never in its stead: the old one stays, marked."""

    __tablename__ = "outside_files"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[FileKind] = mapped_column(String)
    party: Mapped[str]  # whose it is: a bank's code, or our merchant number at a provider
    day: Mapped[date] = mapped_column(Date)
    name: Mapped[str]
    digest: Mapped[str]  # SHA-256 of its bytes, under which they are kept
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    line_count: Mapped[int]
    sum_fen: Mapped[int] = mapped_column(BigInteger)  # of its amounts, what went back negative
    late: Mapped[bool]
    taken_at: Mapped[datetime] = mapped_column(ChinaTime)
    taken_by: Mapped[str]
    # Our times that agree with its day: with the neighbouring days, since we hear of a payment
    # after it was made.
    ours_from: Mapped[datetime] = mapped_column(ChinaTime)
    ours_until: Mapped[datetime] = mapped_column(ChinaTime)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("outside_files.id"), unique=True)
    reason: Mapped[str | None]  # why it replaces the former
    superseded_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    matched_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # when it was last compared
    __table_args__ = (
        CheckConstraint(KINDS, name="kind_known"),
        CheckConstraint("line_count >= 0 AND size_bytes >= 0", name="counts_sign"),
        CheckConstraint("(replaces_id IS NULL) = (reason IS NULL)", name="replaced_with_reason"),
        # One file of a day is in force; bytes that were superseded may come in force again.
        Index(
            "uq_outside_files_in_force",
            "kind",
            "party",
            "day",
            unique=True,
            sqlite_where=IN_FORCE,
            postgresql_where=IN_FORCE,
        ),
    )


class OutsideLine(Model):
    """One line of a file as it was read; never changed. Amounts in fen, the type is the sign."""

    __tablename__ = "outside_lines"
    file_id: Mapped[int] = mapped_column(ForeignKey("outside_files.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    record_type: Mapped[str]
    our_number: Mapped[str]  # the order's, for a refund the refund's
    outside_number: Mapped[str | None]
    merchant_number: Mapped[str | None]
    campaign_id: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(ChinaTime)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    discount_fen: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint(TYPES, name="type_known"),
        CheckConstraint("amount_fen >= 0 AND discount_fen >= 0", name="amount_signs"),
        UniqueConstraint("file_id", "record_type", "our_number"),
        Index("ix_outside_lines_our_number", "our_number"),
    )


class ReconciliationSum(Model):
    """How many of a file's records had one result at its last comparison, and their amounts.

    Sums are in fen, what went back negative; `only_ours` counts what the file lacks.
    """

    __tablename__ = "reconciliation_sums"
    file_id: Mapped[int] = mapped_column(ForeignKey("outside_files.id"), primary_key=True)
    result: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    our_fen: Mapped[int] = mapped_column(BigInteger)
    their_fen: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("count > 0", name="count_positive"),)


class ReconciliationItem(Model):
    """One difference that somebody must explain (差异). One row for each record of a party."""

    __tablename__ = "reconciliation_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    party: Mapped[str]
    record_type: Mapped[str]
    our_number: Mapped[str]
    file_id: Mapped[int] = mapped_column(ForeignKey("outside_files.id"))  # that showed it last
    line: Mapped[int | None]
    day: Mapped[date] = mapped_column(Date)
    result: Mapped[str]
    differs: Mapped[str]  # 'amount day': what does not agree, apart by spaces
    our_fen: Mapped[int | None] = mapped_column(BigInteger)
    their_fen: Mapped[int | None] = mapped_column(BigInteger)
    our_discount_fen: Mapped[int | None] = mapped_column(BigInteger)
    their_discount_fen: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="open")
    reason: Mapped[str | None]
    explained_by: Mapped[str | None]
    resolved_by: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("kind", "party", "record_type", "our_number"),
        CheckConstraint(KINDS, name="kind_known"),
        CheckConstraint(TYPES, name="type_known"),
        CheckConstraint(
            "result IN ('only_ours', 'only_theirs', 'amount_differs', 'detail_differs')",
            name="result_known",
        ),
        CheckConstraint("state IN ('open', 'explained', 'resolved', 'closed')", name="state_known"),
        CheckConstraint(
            "state NOT IN ('explained', 'resolved')"
            " OR (explained_by IS NOT NULL AND reason IS NOT NULL)",
            name="explained_with_reason",
        ),
        # Money is never settled by one person alone.
        CheckConstraint(
            "state <> 'resolved' OR result = 'detail_differs'"
            " OR (resolved_by IS NOT NULL AND resolved_by <> explained_by)",
            name="two_people_for_money",
        ),
        Index(
            "ix_reconciliation_items_waiting",
            "kind",
            "party",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )


class ReconciliationEvent(Model):
    """What became of a difference, step by step. Only ever added."""

    __tablename__ = "reconciliation_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("reconciliation_items.id"), index=True)
    at: Mapped[datetime] = mapped_column(ChinaTime)
    actor: Mapped[str]
    state: Mapped[str]
    note: Mapped[str]
