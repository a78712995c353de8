"""Payout files (代发文件): what finance approved goes to the bank, in the bank's own form."""

import base64
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import InvalidRequest, NotFound
from backend.domain.payouts import (
    MAX_LINES,
    Column,
    Layout,
    NothingToPay,
    PayoutFileUnwritable,
    PayoutNumberReused,
    PayoutOrder,
    frame_text,
    text_file,
    text_of,
)
from backend.extensions import db
from backend.services import audit, payout_layouts, settlements, workbooks
from backend.services.personal_data import vault
from backend.storage.models.payouts import PayoutAccount, PayoutFile, PayoutLine
from backend.storage.models.settlements import SettlementSheet
from backend.storage.queries import payouts as queries
from backend.storage.queries import settlements as sheet_queries
from backend.storage.sql import transaction

log = structlog.get_logger()
_NUMBER = re.compile("[0-9A-Za-z-]{1,32}")


@dataclass(frozen=True, kw_only=True)
class MadeFile:
    """A payout file, and by sheet why it is not in it: no account, a held line."""

    file: PayoutFile
    left_out: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class TakenOut:
    """A file under the name by which it is kept at the bank."""

    name: str
    content: bytes


def create(*, number: str, day: date | None = None, actor: str) -> MadeFile:
    """Make the payout file of all sheets that finance approved, up to a business day, by default
    yesterday; the same number again is the same file.

    A sheet is in one unresolved file at most. Raises NothingToPay, PayoutNumberReused,
    PayoutFileUnwritable, SecondPersonNeeded for whoever approved one of them last.
    """
    if not _NUMBER.fullmatch(number):
        raise InvalidRequest(f"payout number {number[:40]!r}")
    wanted_day = day or clock.today() - timedelta(days=1)
    layout = payout_layouts.current()
    with transaction() as session:
        known = session.get(PayoutFile, number)
        if known is not None:
            if known.day != wanted_day:
                raise PayoutNumberReused(f"{number} is of {known.day}")
            return MadeFile(file=known, left_out={})
        sheets = queries.lock_payable(session, through_day=wanted_day, limit=MAX_LINES)
        accounts = queries.active_accounts(session, {sheet.merchant_id for sheet in sheets})
        left_out = _left_out(session, sheets, accounts)
        payable = [sheet for sheet in sheets if sheet.id not in left_out]
        if not payable:
            raise NothingToPay(f"{len(left_out)} left out", details={"left_out": left_out})
        orders = [
            _order(line_number, sheet, accounts[sheet.merchant_id])
            for line_number, sheet in enumerate(payable, start=1)
        ]
        content = file_of(layout, orders, number=number, day=wanted_day)
        made = _add_file(session, number, wanted_day, layout, orders, content, actor=actor)
        for order, sheet in zip(orders, payable, strict=True):
            _add_line(session, made, order, sheet, accounts[sheet.merchant_id], actor=actor)
    log.info("payout_file_made", number=number, lines=len(orders), amount_fen=made.amount_fen)
    return MadeFile(file=made, left_out=left_out)


def content_of(number: str) -> bytes:
    """Return a file as it was made; it names full account numbers."""
    file = get(number)
    content = base64.b64decode(vault().decrypt(file.content_encrypted))
    if hashlib.sha256(content).hexdigest() != file.digest:
        raise RuntimeError(f"payout file {number} is not what was made")
    return content


def get(number: str) -> PayoutFile:
    """Return a file's row, or raise NotFound."""
    file = db.session.get(PayoutFile, number)
    if file is None:
        raise NotFound(f"payout file {number[:40]!r}")
    return file


def take_out(number: str, *, actor: str) -> TakenOut:
    """Return a file for the bank, and write down who has it: it names full account numbers."""
    content = content_of(number)
    with transaction() as session:
        audit.record(session, actor=actor, action="payout.read_file", subject=number)
    suffix = "xlsx" if content.startswith(b"PK") else "txt"
    return TakenOut(name=f"{number}.{suffix}", content=content)


def lines(number: str) -> list[PayoutLine]:
    """Return a file's lines with what the bank said of each."""
    return queries.list_lines(db.session(), number)


def attempts(sheet_id: str) -> list[tuple[PayoutLine, PayoutAccount]]:
    """Return a sheet's attempts at payment with their accounts, the oldest first."""
    return queries.lines_of_sheet(db.session(), sheet_id)


def files(*, limit: int = 50) -> list[PayoutFile]:
    """Return files, the newest first."""
    return queries.list_files(db.session(), limit=limit)


def file_of(layout: Layout, orders: list[PayoutOrder], *, number: str, day: date) -> bytes:
    """Return the file's bytes in the layout's form; the same orders give the same bytes."""
    if layout.format != "xlsx":
        return text_file(layout, orders, number=number, day=day)
    total_fen = sum(order.amount_fen for order in orders)
    framed = partial(frame_text, number=number, day=day, count=len(orders), sum_fen=total_fen)
    out = io.BytesIO()
    with workbooks.workbook(out, title=number) as book:
        page = workbooks.Page(book, "代发", [max(12, len(c.title) * 2) for c in layout.columns])
        if layout.header:
            page.row(framed(layout.header))
        page.row(*(column.title for column in layout.columns), bold=True)
        for order in orders:
            page.row(*(_cell(column, layout, order) for column in layout.columns))
        if layout.footer:
            page.row(framed(layout.footer))
    return out.getvalue()


def _cell(column: Column, layout: Layout, order: PayoutOrder) -> str | int | Decimal:
    """Return what a spreadsheet's cell holds: ids as text, amounts as numbers."""
    if column.field == "amount_yuan":
        return workbooks.yuan(order.amount_fen)
    if column.field in ("amount_fen", "line_number"):
        return order.amount_fen if column.field == "amount_fen" else order.line_number
    text = text_of(column, order, remark=layout.remark)
    if workbooks.inert(text) != text:  # an apostrophe before a name pays nobody
        raise PayoutFileUnwritable(f"{order.sheet_id} {column.field} begins like a formula")
    return text


def _left_out(
    session: Session, sheets: Sequence[SettlementSheet], accounts: dict[str, PayoutAccount]
) -> dict[str, str]:
    """Return by sheet why it cannot be paid now; it waits as it is."""
    left_out = {}
    for sheet in sheets:
        if sheet.merchant_id not in accounts:
            left_out[sheet.id] = "商户没有已复核的收款账户"
        elif sheet_queries.held_in(session, sheet.id):
            left_out[sheet.id] = "有被暂缓结算的核销"
    return left_out


def _order(line_number: int, sheet: SettlementSheet, account: PayoutAccount) -> PayoutOrder:
    return PayoutOrder(
        line_number=line_number,
        sheet_id=sheet.id,
        holder=account.holder,
        bank=account.bank,
        account_number=vault().decrypt(account.number_encrypted),
        amount_fen=sheet.amount_fen,
    )


def _add_file(
    session: Session,
    number: str,
    day: date,
    layout: Layout,
    orders: Sequence[PayoutOrder],
    content: bytes,
    *,
    actor: str,
) -> PayoutFile:
    made = PayoutFile(
        number=number,
        day=day,
        layout=layout.name,
        line_count=len(orders),
        amount_fen=sum(order.amount_fen for order in orders),
        digest=hashlib.sha256(content).hexdigest(),
        content_encrypted=vault().encrypt(base64.b64encode(content).decode("ascii")),
        made_by=actor,
        made_at=clock.now(),
    )
    session.add(made)
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="payout.file",
        subject=number,
        lines=made.line_count,
        amount_fen=made.amount_fen,
        digest=made.digest,
    )
    return made


def _add_line(
    session: Session,
    file: PayoutFile,
    order: PayoutOrder,
    sheet: SettlementSheet,
    account: PayoutAccount,
    *,
    actor: str,
) -> None:
    session.add(
        PayoutLine(
            file_number=file.number,
            line_number=order.line_number,
            sheet_id=sheet.id,
            account_id=account.id,
            amount_fen=order.amount_fen,
        )
    )
    settlements.take_step(
        session, sheet, "payout", "payer", actor=actor, remark=file.number, digest=file.digest
    )
