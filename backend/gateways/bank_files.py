"""A partner bank's daily detail file (银行明细): CSV or XLSX in, records out, or every fault.

The file is named PARTY_YYYYMMDD.csv or .xlsx and has one line for each payment, reversal and
refund of that day, under the eleven columns of COLUMNS in any order. A last line 合计 may tell how
many lines there are and the three sums, money that went back counted as negative.

Everything but amounts is text in a spreadsheet too. Amounts are positive yuan of at most two
decimals. Cards are masked; their digits are neither kept nor repeated in a fault.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

from backend.domain.china import CHINA
from backend.domain.money import MAX_AMOUNT_FEN
from backend.domain.reconciliation import Fault, OutsideFileRefused, OutsideRecord, RecordType
from backend.gateways.bank_file_rows import Row, csv_rows, xlsx_rows

COLUMNS = (
    *("活动编号", "交易日期时间", "商户号", "终端号", "订单号/流水号", "脱敏卡号"),
    *("订单金额", "优惠金额", "实付金额", "交易类型", "原流水号"),
)
AMOUNTS = ("订单金额", "优惠金额", "实付金额")
TYPES: dict[str, RecordType] = {"消费": "payment", "撤销": "reversal", "退货": "refund"}
TOTALS = "合计"
T = TypeVar("T")
NUMBER_FORM = r"[0-9A-Za-z_-]{6,64}"

_NAME = re.compile(r"([A-Z][A-Z0-9]{1,19})_([0-9]{8})\.(csv|xlsx)")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?[Ee][+-]?[0-9]+")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


class FileName(NamedTuple):
    """What a detail file's name says."""

    party: str
    day: date
    form: str


class _Wrong(Exception):
    """A cell that cannot be believed; the text is for people and repeats no card."""


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
        kind = self._cell(line, found, "交易类型", _type)
        number = self._cell(line, found, "订单号/流水号", _number)
        campaign_id = self._cell(line, found, "活动编号", self._campaign)
        at = self._cell(line, found, "交易日期时间", self._moment)
        merchant_number = self._cell(line, found, "商户号", _merchant_number)
        self._cell(line, found, "终端号", _terminal_number)
        self._cell(line, found, "脱敏卡号", _card)
        amounts = [self._cell(line, found, name, _amount_fen) for name in AMOUNTS]
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
        except _Wrong as wrong:
            self._fault(line, name, str(wrong))
            return None

    def _campaign(self, cell: object) -> str:
        text = _text(cell)
        if text not in self._campaigns:
            raise _Wrong("没有这个活动")
        return text

    def _moment(self, cell: object) -> datetime:
        text = _text(cell)
        try:
            if not _MOMENT.fullmatch(text):
                raise ValueError("another form")
            at = datetime.fromisoformat(text).replace(tzinfo=CHINA)
        except ValueError:
            raise _Wrong("须为 2023-04-28 10:00:00 形式的文本") from None
        if at.date() != self._day:
            raise _Wrong(f"不是文件名所说的 {self._day}")
        return at

    def _original(
        self, line: int, found: Mapping[str, object], kind: RecordType | None
    ) -> str | None:
        if kind == "payment":
            if found["原流水号"] != "":
                self._fault(line, "原流水号", "消费不应有原流水号")
            return None
        return self._cell(line, found, "原流水号", _number)

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
            told_fen = self._cell(line, found, name, _signed_fen)
            if told_fen is not None and told_fen != self._sums[name]:
                self._fault(line, name, "合计金额与明细之和不符")


def _text(cell: object) -> str:
    """Return a cell that is text, or say what a spreadsheet made of it."""
    if isinstance(cell, str):
        if "\0" in cell:
            raise _Wrong("含有空字符（NUL）")
        if ("E" in cell or "e" in cell) and _SCIENTIFIC.fullmatch(cell):
            raise _Wrong("被表格软件改成了科学计数法，原来的数字已丢失")
        if cell[:1] in ("=", "+", "@", "＝", "＋", "＠"):
            raise _Wrong("含有公式")
        return cell
    if isinstance(cell, bool):
        raise _Wrong("须为文本")
    if isinstance(cell, int | float):
        raise _Wrong("须为文本，被表格软件存成了数字")
    raise _Wrong("须为文本，被表格软件存成了日期")


def _matching(form: str, reason: str) -> Callable[[object], str]:
    pattern = re.compile(form)

    def read(cell: object) -> str:
        text = _text(cell)
        if not pattern.fullmatch(text):
            raise _Wrong(reason)
        return text

    return read


_number = _matching(NUMBER_FORM, "须为 6 至 64 位字母数字")
_card = _matching(r"[0-9]{6}\*{6,9}[0-9]{4}", "须为前六后四、中间星号的脱敏卡号")


def _merchant_number(cell: object) -> str:
    text = _text(cell)
    if not re.fullmatch(r"[0-9]{15}", text):
        raise _Wrong(f"须为 15 位数字，现为 {len(text)} 位")
    return text


def _terminal_number(cell: object) -> str:
    text = _text(cell)
    if not re.fullmatch(r"[0-9A-Za-z]{8}", text):
        lost = re.fullmatch(r"[0-9]{1,7}", text)
        hint = "，可能丢失了开头的 0" if lost else ""
        raise _Wrong(f"须为 8 位字母数字，现为 {len(text)} 位{hint}")
    return text


def _type(cell: object) -> RecordType:
    text = _text(cell)
    if text not in TYPES:
        raise _Wrong("须为消费、撤销或退货")
    return TYPES[text]


def _amount_fen(cell: object) -> int:
    """Return an amount in fen: text, or a number cell that is exactly so many fen."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise _Wrong("须为金额")
    text = _text(cell) if isinstance(cell, str) else _plain(cell)
    if text.startswith("-"):
        raise _Wrong("须为正数，方向由交易类型说明")
    if not _AMOUNT.fullmatch(text):
        raise _Wrong("须为最多两位小数的元，不带千分位")
    amount_fen = int(Decimal(text) * 100)
    if amount_fen > MAX_AMOUNT_FEN:
        raise _Wrong("金额过大")
    return amount_fen


def _signed_fen(cell: object) -> int:
    text = cell if isinstance(cell, str) else _plain(cell) if isinstance(cell, int | float) else ""
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,2})?", text):
        raise _Wrong("须为最多两位小数的元，不带千分位")
    return int(Decimal(text) * 100)


def _plain(number: float) -> str:
    """Return the shortest digits of a number cell without an exponent: 85.5 -> '85.5'."""
    return format(Decimal(repr(number)).normalize(), "f")
