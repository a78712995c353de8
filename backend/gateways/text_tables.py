"""A file with one heading and one line a record, everything as text: CSV (UTF-8 or GBK) or XLSX.

Nothing is mended: a number that a spreadsheet has changed is a fault.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from backend.domain.reconciliation import Fault
from backend.gateways.bank_file_rows import csv_rows, xlsx_rows

Line = tuple[int, Mapping[str, str]]


def read_rows(
    path: Path,
    name: str,
    faults: list[Fault],
    *,
    columns: Sequence[str],
    max_lines: int,
    days: Sequence[str] = (),
) -> list[Line]:
    """Return (line, cells by column) of a file; what cannot be read is added to the faults.

    The columns may stand in any order.

    :param days: columns in which a spreadsheet's date is as good as text
    """
    suffix = name.lower().rpartition(".")[2]
    if suffix not in ("csv", "xlsx"):
        faults.append(Fault(line=0, where="文件名", reason="须为 .csv 或 .xlsx"))
        return []
    rows = iter((csv_rows if suffix == "csv" else xlsx_rows)(path, faults))
    head = next(rows, None)
    names = [] if head is None else [str(cell).strip() for cell in head[1]]
    if sorted(names) != sorted(columns):
        faults.append(Fault(line=1, where="表头", reason=f"须恰为：{'、'.join(columns)}"))
        return []
    found = []
    for line, cells in rows:
        if line > max_lines + 1:
            faults.append(Fault(line=line, where="文件", reason=f"超过 {max_lines} 行"))
            break
        if texts := _texts(line, names, cells, faults, days=days):
            found.append((line, texts))
    if not found and not faults:
        faults.append(Fault(line=0, where="文件", reason="表头下面没有内容"))
    return found


def _texts(
    line: int,
    names: Sequence[str],
    cells: Sequence[object],
    faults: list[Fault],
    *,
    days: Sequence[str],
) -> Mapping[str, str] | None:
    if len(cells) != len(names):
        reason = f"有 {len(cells)} 列，表头有 {len(names)} 列"
        faults.append(Fault(line=line, where="整行", reason=reason))
        return None
    texts = {}
    for name, cell in zip(names, cells, strict=True):
        if isinstance(cell, str):
            texts[name] = cell.strip()
        elif isinstance(cell, date) and name in days:  # a datetime is a date too
            texts[name] = cell.isoformat()[:10]
        else:
            faults.append(
                Fault(line=line, where=name, reason="须为文本，被表格软件改成了数字或日期")
            )
    return texts if len(texts) == len(names) else None
