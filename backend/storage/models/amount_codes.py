"""Amount codes (金额码): what a shop asked to be paid by one scan. Rows are never changed."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class AmountCode(Model):
    """A code that a clerk made; the order that it became names it (`orders.amount_code`)."""

    __tablename__ = "amount_codes"
    number: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerks.id"))
    request_id: Mapped[str]  # made by the till, so that a retry finds its first code
    order_amount_fen: Mapped[int] = mapped_column(BigInteger)
    issued_at: Mapped[datetime] = mapped_column(ChinaTime)
    expires_at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        UniqueConstraint("clerk_id", "request_id"),
        CheckConstraint("order_amount_fen BETWEEN 1 AND 100000000", name="amount_range"),
        CheckConstraint("expires_at > issued_at", name="expires_later"),
    )
