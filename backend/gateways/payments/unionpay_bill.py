"""UnionPay's ZM file: what it settled for a merchant number on a day, record by record.

GBK, each record 607 bytes and CRLF: 42 fields of fixed width with one space between them, counted
in bytes, because shops' names are Chinese (UnionPay's layout of merchants' reconciliation files).
A file with any fault gives its faults, all of them, and not one row.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from backend.domain.china import CHINA

WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98),
)
RECORD_BYTES = sum(WIDTHS) + len(WIDTHS) - 1
LINE_END = b"\r\n"
CONSUME, REFUND = "S56", "S30"

# Where the fields that we read stand, and what they must look like once blanks are cut off.
_FIELDS: dict[str, tuple[int, str, str]] = {
    "code": (0, "交易代码", r"[A-Z][0-9]{2}"),
    "trace_number": (3, "系统跟踪号", r"[0-9]{6}"),
    "sent_at": (4, "交易传输时间", r"[0-9]{10}"),
    "account": (5, "帐号", r"[0-9*]{0,19}"),
    "amount_fen": (6, "交易金额", r"[0-9]{12}"),
    "mcc": (7, "商户类别", r"[0-9]{4}"),
    "reference": (9, "查询流水号", r"[0-9A-Za-z]{1,21}"),
    "order_id": (11, "商户订单号", r"[0-9A-Za-z]{1,32}"),
    "fee_fen": (15, "商户手续费", r"[CD][0-9]{12}"),
    "settle_fen": (16, "结算金额", r"[CD][0-9]{12}"),
    "charge_reference": (26, "原交易查询流水号", r"[0-9A-Za-z]{0,21}"),
    "merchant_number": (27, "商户代码", r"[0-9A-Za-z]{15}"),
    "terminal_number": (33, "终端号", r"[0-9A-Za-z]{0,8}"),
    "discount_fen": (35, "优惠金额", r"(?:[CD]?[0-9]{12,13})?"),
}
_BEGINS = [sum(WIDTHS[:n]) + n for n in range(len(WIDTHS))]
_PATTERNS = {name: re.compile(look) for name, (_, _, look) in _FIELDS.items()}
_FILE_NAME = re.compile(r"INN([0-9]{6})[0-9]{2}ZM_([0-9A-Za-z]{15})")


@dataclass(frozen=True, kw_only=True)
class ZmRow:
    """One settled transaction. Amounts in fen, numbers as text.

    `fee_fen` is what the merchant pays, `settle_fen` what it receives; either is below zero when
    it goes the other way, as a refund's does. `amount_fen` is never below zero: `kind` says which
    way. `discount_fen` is UnionPay's own.
    """

    line: int
    kind: Literal["payment", "refund", "other"]
    code: str
    order_id: str  # the order's, or the refund's own
    reference: str
    charge_reference: str | None  # of a refund: the payment's
    amount_fen: int
    fee_fen: int
    settle_fen: int
    discount_fen: int
    sent_at: datetime
    trace_number: str
    mcc: str
    merchant_number: str
    terminal_number: str
    card_last4: str  # of the masked number that the file shows; more is not kept


@dataclass(frozen=True, kw_only=True)
class ZmFile:
    """A whole file without a fault."""

    file_name: str
    day: date
    merchant_number: str
    rows: tuple[ZmRow, ...]

    @property
    def paid_fen(self) -> int:
        return sum(row.amount_fen for row in self.rows if row.kind == "payment")

    @property
    def refunded_fen(self) -> int:
        return sum(row.amount_fen for row in self.rows if row.kind == "refund")

    @property
    def fee_fen(self) -> int:
        return sum(row.fee_fen for row in self.rows)

    @property
    def settle_fen(self) -> int:
        return sum(row.settle_fen for row in self.rows)


@dataclass(frozen=True)
class ZmFault:
    """What is wrong in a line, for people; line 0 is the file as a whole."""

    line: int
    message: str


class ZmRefused(Exception):
    """A file with faults. Nothing of it was taken."""

    def __init__(self, faults: Iterable[ZmFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(f"{len(self.faults)} faults")


def parse_zm(file_name: str, content: bytes) -> ZmFile:
    """Read a ZM file whole.

    :param file_name: its own name; day and year stand nowhere else
    :raises ZmRefused: with every fault, by line
    """
    named = _FILE_NAME.fullmatch(file_name)
    day = _day(named[1]) if named else None
    if named is None or day is None:
        raise ZmRefused([ZmFault(0, "文件名应为 INN+年月日+两位数字+ZM_+15位商户号")])
    faults: list[ZmFault] = []
    rows: list[ZmRow] = []
    lines = content.split(LINE_END)
    if lines.pop():
        faults.append(ZmFault(len(lines) + 1, "最后一行没有以回车换行结束，文件可能不完整"))
    seen: dict[tuple[str, str], int] = {}
    for number, record in enumerate(lines, start=1):
        found = _row(number, record, day)
        if isinstance(found, list):
            faults.extend(found)
            continue
        if found.merchant_number != named[2]:
            faults.append(ZmFault(number, "商户代码与文件名中的商户号不同"))
        first = seen.setdefault((found.code, found.reference), number)
        if first != number:
            faults.append(ZmFault(number, f"与第 {first} 行是同一笔交易"))
        rows.append(found)
    if faults:
        raise ZmRefused(faults)
    return ZmFile(file_name=file_name, day=day, merchant_number=named[2], rows=tuple(rows))


def _row(number: int, record: bytes, day: date) -> ZmRow | list[ZmFault]:
    if len(record) != RECORD_BYTES:
        return [ZmFault(number, f"应有 {RECORD_BYTES} 字节，实有 {len(record)} 字节")]
    try:
        record.decode("gbk")
    except UnicodeDecodeError:
        return [ZmFault(number, "不是 GBK 编码")]
    if any(record[begin - 1 : begin] != b" " for begin in _BEGINS[1:]):
        return [ZmFault(number, "字段之间应各有一个空格，字段宽度不对")]
    faults = []
    texts = {}
    for name, (position, title, _) in _FIELDS.items():
        begin = _BEGINS[position]
        # A field in the middle of a two-byte letter is no text: it fails its pattern below.
        text = record[begin : begin + WIDTHS[position]].decode("gbk", "replace").strip(" ")
        texts[name] = text
        if not _PATTERNS[name].fullmatch(text):
            faults.append(ZmFault(number, f"{title}的格式不对"))
    sent_at = None if faults else _moment(texts["sent_at"], day)
    if not faults and sent_at is None:
        faults.append(ZmFault(number, "交易传输时间不是有效的日期时间"))
    if faults or sent_at is None:
        return faults
    return _read(number, texts, sent_at)


def _read(number: int, texts: dict[str, str], sent_at: datetime) -> ZmRow:
    code = texts["code"]
    return ZmRow(
        line=number,
        kind="payment" if code == CONSUME else "refund" if code == REFUND else "other",
        code=code,
        order_id=texts["order_id"],
        reference=texts["reference"],
        charge_reference=texts["charge_reference"] or None,
        amount_fen=int(texts["amount_fen"]),
        fee_fen=-_signed_fen(texts["fee_fen"]),
        settle_fen=_signed_fen(texts["settle_fen"]),
        discount_fen=abs(_signed_fen(texts["discount_fen"])),
        sent_at=sent_at,
        trace_number=texts["trace_number"],
        mcc=texts["mcc"],
        merchant_number=texts["merchant_number"],
        terminal_number=texts["terminal_number"],
        card_last4=texts["account"][-4:],
    )


def _signed_fen(text: str) -> int:
    """Return fen to the merchant: C is credited, D debited; no letter counts as C."""
    digits = text.lstrip("CD")
    fen = int(digits) if digits else 0
    return -fen if text.startswith("D") else fen


def _day(text: str) -> date | None:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


def _moment(text: str, day: date) -> datetime | None:
    """Return MMDDhhmmss with the year that brings it nearest to the file's day.

    A file of 1 January holds what was sent on 31 December.
    """
    month, of_month, hour, minute, second = (int(text[n : n + 2]) for n in range(0, 10, 2))
    found = []
    for year in (day.year - 1, day.year, day.year + 1):
        try:
            found.append(datetime(year, month, of_month, hour, minute, second, tzinfo=CHINA))
        except ValueError:  # no such moment in this year
            continue
    return min(found, key=lambda at: abs(at.date() - day), default=None)
