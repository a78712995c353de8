"""A month's statement of entries as Excel and PDF: of the visitors the last four digits alone.

The same statement gives the same bytes.
"""

import io
from collections.abc import Iterator

from flask import current_app

from backend.domain.entries import STATEMENT_STATE_NAMES, EntryStatementDecided
from backend.domain.money import yuan_text
from backend.extensions import db
from backend.services import entry_statements, workbooks
from backend.settings import Settings
from backend.storage.models.entries import Entry, EntryStatement
from backend.storage.queries import entries as queries
from merchant_qr.report import Report

TITLES = ("序号", "入园时间", "入园编号", "手机尾号", "门票金额（元）")
PDF_LINES = 1_000  # beyond, a print says the sums and the Excel file every entry


def excel(statement_id: str) -> bytes:
    """Return a statement as Excel: sums, then every counted entry."""
    statement = _stated(statement_id)
    out = io.BytesIO()
    with workbooks.workbook(out, title=f"免首道门票月度结算单 {statement.id}") as book:
        sums = workbooks.Page(book, "月度结算单", [16, 60])
        sums.row("免首道门票月度结算单", bold=True)
        for name, value in _facts(statement):
            sums.row(name, value)
        page = workbooks.Page(book, "明细", [8, 20, 36, 10, 16])
        page.row(*TITLES, bold=True)
        for number, (entry, last4) in enumerate(_entries(statement), start=1):
            page.row(number, *_texts(entry, last4), workbooks.yuan(entry.amount_fen))
        total = workbooks.yuan(statement.amount_fen)
        page.row("合计", None, None, None, total, bold=True)
    return out.getvalue()


def pdf(statement_id: str) -> bytes:
    """Return a statement as A4 pages: sums, and up to 1,000 counted entries."""
    statement = _stated(statement_id)
    settings: Settings = current_app.extensions["settings"]
    title = f"免首道门票月度结算单 {statement.id}"
    document = Report(title=title, cjk_font=settings.pdf_cjk_font)
    facts = [f"{name}：{value}" for name, value in _facts(statement)]
    document.heading("免首道门票月度结算单", facts)
    if statement.entry_count > PDF_LINES:
        document.note(f"共 {statement.entry_count} 人次，此处列前 {PDF_LINES} 人次；全部见 Excel。")
    shown = _entries(statement)[:PDF_LINES]
    document.table(
        ("序号", "入园时间", "入园编号", "手机尾号", "门票金额"),
        (14, 38, 72, 20, 26),
        [
            (str(number), *_texts(entry, last4), yuan_text(entry.amount_fen))
            for number, (entry, last4) in enumerate(shown, start=1)
        ],
        amounts=1,
    )
    document.note("文旅部门审核：                    复核：                    日期：")
    return document.finish()


def _stated(statement_id: str) -> EntryStatement:
    """Return a statement whose entries stand in it; a refused one has none any more."""
    statement = entry_statements.get(statement_id)
    if statement.state == "refused":
        raise EntryStatementDecided(f"{statement_id} was refused")
    return statement


def _entries(statement: EntryStatement) -> list[tuple[Entry, str]]:
    return list(queries.read_stated(db.session(), statement.id))


def _texts(entry: Entry, last4: str) -> tuple[str, str, str]:
    return f"{entry.entered_at:%Y-%m-%d %H:%M:%S}", entry.id, last4


def _facts(statement: EntryStatement) -> Iterator[tuple[str, str]]:
    """Yield what stands at the head of a statement."""
    yield "结算单号", statement.id
    yield "活动", f"{statement.campaign.name}（{statement.campaign_id}）"
    yield "景区", f"{statement.merchant.name}（{statement.merchant_id}）"
    yield "月份", statement.month
    yield "免票入园", f"{statement.entry_count} 人次，{statement.resident_count} 人"
    yield "本就免票", f"{statement.free_count} 人次，不计"
    yield "结算金额", f"{yuan_text(statement.amount_fen)} 元"
    name = STATEMENT_STATE_NAMES[statement.state]  # type: ignore[index]  # a CHECK names them
    yield "状态", name
    yield "经办", f"{statement.made_by} {statement.made_at:%Y-%m-%d %H:%M}"
    if statement.decided_by and statement.decided_at:
        yield "复核", f"{statement.decided_by} {statement.decided_at:%Y-%m-%d %H:%M}"
    yield "明细摘要", statement.digest
