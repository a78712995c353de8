"""A bank's file of qualified merchants (提报): CSV (UTF-8 or GBK) or XLSX in, its lines out.

One heading, one line a merchant, everything as text. Nothing is mended: a number that a
spreadsheet has changed is a fault.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from backend.domain.applicants import AppliedFor
from backend.domain.reconciliation import Fault
from backend.gateways.bank_file_rows import csv_rows, xlsx_rows

COLUMNS = (
    *("商户名称", "营业执照名称", "统一社会信用代码", "营业执照编号", "商户号", "终端号", "领域"),
    *("区域", "地址", "联系人", "联系电话", "申请", "承诺书版本", "签订人", "签订日期"),
)
MAX_LINES = 2_000
APPLIED_FOR: Mapping[str, AppliedFor] = {"POS机": "pos", "码牌": "placard"}


def read_rows(path: Path, name: str, faults: list[Fault]) -> list[tuple[int, Mapping[str, str]]]:
    """Return (line, cells by column) of a file; what cannot be read is added to the faults.

    The columns may stand in any order.
    """
    suffix = name.lower().rpartition(".")[2]
    if suffix not in ("csv", "xlsx"):
        faults.append(Fault(line=0, where="文件名", reason="须为 .csv 或 .xlsx"))
        return []
    rows = iter((csv_rows if suffix == "csv" else xlsx_rows)(path, faults))
    head = next(rows, None)
    names = [] if head is None else [str(cell).strip() for cell in head[1]]
    if sorted(names) != sorted(COLUMNS):
        faults.append(Fault(line=1, where="表头", reason=f"须恰为：{'、'.join(COLUMNS)}"))
        return []
    found = []
    for line, cells in rows:
        if line > MAX_LINES + 1:
            faults.append(Fault(line=line, where="文件", reason=f"超过 {MAX_LINES} 家"))
            break
        if texts := _texts(line, names, cells, faults):
            found.append((line, texts))
    if not found and not faults:
        faults.append(Fault(line=0, where="文件", reason="没有商户"))
    return found


def _texts(
    line: int, names: Sequence[str], cells: Sequence[object], faults: list[Fault]
) -> Mapping[str, str] | None:
    if len(cells) != len(names):
        reason = f"有 {len(cells)} 列，表头有 {len(names)} 列"
        faults.append(Fault(line=line, where="整行", reason=reason))
        return None
    texts = {}
    for name, cell in zip(names, cells, strict=True):
        if isinstance(cell, str):
            texts[name] = cell.strip()
        elif isinstance(cell, date) and name == "签订日期":  # a datetime is a date too
            texts[name] = cell.isoformat()[:10]
        else:
            faults.append(
                Fault(line=line, where=name, reason="须为文本，被表格软件改成了数字或日期")
            )
    return texts if len(texts) == len(names) else None
