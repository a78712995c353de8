"""What the city tells the public in words (公告)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class PublicNotice(Model):
    """One notice. Its words change while it is a draft, and never once it was released."""

    __tablename__ = "public_notices"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]  # plain text, a blank line between paragraphs
    edition: Mapped[int] = mapped_column(default=1, server_default="1")  # of its words
    state: Mapped[str] = mapped_column(default="draft")
    written_by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(ChinaTime)
    submitted_at: Mapped[datetime | None] = mapped_column(ChinaTime)  # the last time
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    withdrawn_why: Mapped[str | None]
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'submitted', 'published', 'withdrawn')", name="state_known"
        ),
        CheckConstraint(
            "state <> 'submitted' OR submitted_at IS NOT NULL", name="submitted_once_sent"
        ),
        CheckConstraint("published_by <> written_by", name="two_people"),
        CheckConstraint(
            "(published_by IS NULL) = (published_at IS NULL)"
            " AND (state <> 'published' OR published_at IS NOT NULL)"
            " AND (state NOT IN ('draft', 'submitted') OR published_at IS NULL)",
            name="published_whole",
        ),
        CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)"
            " AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)"
            " AND (withdrawn_why IS NULL) = (withdrawn_at IS NULL)",
            name="withdrawn_whole",
        ),
        Index("ix_public_notices_state_published_at", "state", "published_at"),
    )
