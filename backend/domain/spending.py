"""Earlier spending (补录支出): records of before the system began, with their own dates, marked.

The first quarter's floor lies before the plan's own date, so what was spent by then comes in by a
file of records, each once, and counts in the fund report and for the floors, never as a redemption.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from backend.domain.budgets import quarter_of
from backend.domain.errors import HuiquanError
from backend.domain.money import MAX_AMOUNT_FEN, fen_of_yuan, yuan_text

COLUMNS = ("凭证号", "日期", "金额", "收款方", "备注")
MAX_TEXT = 100
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z/_-]{0,63}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong with a file. Line from 1, `where` the column's heading."""

    line: int
    where: str
    reason: str


class SpendingFileRefused(HuiquanError):
    """`details["faults"]` lists them all: line (from 1), where, reason."""

    code = "spending_file_refused"
    message = "补录文件有误，未作任何更改；请按所列行号逐条改正后重新提交"
    category = "invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        ordered = sorted(faults, key=lambda fault: (fault.line, fault.where, fault.reason))
        super().__init__(
            f"spending file refused: {len(ordered)} faults, the first in line {ordered[0].line}",
            details={"faults": [vars(fault) for fault in ordered]},
        )


class SpendingImportedBefore(HuiquanError):
    code = "spending_imported_before"
    message = "文件中有凭证已由另一次补录入账，不能重复入账，请驳回本次补录"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of the file. `business_day` is its own date in China, the amount is in fen."""

    line: int
    record_number: str
    business_day: date
    amount_fen: int
    payee: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What dates a file's records may have: in these years, not after today, in the quarter."""

    years: frozenset[int]
    today: date
    quarter: str | None


def read_records(rows: Iterable[tuple[int, Sequence[str]]], bounds: Bounds) -> list[Record]:
    """Return the records of the rows (line, cells as text), or refuse with every fault's line."""
    faults: list[Fault] = []
    records: list[Record] = []
    lines: dict[str, int] = {}
    for line, cells in rows:
        found = list(_faults(line, cells, bounds))
        number = cells[0] if cells else ""
        if number in lines:
            found.append(_fault(line, 0, f"与第 {lines[number]} 行的凭证号重复"))
        lines.setdefault(number, line)
        faults += found
        if not found:
            records.append(_record(line, cells))
    if not faults and not records:
        faults.append(Fault(line=1, where="文件", reason="没有任何记录"))
    if faults:
        raise SpendingFileRefused(faults)
    return records


def _record(line: int, cells: Sequence[str]) -> Record:
    return Record(
        line=line,
        record_number=cells[0],
        business_day=date.fromisoformat(cells[1]),
        amount_fen=fen_of_yuan(cells[2]) or 0,
        payee=cells[3],
        note=cells[4],
    )


def _faults(line: int, cells: Sequence[str], bounds: Bounds) -> Iterator[Fault]:
    if len(cells) != len(COLUMNS):
        yield Fault(line=line, where="列", reason=f"应有 {len(COLUMNS)} 列，实有 {len(cells)} 列")
        return
    if not _NUMBER.fullmatch(cells[0]):
        reason = "应为 1 到 64 个字母、数字或 / _ -，且单元格为文本格式，不能是科学计数或小数"
        yield _fault(line, 0, reason)
    if wrong := _wrong_day(cells[1], bounds):
        yield _fault(line, 1, wrong)
    amount_fen = fen_of_yuan(cells[2])
    if amount_fen is None or not 1 <= amount_fen <= MAX_AMOUNT_FEN:
        most = yuan_text(MAX_AMOUNT_FEN)
        yield _fault(line, 2, f"应为 0.01 到 {most} 元，最多两位小数，不带逗号和单位")
    if not cells[3]:
        yield _fault(line, 3, "不能为空")
    for column in (3, 4):
        if len(cells[column]) > MAX_TEXT or not cells[column].isprintable():
            yield _fault(line, column, f"最多 {MAX_TEXT} 个字，不含换行和控制字符")


def _wrong_day(text: str, bounds: Bounds) -> str | None:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        return "应为日期，写作 2023-01-31"
    if day > bounds.today:
        return "日期在今天之后"
    if day.year not in bounds.years:
        return "日期不在方案年度内"
    if bounds.quarter is not None and quarter_of(day) != bounds.quarter:
        return f"日期不在 {bounds.quarter} 季度内"
    return None


def _fault(line: int, column: int, reason: str) -> Fault:
    return Fault(line=line, where=COLUMNS[column], reason=reason)
