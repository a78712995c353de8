"""Complaints of the public (投诉), and each step that an office took."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class Complaint(Model):
    """What one person handed in. Its state and its office change; phone and photo go in time.

    Once they are cleared, the number stands for the phone's hash, whose key stays unique.
    """

    __tablename__ = "complaints"
    number: Mapped[str] = mapped_column(primary_key=True)  # 16 digits: the day and eight at random
    form_id: Mapped[str] = mapped_column(unique=True)  # the form's: sent again is the same
    form_digest: Mapped[str]
    category: Mapped[str]
    words: Mapped[str]
    shop: Mapped[str | None]
    order_number: Mapped[str | None]
    phone_hash: Mapped[str]
    phone_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    phone_last4: Mapped[str]
    photo_id: Mapped[str | None]  # a sealed file below FILES_DIR
    photo_digest: Mapped[str | None]
    filed_at: Mapped[datetime] = mapped_column(ChinaTime)
    filed_on: Mapped[date]
    nth_of_day: Mapped[int]  # of this phone, from 1
    due_on: Mapped[date]  # the last day for an answer
    state: Mapped[str] = mapped_column(default="received")
    office: Mapped[str | None]
    cleared_at: Mapped[datetime | None] = mapped_column(ChinaTime)
    steps: Mapped[list["ComplaintStep"]] = relationship(order_by="ComplaintStep.position")
    __table_args__ = (
        CheckConstraint(
            "state IN ('received', 'assigned', 'answered', 'closed')", name="state_known"
        ),
        CheckConstraint("(state = 'received') = (office IS NULL)", name="office_once_assigned"),
        CheckConstraint("nth_of_day BETWEEN 1 AND 5", name="few_a_day"),
        CheckConstraint("(photo_id IS NULL) = (photo_digest IS NULL)", name="photo_whole"),
        CheckConstraint("due_on > filed_on", name="due_after_filing"),
        CheckConstraint(
            "cleared_at IS NULL OR (state = 'closed' AND photo_id IS NULL"
            " AND phone_last4 = '' AND length(phone_encrypted) = 0)",
            name="cleared_whole",
        ),
        UniqueConstraint("phone_hash", "filed_on", "nth_of_day"),
        Index("ix_complaints_state_due_on", "state", "due_on"),
    )


class ComplaintStep(Model):
    """One step of an office; never changed. The person reads `reply`, staff alone `note`."""

    __tablename__ = "complaint_steps"
    number: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1
    act: Mapped[str]
    office: Mapped[str]
    reply: Mapped[str | None]
    note: Mapped[str | None]
    actor: Mapped[str]
    at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("act IN ('assign', 'answer', 'close')", name="act_known"),
        CheckConstraint("(act = 'answer') = (reply IS NOT NULL)", name="answer_has_words"),
        CheckConstraint("position >= 1", name="position_positive"),
    )
