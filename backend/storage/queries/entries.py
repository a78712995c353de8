"""Entries and their monthly statements; units of tiers that SQL itself gives out."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Campaign
from backend.storage.models.entries import Entry, EntryStatement
from backend.storage.models.residents import Resident

TAKEN = ("counted", "free")


def get_by_request(session: Session, clerk_id: int, request_id: str) -> Entry | None:
    """Return the entry a clerk's request number made, or None."""
    return session.scalar(
        select(Entry).where(Entry.clerk_id == clerk_id, Entry.request_id == request_id)
    )


def running_campaign(session: Session, merchant_id: str, *, at: datetime) -> Campaign | None:
    """Return the entry waiver that a scenic spot offers at a moment, or None."""
    return session.scalar(
        select(Campaign)
        .where(
            Campaign.mode == "entry",
            Campaign.merchant_id == merchant_id,
            Campaign.state == "running",
            Campaign.opens_at <= at,
            Campaign.ends_at > at,
        )
        .order_by(Campaign.opens_at, Campaign.id)
        .limit(1)
    )


def numbers_in_month(
    session: Session, *, campaign_id: str, resident_id: int, month: str
) -> set[int]:
    """Return the numbers of a person's counted entries in a month."""
    found = session.scalars(
        select(Entry.number_in_month).where(
            Entry.campaign_id == campaign_id,
            Entry.resident_id == resident_id,
            Entry.month == month,
            Entry.state == "counted",
        )
    )
    return {number for number in found if number is not None}


def get_of_merchant(session: Session, entry_id: str, merchant_id: str | None) -> Entry | None:
    """Return an entry, if it is the merchant's; None for the merchant means anybody's."""
    query = select(Entry).where(Entry.id == entry_id)
    if merchant_id is not None:
        query = query.where(Entry.merchant_id == merchant_id)
    return session.scalar(query)


def undo(session: Session, entry_id: str) -> bool:
    """Move an entry to `undone`; False when it was so already or stands in a statement."""
    changed = session.scalar(
        update(Entry)
        .where(Entry.id == entry_id, Entry.state.in_(TAKEN), Entry.statement_id.is_(None))
        .values(state="undone")
        .execution_options(synchronize_session=False)
        .returning(Entry.id)
    )
    return changed is not None


def find(
    *, since: date | None, through: date | None, merchant_id: str, state: str
) -> Select[Entry]:
    """Return entries, the newest first; the empty text and None are no wish."""
    found = select(Entry).order_by(Entry.entered_at.desc(), Entry.id)
    exactly = {"merchant_id": merchant_id, "state": state}
    found = found.filter_by(**{name: text for name, text in exactly.items() if text})
    if since is not None:
        found = found.where(Entry.business_day >= since)
    return found if through is None else found.where(Entry.business_day <= through)


def list_of_merchant(session: Session, merchant_id: str, day: date, *, limit: int) -> list[Entry]:
    """Return a gate's newest entries of a day."""
    return list(
        session.scalars(
            select(Entry)
            .where(Entry.merchant_id == merchant_id, Entry.business_day == day)
            .order_by(Entry.entered_at.desc(), Entry.id)
            .limit(limit)
        )
    )


def list_of_resident(session: Session, resident_id: int, *, limit: int) -> list[Entry]:
    """Return a person's newest entries."""
    return list(
        session.scalars(
            select(Entry)
            .where(Entry.resident_id == resident_id)
            .order_by(Entry.entered_at.desc(), Entry.id)
            .limit(limit)
        )
    )


def take_into(session: Session, statement_id: str, *, campaign_id: str, through: date) -> None:
    """Put all entries of a campaign up to a day that stand in no statement into one."""
    session.execute(
        update(Entry)
        .where(
            Entry.campaign_id == campaign_id,
            Entry.business_day <= through,
            Entry.state.in_(TAKEN),
            Entry.statement_id.is_(None),
        )
        .values(statement_id=statement_id)
        .execution_options(synchronize_session=False)
    )


def free_from(session: Session, statement_id: str) -> None:
    """Take a refused statement's entries out of it."""
    session.execute(
        update(Entry)
        .where(Entry.statement_id == statement_id)
        .values(statement_id=None)
        .execution_options(synchronize_session=False)
    )


def sums_of(session: Session, statement_id: str) -> tuple[int, int, int, int]:
    """Return a statement's counted entries, the persons among them, free entries, and fen."""
    counted = (Entry.statement_id == statement_id, Entry.state == "counted")
    entries, persons, amount_fen = session.execute(
        select(
            func.count(),
            func.count(func.distinct(Entry.resident_id)),
            func.coalesce(func.sum(Entry.amount_fen), 0),
        ).where(*counted)
    ).one()
    free = session.scalar(
        select(func.count())
        .select_from(Entry)
        .where(Entry.statement_id == statement_id, Entry.state == "free")
    )
    return int(entries), int(persons), int(free or 0), int(amount_fen)


def read_stated(session: Session, statement_id: str) -> Sequence[tuple[Entry, str]]:
    """Return a statement's counted entries with the last four digits of phones, by time."""
    rows = session.execute(
        select(Entry, Resident.phone_last4)
        .join(Resident, Resident.id == Entry.resident_id)
        .where(Entry.statement_id == statement_id, Entry.state == "counted")
        .order_by(Entry.entered_at, Entry.id)
    )
    return [(entry, last4) for entry, last4 in rows]


def live_statement(session: Session, campaign_id: str, month: str) -> EntryStatement | None:
    """Return the statement of a month that is not refused, or None."""
    return session.scalar(
        select(EntryStatement).where(
            EntryStatement.campaign_id == campaign_id,
            EntryStatement.month == month,
            EntryStatement.state != "refused",
        )
    )


def count_statements(session: Session, campaign_id: str, month: str) -> int:
    """Return how many statements a month has had, refused ones included."""
    count = session.scalar(
        select(func.count())
        .select_from(EntryStatement)
        .where(EntryStatement.campaign_id == campaign_id, EntryStatement.month == month)
    )
    return int(count or 0)


def lock_statement(session: Session, statement_id: str) -> EntryStatement | None:
    """Return a statement and hold it until the transaction's end, or None."""
    return session.scalar(
        select(EntryStatement)
        .where(EntryStatement.id == statement_id)
        .with_for_update(of=EntryStatement)
        .execution_options(populate_existing=True)
    )


def list_statements(session: Session) -> list[EntryStatement]:
    """Return all statements, the newest months first."""
    query = select(EntryStatement).order_by(EntryStatement.month.desc(), EntryStatement.id.desc())
    return list(session.scalars(query))
