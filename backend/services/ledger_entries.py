"""The ledger's proof of entries: each counted one was spent once, each undone one came back once,
a statement's sum is its entries', and settlement owes what was confirmed."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session, aliased

from backend.domain.postings import Difference, campaign_account
from backend.storage.models.campaigns import Campaign
from backend.storage.models.entries import Entry, EntryStatement, EntryUndo
from backend.storage.models.ledger import Transfer
from backend.storage.models.settlements import SettlementLine, SettlementSheet

COUNTED = Entry.state == "counted"


def differences(session: Session) -> Iterator[Difference]:
    """Yield what does not agree; nothing when all does."""
    yield from _transfer_differences(session)
    yield from _statement_differences(session)
    yield from _line_differences(session)


def spent(session: Session) -> dict[str, int]:
    """Return what counted entries spent, by campaign, in fen."""
    rows = session.execute(
        select(Entry.campaign_id, func.sum(Entry.amount_fen))
        .where(COUNTED)
        .group_by(Entry.campaign_id)
    )
    return {campaign_id: int(amount_fen) for campaign_id, amount_fen in rows}


def units(session: Session) -> dict[int, int]:
    """Return the units that counted entries took, by the tier's id."""
    rows = session.execute(select(Entry.tier_id, func.count()).where(COUNTED).group_by("tier_id"))
    return {tier_id: int(count) for tier_id, count in rows}


def owed(session: Session) -> dict[str, int]:
    """Return by the account `spent` of each entry campaign what its confirmed statements come to.

    An entry is owed to the scenic spot once its month is confirmed, not when it is spent.
    """
    confirmed = case((EntryStatement.state == "confirmed", EntryStatement.amount_fen), else_=0)
    rows = session.execute(
        select(Campaign.id, func.coalesce(func.sum(confirmed), 0))
        .outerjoin(EntryStatement, EntryStatement.campaign_id == Campaign.id)
        .where(Campaign.mode == "entry")
        .group_by(Campaign.id)
    )
    return {campaign_account(campaign_id, "spent"): int(fen) for campaign_id, fen in rows}


def _transfer_differences(session: Session) -> Iterator[Difference]:
    """A counted entry's transfers come to its amount, an undone one's to nothing."""
    back = aliased(Transfer)
    moved = func.coalesce(Transfer.amount_fen, 0) - func.coalesce(back.amount_fen, 0)
    expected = case((COUNTED, Entry.amount_fen), else_=0)
    rows = session.execute(
        select(Entry.id, expected, moved)
        .outerjoin(Transfer, and_(Transfer.id == Entry.transfer_id, Transfer.kind == "spending"))
        .outerjoin(EntryUndo, EntryUndo.entry_id == Entry.id)
        .outerjoin(back, and_(back.id == EntryUndo.transfer_id, back.kind == "refund"))
        .where(expected != moved)
    )
    for entry_id, expected_fen, found_fen in rows:
        yield _difference(f"entry {entry_id}", "its transfers", expected_fen, found_fen)


def _statement_differences(session: Session) -> Iterator[Difference]:
    """A statement's sum is its counted entries'; a refused one has none."""
    stated = func.coalesce(func.sum(case((COUNTED, Entry.amount_fen), else_=0)), 0)
    rows = session.execute(
        select(EntryStatement.id, EntryStatement.state, EntryStatement.amount_fen, stated)
        .outerjoin(Entry, Entry.statement_id == EntryStatement.id)
        .group_by(EntryStatement.id, EntryStatement.state, EntryStatement.amount_fen)
    )
    for statement_id, state, amount_fen, found_fen in rows:
        expected_fen = 0 if state == "refused" else amount_fen
        if expected_fen != found_fen:
            where = f"entry statement {statement_id}"
            yield _difference(where, "its entries", expected_fen, found_fen)


def _line_differences(session: Session) -> Iterator[Difference]:
    """A statement's line of a sheet is its sum, at its merchant and campaign, once confirmed."""
    fits = and_(
        EntryStatement.id == SettlementLine.source_id,
        EntryStatement.state == "confirmed",
        EntryStatement.merchant_id == SettlementSheet.merchant_id,
        EntryStatement.campaign_id == SettlementLine.campaign_id,
    )
    expected = func.coalesce(EntryStatement.amount_fen, 0)
    rows = session.execute(
        select(
            SettlementLine.sheet_id, SettlementLine.source_id, expected, SettlementLine.amount_fen
        )
        .join(SettlementSheet, SettlementSheet.id == SettlementLine.sheet_id)
        .outerjoin(EntryStatement, fits)
        .where(SettlementLine.source_kind == "entry", expected != SettlementLine.amount_fen)
    )
    for sheet_id, source_id, expected_fen, found_fen in rows:
        yield _difference(f"sheet {sheet_id}", f"line {source_id}", expected_fen, found_fen)


def _difference(where: str, what: str, expected_fen: int, found_fen: int) -> Difference:
    return Difference(
        where=where, what=what, expected_fen=int(expected_fen), found_fen=int(found_fen)
    )
