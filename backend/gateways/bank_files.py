"""A partner bank's daily detail file (银行明细): CSV or XLSX in, records out, or every fault.

The file is named PARTY_YYYYMMDD.csv or .xlsx and has one line for each payment, reversal and
refund of that day, under the eleven columns of COLUMNS in any order. A last line 合计 may tell how
many lines there are and the three sums, money that went back counted as negative.

Cards are masked; their digits are neither kept nor repeated in a fault. What a cell may be is said
in bank_file_cells.py.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from backend.domain.china import CHINA
from backend.domain.reconciliation import Fault, OutsideFileRefused, OutsideRecord, RecordType
from backend.gateways.bank_file_cells import (
    WrongCell,
    amount_fen_of,
    card_of,
    merchant_number_of,
    number_of,
    signed_fen_of,
    terminal_number_of,
    text_of,
    type_of,
)
from backend.gateways.bank_file_rows import Row, csv_rows, xlsx_rows

COLUMNS = (
    *("活动编号", "交易日期时间", "商户号", "终端号", "订单号/流水号", "脱敏卡号"),
    *("订单金额", "优惠金额", "实付金额", "交易类型", "原流水号"),
)
AMOUNTS = ("订单金额", "优惠金额", "实付金额")
TOTALS = "合计"
T = TypeVar("T")

_NAME = re.compile(r"([A-Z][A-Z0-9]{1,19})_([0-9]{8})\.(csv|xlsx)")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


class FileName(NamedTuple):
    """What a detail file's name says."""

    party: str
    day: date
    form: str


def read_name(name: str) -> FileName:
    """Return what a name says, or raise OutsideFileRefused."""
    match = _NAME.fullmatch(name)
    try:
        if match is None:
            raise ValueError("another form")
        day = datetime.strptime(match[2], "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        reason = "文件名须为 机构代码_年月日.csv 或 .xlsx，例如 BANK01_20230428.csv"
        raise OutsideFileRefused([Fault(line=0, where="文件名", reason=reason)]) from None
    return FileName(match[1], day, match[3])


def records(path: Path, *, name: FileName, campaigns: Collection[str]) -> Iterator[OutsideRecord]:
    """Yield a file's records in order; raise OutsideFileRefused at its end with all faults.

    So nothing may be kept before the last was yielded.

    :param campaigns: the campaigns there are; a line of another is another city's
    """
    faults: list[Fault] = []
    reading = _Reading(name.day, campaigns, faults)
    rows = (csv_rows if name.form == "csv" else xlsx_rows)(path, faults)
    for row in rows:
        record = reading.record(row)
        if record is not None:
            yield record
    if reading.columns is None and not faults:
        faults.append(Fault(line=0, where="文件", reason="文件是空的"))
    if faults:
        raise OutsideFileRefused(faults)


class _Reading:
    """One pass over a file: its head, the numbers seen, the sums so far."""

    def __init__(self, day: date, campaigns: Collection[str], faults: list[Fault]) -> None:
        self.columns: list[str] | None = None
        self._head_known = False
        self._day = day
        self._campaigns = campaigns
        self._faults = faults
        self._seen: dict[str, dict[str, int]] = {"订单号/流水号": {}, "原流水号": {}}
        self._sums = dict.fromkeys(AMOUNTS, 0)
        self._count = 0
        self._totals_line = 0

    def record(self, row: Row) -> OutsideRecord | None:
        """Return the row's record; None for the head, the totals and what is at fault."""
        line, cells = row
        if self.columns is None:
            self.columns = self._head(line, cells)
            return None
        if not self._is_row(line, cells):
            return None
        found = dict(zip(self.columns, cells, strict=True))
        if found["活动编号"] == TOTALS:
            self._check_totals(line, found)
            return None
        return self._payment_or_back(line, found)

    def _is_row(self, line: int, cells: list[object]) -> bool:
        if not self._head_known:
            return False  # nobody knows what the cells mean
        columns = self.columns or []
        reason = ""
        if self._totals_line:
            reason = f"第 {self._totals_line} 行的合计之后还有内容"
        elif not any(cell != "" for cell in cells):
            reason = "空行"
        elif len(cells) != len(columns):
            reason = f"有 {len(cells)} 列，表头有 {len(columns)} 列"
        if reason:
            self._fault(line, "整行", reason)
        return not reason

    def _fault(self, line: int, where: str, reason: str) -> None:
        self._faults.append(Fault(line=line, where=where, reason=reason))

    def _head(self, line: int, cells: list[object]) -> list[str]:
        names = [str(cell) for cell in cells]
        for name in COLUMNS:
            if names.count(name) != 1:
                self._fault(line, "表头", f"须恰有一列“{name}”")
        for name in names:
            if name not in COLUMNS:
                self._fault(line, "表头", f"不认识的列“{name[:20]}”")
        self._head_known = sorted(names) == sorted(COLUMNS)
        return names

    def _payment_or_back(self, line: int, found: Mapping[str, object]) -> OutsideRecord | None:
        before = len(self._faults)
        kind = self._cell(line, found, "交易类型", type_of)
        number = self._cell(line, found, "订单号/流水号", number_of)
        campaign_id = self._cell(line, found, "活动编号", self._campaign)
        at = self._cell(line, found, "交易日期时间", self._moment)
        merchant_number = self._cell(line, found, "商户号", merchant_number_of)
        self._cell(line, found, "终端号", terminal_number_of)
        self._cell(line, found, "脱敏卡号", card_of)
        amounts = [self._cell(line, found, name, amount_fen_of) for name in AMOUNTS]
        original = self._original(line, found, kind)
        if number is not None:
            self._once(line, "订单号/流水号", number)
        if kind == "reversal" and original is not None:
            self._once(line, "原流水号", original)
        if len(self._faults) > before:
            return None
        amount_fen, discount_fen, paid_fen = (amount or 0 for amount in amounts)
        if amount_fen != discount_fen + paid_fen:
            self._fault(line, "订单金额", "不等于优惠金额与实付金额之和")
            return None
        record = OutsideRecord(
            line=line,
            type=kind or "payment",
            our_number=(original if kind == "reversal" else number) or "",
            outside_number=number,
            at=at or datetime.min.replace(tzinfo=CHINA),
            amount_fen=amount_fen,
            discount_fen=discount_fen,
            merchant_number=merchant_number,
            campaign_id=campaign_id,
        )
        self._count += 1
        sign = 1 if kind == "payment" else -1
        for name, fen in zip(AMOUNTS, (amount_fen, discount_fen, paid_fen), strict=True):
            self._sums[name] += sign * fen
        return record

    def _cell(
        self, line: int, found: Mapping[str, object], name: str, read: Callable[[object], T]
    ) -> T | None:
        try:
            return read(found[name])
        except WrongCell as wrong:
            self._fault(line, name, str(wrong))
            return None

    def _campaign(self, cell: object) -> str:
        text = text_of(cell)
        if text not in self._campaigns:
            raise WrongCell("没有这个活动")
        return text

    def _moment(self, cell: object) -> datetime:
        text = text_of(cell)
        try:
            if not _MOMENT.fullmatch(text):
                raise ValueError("another form")
            at = datetime.fromisoformat(text).replace(tzinfo=CHINA)
        except ValueError:
            raise WrongCell("须为 2023-04-28 10:00:00 形式的文本") from None
        if at.date() != self._day:
            raise WrongCell(f"不是文件名所说的 {self._day}")
        return at

    def _original(
        self, line: int, found: Mapping[str, object], kind: RecordType | None
    ) -> str | None:
        if kind == "payment":
            if found["原流水号"] != "":
                self._fault(line, "原流水号", "消费不应有原流水号")
            return None
        return self._cell(line, found, "原流水号", number_of)

    def _once(self, line: int, where: str, number: str) -> None:
        """A payment is in a file once, and undone once."""
        first = self._seen[where].setdefault(number, line)
        if first != line:
            self._fault(line, where, f"与第 {first} 行重复")

    def _check_totals(self, line: int, found: Mapping[str, object]) -> None:
        self._totals_line = line
        for name in set(COLUMNS) - {"活动编号", "订单号/流水号", *AMOUNTS}:
            if found[name] != "":
                self._fault(line, name, "合计行此处须为空")
        if self._faults:
            return  # the sums lack the lines that are at fault
        told = found["订单号/流水号"]
        if told not in (str(self._count), self._count):
            self._fault(line, "订单号/流水号", f"合计笔数与明细 {self._count} 笔不符")
        for name in AMOUNTS:
            told_fen = self._cell(line, found, name, signed_fen_of)
            if told_fen is not None and told_fen != self._sums[name]:
                self._fault(line, name, "合计金额与明细之和不符")
