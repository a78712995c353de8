"""A sheet as a file for the merchant: Excel with every line, PDF to print and sign.

Sums, order numbers and amounts; nothing of the residents. The same sheet gives the same bytes.
"""

import io
from collections.abc import Iterator

from flask import current_app

from backend.domain.money import yuan_text
from backend.domain.settlements import ACT_NAMES, SOURCE_NAMES, STATE_NAMES
from backend.extensions import db
from backend.services import settlements, workbooks
from backend.settings import Settings
from backend.storage.models.settlements import SettlementSheet
from backend.storage.queries import settlements as queries
from merchant_qr.report import Report

TITLES = ("时间", "类型", "订单号", "活动", "消费金额（元）", "结算金额（元）")
PDF_LINES = 1_000  # beyond, a print says the sums of each day and the Excel file every line


def excel(sheet_id: str, *, merchant_id: str | None = None) -> bytes:
    """Return a sheet as Excel: sums, then every line, none of which is kept in memory.

    NotFound when it is absent or, with a merchant, somebody else's.
    """
    sheet = settlements.sheet_of(sheet_id, merchant_id=merchant_id)
    out = io.BytesIO()
    with workbooks.workbook(out, title=f"结算单 {sheet.id}") as book:
        _write_sums(workbooks.Page(book, "结算单", [16, 40, 12, 16]), sheet)
        _write_lines(workbooks.Page(book, "明细", [20, 8, 36, 24, 16, 16]), sheet)
    return out.getvalue()


def pdf(sheet_id: str, *, merchant_id: str | None = None) -> bytes:
    """Return a sheet as A4 pages: its sums by day and campaign, its steps, up to 1,000 lines."""
    sheet = settlements.sheet_of(sheet_id, merchant_id=merchant_id)
    settings: Settings = current_app.extensions["settings"]
    session = db.session()
    document = Report(title=f"结算单 {sheet.id}", cjk_font=settings.pdf_cjk_font)
    document.heading("消费券结算单", [f"{name}：{value}" for name, value in _facts(sheet)])
    document.table(
        ("营业日", "活动", "笔数", "金额（元）"),
        (22, 90, 22, 36),
        [
            (f"{day}", name, str(count), yuan_text(amount_fen))
            for day, name, count, amount_fen in queries.sums_by_day(session, sheet.id)
        ],
        amounts=2,
    )
    if sheet.line_count > PDF_LINES:
        document.note(f"共 {sheet.line_count} 笔，此处列前 {PDF_LINES} 笔；全部明细见 Excel 文件。")
    document.table(
        ("时间", "类型", "订单号", "消费金额", "结算金额"),
        (36, 14, 74, 23, 23),
        [
            (
                f"{line.occurred_at:%Y-%m-%d %H:%M:%S}",
                SOURCE_NAMES[line.source_kind],
                line.order_id,
                yuan_text(line.order_amount_fen),
                yuan_text(line.amount_fen),
            )
            for line in queries.read_lines(session, sheet.id, limit=PDF_LINES)
        ],
        amounts=2,
    )
    return document.finish()


def _facts(sheet: SettlementSheet) -> Iterator[tuple[str, str]]:
    """Yield what stands at the head of a sheet."""
    yield "结算单号", sheet.id
    yield "商户", f"{sheet.merchant.name}（{sheet.merchant_id}）"
    yield "营业日", f"{sheet.from_day} 至 {sheet.through_day}"
    yield "状态", STATE_NAMES[sheet.state]  # type: ignore[index]  # a CHECK names them
    yield "明细", f"{sheet.line_count} 笔"
    yield "结算金额", f"{yuan_text(sheet.amount_fen)} 元"
    yield "明细摘要", sheet.digest


def _write_sums(page: workbooks.Page, sheet: SettlementSheet) -> None:
    page.row("消费券结算单", bold=True)
    for name, value in _facts(sheet):
        page.row(name, value)
    page.row()
    page.row("营业日", "活动", "笔数", "金额（元）", bold=True)
    for day, name, count, amount_fen in queries.sums_by_day(db.session(), sheet.id):
        page.row(f"{day}", name, count, workbooks.yuan(amount_fen))
    page.row("合计", None, sheet.line_count, workbooks.yuan(sheet.amount_fen), bold=True)
    page.row()
    page.row("步骤", "时间", bold=True)
    for step in settlements.steps(sheet.id):
        page.row(ACT_NAMES[step.act], f"{step.at:%Y-%m-%d %H:%M:%S}")  # type: ignore[index]  # a CHECK


def _write_lines(page: workbooks.Page, sheet: SettlementSheet) -> None:
    page.row(*TITLES, bold=True)
    for line in queries.read_lines(db.session(), sheet.id):
        page.row(
            f"{line.occurred_at:%Y-%m-%d %H:%M:%S}",
            SOURCE_NAMES[line.source_kind],
            line.order_id,
            line.campaign_name,
            workbooks.yuan(line.order_amount_fen),
            workbooks.yuan(line.amount_fen),
        )
    total = workbooks.yuan(sheet.amount_fen)
    page.row("合计", None, None, None, None, total, bold=True)
