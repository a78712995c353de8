"""Tables that staff take away as Excel files (导出)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

OPEN = text("state IN ('queued', 'running')")


class Export(Model):
    """One large table, written by a job; `state` always changes from an expected one."""

    __tablename__ = "exports"
    id: Mapped[str] = mapped_column(primary_key=True)  # 32 hex digits, also the file's name
    table_name: Mapped[str]
    title: Mapped[str]
    query: Mapped[dict[str, Any]] = mapped_column(JSON)  # the filter, as the page's address had it
    query_digest: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(ChinaTime)
    state: Mapped[str]
    attempts: Mapped[int]
    leased_until: Mapped[datetime | None] = mapped_column(ChinaTime)  # while it is running
    rows_done: Mapped[int]
    finished_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'forgotten')", name="state_known"
        ),
        CheckConstraint("(state = 'running') = (leased_until IS NOT NULL)", name="running_leased"),
        CheckConstraint(
            "(state IN ('queued', 'running')) = (finished_at IS NULL)", name="open_or_finished"
        ),
        CheckConstraint("rows_done >= 0 AND attempts >= 0", name="counts_signs"),
        # Asking twice is asking once, until the first answer is there.
        Index(
            "uq_exports_open",
            "asked_by",
            "table_name",
            "query_digest",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        Index("ix_exports_asked", "asked_by", "asked_at"),
    )
