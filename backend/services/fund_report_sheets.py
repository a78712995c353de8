"""The fund report as an Excel workbook: amounts are numbers in yuan, ids and names are text."""

import io
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from backend.domain.fund_reports import AMOUNTS, UNITS, rate_text
from backend.services.workbooks import inert

LEVELS = {"programme": 0, "fund": 0, "pot": 1, "campaign": 2, "direct": 2}
HEADINGS = (
    *("编号", "项目"),
    *(heading for _, heading in (*AMOUNTS, *UNITS)),
    *("领取率", "使用率"),
)
SIGNATURES = ("编制人", "复核人", "财政部门（盖章）", "主管部门（盖章）")


def workbook(report: Mapping[str, Any]) -> bytes:
    """Return the workbook of a report; the same report gives the same bytes."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        created = datetime.fromisoformat(report["as_of"])
        book.set_properties({"title": f"资金汇总 {report['as_of']}", "created": created})
        sheet = book.add_worksheet("资金汇总")
        bold = book.add_format({"bold": True})
        head = book.add_format({"bold": True, "border": 1, "text_wrap": True, "align": "center"})
        cells = {
            weight: (
                book.add_format({"border": 1, "bold": weight}),
                book.add_format({"border": 1, "bold": weight, "num_format": "#,##0.00"}),
                book.add_format({"border": 1, "bold": weight, "num_format": "#,##0"}),
            )
            for weight in (True, False)
        }
        sheet.set_landscape()
        sheet.set_paper(8)  # A3: all columns on one page
        sheet.fit_to_pages(1, 0)
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, 1, 34)
        sheet.set_column(2, len(HEADINGS), 14)
        sheet.write_string(0, 0, inert(f"{report['programme']} 资金汇总表"), bold)
        sheet.write_string(
            1, 0, f"截至 {report['as_of']} 24:00（第 {report['edition']} 版，单位：元）"
        )
        if "reason" in report:
            sheet.write_string(2, 0, inert(f"改版原因：{report['reason']}"))
        for column, heading in enumerate(HEADINGS):
            sheet.write_string(3, column, heading, head)
        sheet.freeze_panes(4, 2)
        line = 4
        for row in report["rows"]:
            _write_row(sheet, line, row, cells[LEVELS[row["kind"]] < 2])
            line += 1
        _write_foot(sheet, line + 1, report)
    return out.getvalue()


def _write_row(
    sheet: Worksheet, line: int, row: Mapping[str, Any], formats: tuple[Format, Format, Format]
) -> None:
    text, yuan, count = formats
    sheet.write_string(line, 0, inert(row["id"]), text)
    sheet.write_string(line, 1, inert("　" * LEVELS[row["kind"]] + row["name"]), text)
    column = 2
    for field, _ in AMOUNTS:
        sheet.write_number(line, column, Decimal(row[field]) / 100, yuan)
        column += 1
    for field, _ in UNITS:
        sheet.write_number(line, column, row[field], count)
        column += 1
    sheet.write_string(line, column, rate_text(row["units_claimed"], row["units"]), text)
    sheet.write_string(line, column + 1, rate_text(row["units_used"], row["units"]), text)


def _write_foot(sheet: Worksheet, line: int, report: Mapping[str, Any]) -> None:
    for floor in report["floors"]:
        sheet.write_string(line, 0, inert(floor_text(floor)))
        line += 1
    for column, name in enumerate(SIGNATURES):
        sheet.write_string(line + 1, 1 + 3 * column, f"{name}：")
    sheet.write_string(line + 3, 0, f"数据校验码 {report['digest']}")


def floor_text(floor: Mapping[str, Any]) -> str:
    """Return a floor's line: what the plan asks for, and whether it is reached, both ways."""
    words = {True: "已达到", False: "未达到"}
    floor_yuan, spent, given = (
        f"{floor[field] // 100:,}.{floor[field] % 100:02d}"
        for field in ("floor_fen", "spent_fen", "given_fen")
    )
    return (
        f"{floor['name']} 发放下限 {floor_yuan} 元：按已用 {spent} 元，"
        f"{words[floor['reached_by_spent']]}；按已领（含已用）{given} 元，"
        f"{words[floor['reached_by_given']]}"
    )
