"""What the books said at the end of a day: only rows with an earlier time count."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.storage.models.budgets import CountChange, FundReport
from backend.storage.models.campaigns import Tier
from backend.storage.models.ledger import Transfer
from backend.storage.models.vouchers import Voucher
from backend.storage.queries.spending import TRANSFER_PREFIX


class Moved(NamedTuple):
    """Transfers of one kind between two accounts: their sum in fen, and how many."""

    kind: str
    from_account_id: str
    to_account_id: str
    imported: bool
    amount_fen: int
    transfers: int


def moved_before(session: Session, cut: datetime) -> Iterator[Moved]:
    """Yield the sums of all transfers before a moment, imported spending apart."""
    imported = Transfer.id.startswith(TRANSFER_PREFIX, autoescape=True)
    columns = (Transfer.kind, Transfer.from_account_id, Transfer.to_account_id, imported)
    rows = session.execute(
        select(*columns, func.sum(Transfer.amount_fen), func.count())
        .where(Transfer.at < cut)
        .group_by(*columns)
    )
    for kind, source, target, marked, amount_fen, count in rows:
        yield Moved(kind, source, target, bool(marked), int(amount_fen), int(count))


def claimed_before(session: Session, cut: datetime) -> dict[str, int]:
    """Return the vouchers whose money was locked before a moment, by campaign."""
    rows = session.execute(
        select(Voucher.campaign_id, func.count())
        .join(Transfer, Transfer.id == Voucher.claim_transfer_id)
        .where(Transfer.at < cut)
        .group_by(Voucher.campaign_id)
    )
    return {campaign_id: int(count) for campaign_id, count in rows}


def units_before(session: Session, cut: datetime) -> dict[str, int]:
    """Return the sum of the tiers' counts as they were, by campaign: later changes taken back."""
    later = (
        select(CountChange.tier_id, func.sum(CountChange.units).label("units"))
        .where(CountChange.decided_at >= cut)
        .group_by(CountChange.tier_id)
        .subquery()
    )
    rows = session.execute(
        select(Tier.campaign_id, func.sum(Tier.count - func.coalesce(later.c.units, 0)))
        .outerjoin(later, later.c.tier_id == Tier.id)
        .group_by(Tier.campaign_id)
    )
    return {campaign_id: int(units) for campaign_id, units in rows}


def last_edition(session: Session, as_of: date) -> FundReport | None:
    """Return the last edition of a day's report, or None."""
    return session.scalar(
        select(FundReport)
        .where(FundReport.as_of == as_of)
        .order_by(FundReport.edition.desc())
        .limit(1)
    )
