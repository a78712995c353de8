"""The ledger (账本): accounts, and transfers that are only ever added."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class LedgerAccount(Model):
    """One pot of money (科目). Its balance is the sum of its transfers; no number is kept."""

    __tablename__ = "ledger_accounts"
    id: Mapped[str] = mapped_column(primary_key=True)  # domain/postings.py builds the names
    kind: Mapped[str]
    fund_id: Mapped[str] = mapped_column(ForeignKey("funds.id"))
    quarter: Mapped[str | None]
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))
    __table_args__ = (
        UniqueConstraint("fund_id", "quarter", "campaign_id", "kind"),
        CheckConstraint(
            "kind IN ('appropriated', 'available', 'committed', 'locked', 'spent')",
            name="kind_known",
        ),
    )


class Transfer(Model):
    """One movement of money (划转): one positive amount, from one account to another."""

    __tablename__ = "transfers"
    id: Mapped[str] = mapped_column(primary_key=True)  # made by the caller: the idempotency key
    kind: Mapped[str]
    from_account_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    to_account_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(ChinaTime)
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("from_account_id <> to_account_id", name="two_accounts"),
        CheckConstraint(
            "kind IN ('appropriation', 'withdrawal', 'commitment', 'return', 'claim',"
            " 'redemption', 'expiry', 'refund', 'reversal', 'restoration', 'spending')",
            name="kind_known",
        ),
        Index("ix_transfers_from_account", "from_account_id"),
        Index("ix_transfers_to_account", "to_account_id"),
    )
