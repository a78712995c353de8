"""The rows of a bank's file as cells, CSV or XLSX, with every damage named by its line.

Nothing is mended on the way: a spreadsheet that was opened and saved again has often lost zeros
and digits, and no program can know which.
"""

import csv
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from backend.domain.reconciliation import MAX_LINES, Fault

Row = tuple[int, list[object]]
MAX_LINE_BYTES = 4096
UNPACKED_MAX_BYTES = 512 * 1024 * 1024
EXPLANATION = "填写说明"  # a sheet of our templates
_CHUNK_BYTES = 1024 * 1024
_OVERLAP_BYTES = 4096  # a cell's head and its formula's mark are never further apart
_FORMULA = re.compile(rb'<c r="[A-Z]+([0-9]+)"[^>]*>\s*<f[\s/>]')
_BOM = b"\xef\xbb\xbf"


def csv_rows(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Yield (line, cells) of a CSV file in UTF-8, with a BOM or not, or GBK; one line in memory.

    The head decides the encoding; a line in the other one is a fault.
    """
    encoding = ""
    with path.open("rb") as file:
        lines = iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")
        for number, read in enumerate(lines, start=1):
            line = read
            if number > MAX_LINES + 2:  # the head and the totals
                faults.append(Fault(line=number, where="文件", reason=f"超过 {MAX_LINES} 行"))
                return
            if len(line) > MAX_LINE_BYTES:
                reason = f"一行超过 {MAX_LINE_BYTES} 字节"
                faults.append(Fault(line=number, where="整行", reason=reason))
                return
            if number == 1:
                encoding, line = _encoding(line)
            cells = _csv_cells(line, number, encoding, faults)
            if cells is not None:
                yield number, cells


def _encoding(head: bytes) -> tuple[str, bytes]:
    if head.startswith(_BOM):
        return "utf-8", head.removeprefix(_BOM)
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "gbk", head
    return "utf-8", head


def _csv_cells(line: bytes, number: int, encoding: str, faults: list[Fault]) -> list[object] | None:
    reason = ""
    if b"\0" in line:
        reason = "含有空字符（NUL）"
    elif not line.strip():
        reason = "空行"
    elif encoding == "gbk" and _is_other_encoding(line):
        reason = "编码与表头不一致（表头为 GBK，本行为 UTF-8）"
    if not reason:
        try:
            text = line.decode(encoding).removesuffix("\n").removesuffix("\r")
            return list(next(csv.reader([text], strict=True)))
        except UnicodeDecodeError:
            reason = f"编码与表头不一致（表头为 {encoding.upper()}）"
        except csv.Error:
            reason = "引号或换行有误"
    faults.append(Fault(line=number, where="整行", reason=reason))
    return None


def _is_other_encoding(line: bytes) -> bool:
    """Whether a line is UTF-8 beyond ASCII; the words for the type never are that in GBK."""
    try:
        return not line.decode("utf-8").isascii()
    except UnicodeDecodeError:
        return False


# Whatever damaged bytes make of a ZIP file: zlib, struct and zipfile each have words of their own.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, KeyError, ValueError),
    *(RuntimeError, CalamineError),  # RuntimeError: wants a password, or packed in an unknown way
)


def xlsx_rows(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Yield (line, cells) of the one sheet of an XLSX file; a formula anywhere is a fault.

    The sheet that explains our own templates may stand beside it.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED_MAX_BYTES:
                faults.append(Fault(line=0, where="文件", reason="解压后过大"))
                return
            sheets = [n for n in packed.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", n)]
            for name in sheets:
                faults += _formulas(packed, name)
        with CalamineWorkbook.from_path(path) as book:
            names = [name for name in book.sheet_names if name != EXPLANATION]
            if len(names) != 1 or len(sheets) != len(book.sheet_names):
                faults.append(Fault(line=0, where="文件", reason="须只有一张工作表"))
                return
            sheet = book.get_sheet_by_name(names[0])
            if sheet.start not in (None, (0, 0)):
                faults.append(Fault(line=1, where="表头", reason="表头须在第一行第一列"))
                return
            if sheet.total_height > MAX_LINES + 2:
                faults.append(Fault(line=0, where="文件", reason=f"超过 {MAX_LINES} 行"))
                return
            for number, cells in enumerate(sheet.iter_rows(), start=1):
                yield number, list(cells)
    except _DAMAGE:
        faults.append(Fault(line=0, where="文件", reason="不是完好的 XLSX 文件"))


def _formulas(packed: zipfile.ZipFile, name: str) -> Iterator[Fault]:
    """Find formulas: their last result stands in the file and need not be of these figures."""
    found: set[int] = set()
    with packed.open(name) as sheet:
        rest = b""
        while chunk := sheet.read(_CHUNK_BYTES):
            text = rest + chunk
            found |= {int(match[1]) for match in _FORMULA.finditer(text)}
            rest = text[-_OVERLAP_BYTES:]
    for line in sorted(found):
        yield Fault(line=line, where="单元格", reason="含有公式")
