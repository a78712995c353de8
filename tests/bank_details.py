"""Builders of a bank's daily detail file, as CSV or as XLSX."""

from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import xlsxwriter

from backend.gateways.bank_files import COLUMNS
from backend.services import outside_files, reconciliation
from backend.services.outside_files import Coming, Taken

DAY = date(2023, 4, 28)
BANK = "BANK01"
MERCHANT_NUMBER = "898261054110001"
Line = dict[str, Any]


def line(number: str = "order-000001", **changed: Any) -> Line:
    """Return a line of a payment of 100 yuan with 30 taken off; `changed` by column."""
    cells = (
        *("Q2-MAY", "2023-04-28 10:01:00", MERCHANT_NUMBER, "01080209", number),
        *("622609******0048", "100.00", "30.00", "70.00", "消费", ""),
    )
    return {**dict(zip(COLUMNS, cells, strict=True)), **changed}


def back(original: str, number: str, kind: str = "撤销", **changed: Any) -> Line:
    """Return the line of a reversal (撤销) or a refund (退货) of a payment."""
    return line(number, 交易类型=kind, 原流水号=original, **changed)


def totals(count: Any, order: Any, discount: Any, paid: Any) -> Line:
    """Return the last line, that of the sums."""
    empty: Line = dict.fromkeys(COLUMNS, "")
    sums = {"订单金额": order, "优惠金额": discount, "实付金额": paid}
    return empty | {"活动编号": "合计", "订单号/流水号": count} | sums


def table(lines: Sequence[Line], columns: Sequence[str] = COLUMNS) -> list[list[Any]]:
    """Return the rows with their head."""
    return [list(columns), *([one[name] for name in columns] for one in lines)]


def detail(lines: Sequence[Line], *, encoding: str = "utf-8", end: str = "\n") -> bytes:
    """Return a CSV file."""
    return end.join([*(",".join(map(str, row)) for row in table(lines)), ""]).encode(encoding)


def sheet(rows: Sequence[Sequence[Any]], *, sheets: int = 1) -> bytes:
    """Return an XLSX file: text as text, numbers as numbers, `=…` as formulas."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    for _ in range(sheets):
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                text = isinstance(cell, str) and not cell.startswith("=")
                (page.write_string if text else page.write)(number, column, cell)
    book.close()
    return target.getvalue()


def take_detail(content: bytes, *, name: str | None = None, **changed: Any) -> Taken:
    """Take a file as staff would."""
    coming = {"kind": "bank_detail", "party": BANK, "day": DAY}
    coming |= {"name": name or f"{BANK}_20230428.csv", **changed}
    return outside_files.take(BytesIO(content), Coming(**coming), actor="李会计")


def compare_unknown_line_of_yesterday() -> None:
    """Take and compare a file with one line that nobody of ours knows."""
    day = DAY - timedelta(days=1)
    content = detail([line(交易日期时间=f"{day} 10:01:00")])
    reconciliation.run(take_detail(content, name=f"{BANK}_20230427.csv", day=day).file.id)
