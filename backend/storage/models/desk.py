"""A shop's desk (收银台): the one-time numbers that open it, and the browsers where it is open."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.models.merchants import Clerk
from backend.storage.sql import ChinaTime


class DeskCode(Model):
    """The newest one-time number of a clerk; one row each, so a new one ends the one before."""

    __tablename__ = "desk_codes"
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerks.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(unique=True)  # keyed: eight digits are soon tried
    expires_at: Mapped[datetime] = mapped_column(ChinaTime)
    used_at: Mapped[datetime | None] = mapped_column(ChinaTime)


class DeskSession(Model):
    """A browser on which a clerk's desk is open."""

    __tablename__ = "desk_sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerks.id"), index=True)
    address: Mapped[str]
    browser: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(ChinaTime)
    seen_at: Mapped[datetime] = mapped_column(ChinaTime)
    ended_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("clerks.id"))
    clerk: Mapped[Clerk] = relationship(lazy="joined", foreign_keys=[clerk_id])
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
    )
