"""Reading a bank's return file (回盘文件): bytes → outcomes, or every fault with its line.

Nothing is guessed: a serial that a spreadsheet turned into a number, an amount with a thousands
mark, a word that means neither paid nor failed are faults.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook

from backend.domain.china import CHINA
from backend.domain.payouts import (
    MAX_RETURN_BYTES,
    Outcome,
    ReturnField,
    ReturnFileRefused,
    ReturnLayout,
    fen_of,
)

Cells = dict[ReturnField, str]
UNEXPLAINED = "银行未说明原因"
MAX_REASON = 200


class Faults:
    """What is wrong, by line; raised all together."""

    def __init__(self) -> None:
        self._found: list[dict[str, object]] = []

    def add(self, line: int, where: str, reason: str) -> None:
        """Note a fault; lines count from 1."""
        self._found.append({"line": line, "where": where, "reason": reason})

    def raise_if_any(self) -> None:
        """Refuse the whole file when there is one."""
        if self._found:
            raise ReturnFileRefused(
                f"{len(self._found)} faults, the first in line {self._found[0]['line']}",
                details={"faults": self._found[:1000]},
            )


def read(layout: ReturnLayout, content: bytes) -> list[Outcome]:
    """Return what the file says of each line, or raise ReturnFileRefused with every fault."""
    faults = Faults()
    if len(content) > MAX_RETURN_BYTES:
        faults.add(1, "文件", "文件过大，请检查是否选错了文件")
        faults.raise_if_any()
    rows = list(_rows(layout, content, faults))
    faults.raise_if_any()
    kept = rows[layout.skip_first : len(rows) - layout.skip_last]
    if not kept:
        faults.add(1, "文件", "没有明细")
    found = [_outcome(layout, line, cells, faults) for line, cells in kept]
    faults.raise_if_any()
    return [outcome for outcome in found if outcome is not None]


def digest(content: bytes) -> str:
    """Return the SHA-256 by which a file is known again."""
    return hashlib.sha256(content).hexdigest()


def _rows(
    layout: ReturnLayout, content: bytes, faults: Faults
) -> Iterator[tuple[int, list[object]]]:
    """Yield (line, cells); empty lines are left out."""
    if layout.format == "xlsx":
        yield from _sheet_rows(content, faults)
        return
    # No GBK or UTF-8 character has a line end as a later byte, so a bad line is found by itself.
    for line, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = raw.removesuffix(b"\r").decode(layout.encoding)
            if text.strip():
                yield line, list(next(csv.reader([text], delimiter=layout.delimiter, strict=True)))
        except UnicodeDecodeError:
            faults.add(line, "编码", f"不是 {layout.encoding.upper()} 编码")
        except csv.Error:
            faults.add(line, "格式", "引号或分隔符有误")


def _sheet_rows(content: bytes, faults: Faults) -> Iterator[tuple[int, list[object]]]:
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, IndexError):
        faults.add(1, "文件", "不是可以读取的 Excel 文件")
        return
    for line, row in enumerate(rows, start=1):
        if any(cell != "" for cell in row):
            yield line, list(row)


def _outcome(layout: ReturnLayout, line: int, row: list[object], faults: Faults) -> Outcome | None:
    width = len(layout.columns)
    if len(row) < width or any(cell != "" for cell in row[width:]):
        faults.add(line, "列数", f"应有 {width} 列")
        return None
    cells: Cells = {}
    for field, cell in zip(layout.columns, row, strict=False):
        if field and (text := _text(field, cell, line, faults)) is not None:
            cells[field] = text
    number = cells.get("line_number", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        faults.add(line, "序号", "不是序号")
    amount_fen = _amount(cells, line, faults)
    word = cells.get("outcome", "")
    if word not in (*layout.paid, *layout.failed):
        faults.add(line, "结果", "既不是成功也不是失败")
        return None
    paid = word in layout.paid
    day = _day(layout, cells.get("day", ""), line, faults) if paid else None
    if paid and not cells.get("serial"):
        faults.add(line, "流水号", "付款成功须有银行流水号")
    if amount_fen is None or not number.isdigit():
        return None
    return Outcome(
        file_line=line,
        line_number=int(number),
        sheet_id=cells.get("sheet_id"),
        amount_fen=amount_fen,
        paid=paid,
        serial=cells["serial"] if paid and cells.get("serial") else None,
        day=day,
        reason=None if paid else cells.get("reason", "")[:MAX_REASON] or UNEXPLAINED,
    )


def _text(field: ReturnField, cell: object, line: int, faults: Faults) -> str | None:
    """Return a cell's text. A serial or sheet that became a number may have lost digits."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, date) and field == "day":
        return f"{cell:%Y%m%d}"
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if field in ("line_number", "amount_yuan", "amount_fen"):
            return str(int(cell)) if float(cell).is_integer() else repr(cell)
        if field == "day" and float(cell).is_integer():
            return str(int(cell))
    faults.add(line, field, "单元格应为文本：数字可能已丢失前导零或后几位，请向银行重新索取")
    return None


def _amount(cells: Cells, line: int, faults: Faults) -> int | None:
    yuan = "amount_yuan" in cells
    try:
        return fen_of(cells["amount_yuan" if yuan else "amount_fen"], yuan=yuan)
    except (KeyError, ValueError):
        faults.add(line, "金额", "不是精确到分的金额")
        return None


def _day(layout: ReturnLayout, text: str, line: int, faults: Faults) -> date | None:
    for form in (layout.day_format, "%Y%m%d"):  # a spreadsheet's own date comes in the second
        try:
            return datetime.strptime(text, form).replace(tzinfo=CHINA).date()
        except ValueError:
            continue
    faults.add(line, "日期", "不是日期")
    return None
