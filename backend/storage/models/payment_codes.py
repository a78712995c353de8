"""Payment codes (付款码) and the clock's high-water mark: both must survive the loss of Valkey."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime

LIVE = text("state = 'live'")


class PaymentCode(Model):
    """A code shown by a phone: known by its keyed hash, used at most once."""

    __tablename__ = "payment_codes"
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    issued_at: Mapped[datetime] = mapped_column(ChinaTime)
    expires_at: Mapped[datetime] = mapped_column(ChinaTime, index=True)
    state: Mapped[str] = mapped_column(default="live")
    __table_args__ = (
        CheckConstraint("state IN ('live', 'used', 'replaced', 'expired')", name="state_known"),
        # The newest kills the older: two live codes of one resident cannot exist.
        Index(
            "uq_payment_codes_live",
            "resident_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )


class ClockMark(Model):
    """The latest time any process has reported: a clock set back cannot go below it."""

    __tablename__ = "clock_marks"
    name: Mapped[str] = mapped_column(primary_key=True)
    reached_at: Mapped[datetime] = mapped_column(ChinaTime)
