"""The ledger's proof of settlement: what was redeemed stands in one live sheet, or is still open;
a sheet's sum is its lines'; what is paid has the bank's proof."""

from collections.abc import Iterator

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from backend.domain.postings import Difference, campaign_account
from backend.services import ledger_entries
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Redemption
from backend.storage.models.payouts import PayoutLine
from backend.storage.models.settlements import SettlementLine, SettlementSheet
from backend.storage.queries import settlement_sources

LIVE = SettlementLine.freed_at.is_(None)


def differences(session: Session) -> Iterator[Difference]:
    """Yield what does not agree; nothing when all does."""
    yield from _spent_differences(session)
    yield from _line_differences(session)
    yield from _twice(session)
    yield from _sheet_differences(session)
    yield from _proof_differences(session)


def _spent_differences(session: Session) -> Iterator[Difference]:
    """Live lines and what is open are together what redemptions spent, less what came back.

    So the live lines never pass what was spent but by what came back and waits for its line.
    """
    lines = select(SettlementLine.campaign_id, func.sum(SettlementLine.amount_fen)).where(LIVE)
    live = {key: int(fen) for key, fen in session.execute(lines.group_by("campaign_id"))}
    still_open = settlement_sources.open_by_campaign(session)
    spent = _spent(session) | ledger_entries.owed(session)
    for campaign_id in sorted(live.keys() | still_open.keys()):
        found_fen = live.get(campaign_id, 0) + still_open.get(campaign_id, 0)
        expected_fen = spent.get(campaign_account(campaign_id, "spent"), 0)
        if found_fen != expected_fen:
            what = "settlement: its lines and what is open, and what was spent"
            yield _difference(f"campaign {campaign_id}", what, expected_fen, found_fen)


def _spent(session: Session) -> dict[str, int]:
    """Return by account what redemptions brought into it, less refunds and reversals."""
    brought = select(Transfer.to_account_id, func.sum(Transfer.amount_fen)).where(
        Transfer.kind == "redemption"
    )
    came_back = select(Transfer.from_account_id, func.sum(Transfer.amount_fen)).where(
        Transfer.kind.in_(("refund", "reversal"))
    )
    spent = {key: int(fen) for key, fen in session.execute(brought.group_by("to_account_id"))}
    for key, fen in session.execute(came_back.group_by("from_account_id")):
        spent[key] = spent.get(key, 0) - int(fen)
    return spent


def _line_differences(session: Session) -> Iterator[Difference]:
    """A redemption's line is its discount, at its merchant and campaign."""
    rows = session.execute(
        select(
            SettlementLine.sheet_id,
            SettlementLine.source_id,
            Redemption.discount_fen,
            SettlementLine.amount_fen,
        )
        .join(SettlementSheet, SettlementSheet.id == SettlementLine.sheet_id)
        .outerjoin(Redemption, Redemption.id == SettlementLine.source_id)
        .where(
            SettlementLine.source_kind == "redemption",
            or_(
                Redemption.id.is_(None),
                Redemption.discount_fen != SettlementLine.amount_fen,
                Redemption.merchant_id != SettlementSheet.merchant_id,
                Redemption.campaign_id != SettlementLine.campaign_id,
            ),
        )
    )
    for sheet_id, source_id, expected_fen, found_fen in rows:
        yield _difference(
            f"sheet {sheet_id}", f"line {source_id}", int(expected_fen or 0), int(found_fen)
        )


def _twice(session: Session) -> Iterator[Difference]:
    """No source stands in two live sheets."""
    rows = session.execute(
        select(
            SettlementLine.source_kind,
            SettlementLine.source_id,
            func.min(SettlementLine.amount_fen),
            func.sum(SettlementLine.amount_fen),
        )
        .where(LIVE)
        .group_by(SettlementLine.source_kind, SettlementLine.source_id)
        .having(func.count() > 1)
    )
    for kind, source_id, once_fen, found_fen in rows:
        yield _difference(
            f"{kind} {source_id}", "in more than one live sheet", int(once_fen), int(found_fen)
        )


def _sheet_differences(session: Session) -> Iterator[Difference]:
    """A sheet's sum is its lines'; a rejected one has no live line, any other no freed one."""
    live_fen = func.coalesce(func.sum(case((LIVE, SettlementLine.amount_fen), else_=0)), 0)
    rows = session.execute(
        select(SettlementSheet.id, SettlementSheet.state, SettlementSheet.amount_fen, live_fen)
        .outerjoin(SettlementLine, SettlementLine.sheet_id == SettlementSheet.id)
        .group_by(SettlementSheet.id, SettlementSheet.state, SettlementSheet.amount_fen)
    )
    for sheet_id, state, amount_fen, found_fen in rows:
        expected_fen = 0 if state == "rejected" else int(amount_fen)
        if int(found_fen) != expected_fen:
            yield _difference(
                f"sheet {sheet_id}", "its sum and its live lines", expected_fen, int(found_fen)
            )


def _proof_differences(session: Session) -> Iterator[Difference]:
    """A paid sheet has one paid line with the bank's serial, and no other sheet has one."""
    paid = case((SettlementSheet.state == "paid", SettlementSheet.amount_fen), else_=0)
    proved_fen = func.coalesce(func.sum(PayoutLine.amount_fen), 0)
    rows = session.execute(
        select(SettlementSheet.id, paid, proved_fen)
        .outerjoin(
            PayoutLine,
            (PayoutLine.sheet_id == SettlementSheet.id)
            & (PayoutLine.state == "paid")
            & PayoutLine.bank_serial.is_not(None),
        )
        .group_by(SettlementSheet.id, SettlementSheet.state, SettlementSheet.amount_fen)
        .having(paid != proved_fen)
    )
    for sheet_id, expected_fen, found_fen in rows:
        yield _difference(
            f"sheet {sheet_id}", "paid: the bank's proof", int(expected_fen), int(found_fen)
        )


def _difference(where: str, what: str, expected_fen: int, found_fen: int) -> Difference:
    return Difference(where=where, what=what, expected_fen=expected_fen, found_fen=found_fen)
