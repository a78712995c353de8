"""Writing transfers once, and summing them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from backend.domain.postings import Posting
from backend.storage.models.ledger import LedgerAccount, Transfer
from backend.storage.sql import table_of

_ADD = insert(table_of(Transfer))


def add_transfer(session: Session, posting: Posting, *, at: datetime) -> None:
    """Write one transfer; the same id again is an integrity error, never a second movement."""
    session.flush()  # what the caller changed before goes first, as with every statement of the ORM
    session.execute(_ADD, {**asdict(posting), "at": at})


def add_accounts(session: Session, accounts: Sequence[LedgerAccount]) -> None:
    """Write accounts of pots or campaigns that are new."""
    session.add_all(accounts)
    session.flush()


def balance(session: Session, account_id: str) -> int:
    """Return the sum of what came into an account less what left it, in fen."""
    came = select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(
        Transfer.to_account_id == account_id
    )
    left = select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(
        Transfer.from_account_id == account_id
    )
    return int(session.scalar(came) or 0) - int(session.scalar(left) or 0)


def balances(session: Session) -> dict[str, int]:
    """Return every account's balance in fen, zero for an account that never moved."""
    totals = dict.fromkeys(session.scalars(select(LedgerAccount.id)), 0)
    for column, sign in ((Transfer.to_account_id, 1), (Transfer.from_account_id, -1)):
        for account_id, amount_fen in session.execute(
            select(column, func.sum(Transfer.amount_fen)).group_by(column)
        ):
            totals[account_id] += sign * int(amount_fen)
    return totals


def list_accounts(session: Session) -> list[LedgerAccount]:
    """Return all accounts in the order of their ids."""
    return list(session.scalars(select(LedgerAccount).order_by(LedgerAccount.id)))


def transfers_by_kind(session: Session) -> dict[tuple[str, str, str], int]:
    """Return the sums by (kind, from account, to account), in fen."""
    rows = session.execute(
        select(
            Transfer.kind,
            Transfer.from_account_id,
            Transfer.to_account_id,
            func.sum(Transfer.amount_fen),
        ).group_by(Transfer.kind, Transfer.from_account_id, Transfer.to_account_id)
    )
    return {(kind, source, target): int(total) for kind, source, target, total in rows}
