"""What the machinery says of itself: each job's last run, and what the daily checks found."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class JobRun(Model):
    """A job's last run that was written down; each job has one row, and a later run takes it."""

    __tablename__ = "job_runs"
    job: Mapped[str] = mapped_column(primary_key=True)  # 'vouchers.expire_due'
    started_at: Mapped[datetime] = mapped_column(ChinaTime)
    length_ms: Mapped[int]
    handled: Mapped[int | None]  # as the job counts; None: it failed, or does not count
    error: Mapped[str | None]  # the exception's class
    failures: Mapped[int]  # in a row
    succeeded_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("length_ms >= 0 AND failures >= 0", name="counts_sign"),
        CheckConstraint("(error IS NULL) = (failures = 0)", name="failed_with_an_error"),
    )


class CheckRun(Model):
    """One proof of the ledger or of the audit log, and what it found. Only ever added."""

    __tablename__ = "check_runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column(ChinaTime)
    looked_at: Mapped[int]  # transfers, or seals
    faults: Mapped[int]
    first_fault: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("kind IN ('ledger', 'audit')", name="kind_known"),
        CheckConstraint("looked_at >= 0 AND faults >= 0", name="counts_sign"),
        CheckConstraint("(faults = 0) = (first_fault IS NULL)", name="a_fault_is_named"),
        Index("ix_check_runs_kind_at", "kind", "at"),
    )
