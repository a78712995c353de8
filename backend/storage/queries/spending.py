"""Earlier spending: imports, their records, and which of them are in the books."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from backend.domain.postings import Posting
from backend.storage.models.budgets import SpendingImport, SpendingRecord
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import Transfer

ROWS_AT_ONCE = 500  # a statement takes some ten thousand parameters on each database
TRANSFER_PREFIX = "imported:"


def known_numbers(session: Session, record_numbers: Sequence[str]) -> set[str]:
    """Return those of the record numbers that are in the books already."""
    found: set[str] = set()
    for part in _parts(record_numbers):
        ids = [TRANSFER_PREFIX + number for number in part]
        found |= set(session.scalars(select(Transfer.id).where(Transfer.id.in_(ids))))
    return {id_.removeprefix(TRANSFER_PREFIX) for id_ in found}


def records_of(session: Session, import_id: str) -> list[SpendingRecord]:
    """Return an import's records in the order of their lines."""
    return list(
        session.scalars(
            select(SpendingRecord)
            .where(SpendingRecord.import_id == import_id)
            .order_by(SpendingRecord.line)
        )
    )


def add_records(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write an import's records."""
    for part in _parts(rows):
        session.execute(insert(SpendingRecord), part)


def add_transfers(session: Session, postings: Sequence[Posting], *, at: datetime) -> None:
    """Write many transfers; one whose id is there already is an integrity error, and none stays."""
    for part in _parts(postings):
        session.execute(insert(Transfer), [vars(posting) | {"at": at} for posting in part])


def list_imports(session: Session) -> list[SpendingImport]:
    """Return all imports, the newest first."""
    query = select(SpendingImport).order_by(SpendingImport.proposed_at.desc(), SpendingImport.id)
    return list(session.scalars(query))


def years_of(session: Session, fund_id: str) -> frozenset[int]:
    """Return the years in which a fund's campaigns open."""
    opened = session.scalars(select(Campaign.opens_at).where(Campaign.fund_id == fund_id))
    return frozenset(at.year for at in opened)


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[first : first + ROWS_AT_ONCE]
