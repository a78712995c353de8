"""Reading files of earlier spending: CSV (UTF-8 or GBK) or XLSX → rows of text with their lines."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from python_calamine import CalamineError, load_workbook

from backend.domain.spending import COLUMNS, Fault, SpendingFileRefused

MAX_BYTES = 20_000_000
MAX_ROWS = 50_000
MAX_UNPACKED_BYTES = 200_000_000  # a small archive may hold far more than it weighs

Row = tuple[int, Sequence[str]]


def read_rows(content: bytes, file_name: str) -> list[Row]:
    """Return (line, cells as text) of all records below the heading; empty lines are left out.

    Raises SpendingFileRefused for a file that is none, too large, or has another heading. Nothing
    is repaired: a number that Excel keeps as a number is no voucher number.
    """
    if len(content) > MAX_BYTES:
        raise _refused(f"文件超过 {MAX_BYTES // 1_000_000} MB")
    rows = _rows_of_xlsx(content) if file_name.lower().endswith(".xlsx") else _rows_of_csv(content)
    found = [(line, cells) for line, cells in rows if any(cells)]
    if not found or tuple(found[0][1]) != COLUMNS:
        raise _refused(f"第一行应为：{'、'.join(COLUMNS)}")
    if len(found) > MAX_ROWS + 1:
        raise _refused(f"超过 {MAX_ROWS} 行，请分成几个文件")
    return found[1:]


def _rows_of_csv(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    if "\0" in text:
        raise _refused("含有不可读的字符，请另存为 CSV 或 XLSX")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise SpendingFileRefused(
            [Fault(line=reader.line_num, where="文件", reason="引号不成对，或一格内容过长")]
        ) from error


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _refused("既不是 UTF-8 也不是 GBK 编码")


def _rows_of_xlsx(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise _refused("展开后过大")
        sheet = load_workbook(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile) as error:
        raise _refused("不是可读的 XLSX 文件") from error
    width = max((n for row in rows[:1] for n, cell in enumerate(row, 1) if cell != ""), default=0)
    for line, row in enumerate(rows, start=1):
        kept = row[: max(width, *(n for n, cell in enumerate(row, 1) if cell != ""), 0)]
        yield line, [_text(cell, column) for column, cell in enumerate(kept)]


def _text(cell: object, column: int) -> str:
    """Return a cell as text. A record number that Excel holds as a number may have lost digits."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, datetime):
        at_midnight = cell.time() == datetime.min.time()
        return cell.date().isoformat() if at_midnight else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and column == COLUMNS.index("金额"):
        return repr(cell).removesuffix(".0")
    return f"（数字格式 {cell}）"


def _refused(reason: str) -> SpendingFileRefused:
    return SpendingFileRefused([Fault(line=1, where="文件", reason=reason)])
