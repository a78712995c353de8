"""Payout accounts, files and lines: found and held, changed only from the state one expects."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.domain.merchant_steps import Status
from backend.storage.models.merchants import Merchant
from backend.storage.models.payouts import PayoutAccount, PayoutFile, PayoutLine
from backend.storage.models.settlements import SettlementSheet


def get_account(
    session: Session, merchant_id: str, *, state: str, lock: bool = False
) -> PayoutAccount | None:
    """Return a merchant's account that is active, or that waits to be."""
    query = select(PayoutAccount).where(
        PayoutAccount.merchant_id == merchant_id, PayoutAccount.state == state
    )
    return session.scalar(query.with_for_update() if lock else query)


def active_accounts(session: Session, merchant_ids: Iterable[str]) -> dict[str, PayoutAccount]:
    """Return the active accounts by merchant."""
    found = session.scalars(
        select(PayoutAccount).where(
            PayoutAccount.merchant_id.in_(list(merchant_ids)), PayoutAccount.state == "active"
        )
    )
    return {account.merchant_id: account for account in found}


def lock_payable(session: Session, *, through_day: date, limit: int) -> list[SettlementSheet]:
    """Return and hold the sheets that finance approved, up to a business day, by their ids."""
    return list(
        session.scalars(
            select(SettlementSheet)
            .where(
                SettlementSheet.state == "finance_approved",
                SettlementSheet.through_day <= through_day,
            )
            .order_by(SettlementSheet.id)
            .limit(limit)
            .with_for_update(of=SettlementSheet)
            .execution_options(populate_existing=True)
        )
    )


def merchant_status_held(session: Session, sheet_id: str) -> Status:
    """Return the status of a sheet's merchant, which stays as it is until the transaction ends."""
    status = session.scalars(
        select(Merchant.status)
        .join(SettlementSheet, SettlementSheet.merchant_id == Merchant.id)
        .where(SettlementSheet.id == sheet_id)
        .with_for_update(read=True, key_share=True, of=Merchant)
    ).one()
    return cast(Status, status)


def lock_file(session: Session, number: str) -> PayoutFile | None:
    """Return a file, held: one answer of the bank is taken at a time."""
    return session.get(PayoutFile, number, with_for_update=True)


def list_lines(session: Session, number: str) -> list[PayoutLine]:
    """Return a file's lines in their order, as they are now."""
    return list(
        session.scalars(
            select(PayoutLine)
            .where(PayoutLine.file_number == number)
            .order_by(PayoutLine.line_number)
            .execution_options(populate_existing=True)
        )
    )


def lines_of_sheet(session: Session, sheet_id: str) -> list[tuple[PayoutLine, PayoutAccount]]:
    """Return a sheet's attempts at payment with their accounts, the oldest first."""
    rows = session.execute(
        select(PayoutLine, PayoutAccount)
        .join(PayoutAccount, PayoutAccount.id == PayoutLine.account_id)
        .join(PayoutFile, PayoutFile.number == PayoutLine.file_number)
        .where(PayoutLine.sheet_id == sheet_id)
        .order_by(PayoutFile.made_at, PayoutFile.number)
    )
    return [(line, account) for line, account in rows]


def answer_line(  # what the bank said of one line, once
    session: Session,
    line: PayoutLine,
    *,
    state: str,
    serial: str | None,
    day: date | None,
    reason: str | None,
    at: datetime,
) -> bool:
    """Record the bank's answer to a line that was sent; False when it was answered before."""
    changed = session.scalar(
        update(PayoutLine)
        .where(
            PayoutLine.file_number == line.file_number,
            PayoutLine.line_number == line.line_number,
            PayoutLine.state == "sent",
        )
        .values(
            state=state, bank_serial=serial, bank_day=day, failure_reason=reason, answered_at=at
        )
        .execution_options(synchronize_session=False)
        .returning(PayoutLine.line_number)
    )
    return changed is not None


def used_serials(session: Session, serials: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Return which of the bank's serials have proved a payment already, and of which line."""
    rows = session.execute(
        select(PayoutLine.bank_serial, PayoutLine.file_number, PayoutLine.line_number).where(
            PayoutLine.bank_serial.in_(list(serials))
        )
    )
    return {str(serial): (number, line) for serial, number, line in rows}


def list_files(session: Session, *, limit: int) -> list[PayoutFile]:
    """Return files, the newest first."""
    return list(
        session.scalars(
            select(PayoutFile)
            .order_by(PayoutFile.made_at.desc(), PayoutFile.number.desc())
            .limit(limit)
        )
    )
