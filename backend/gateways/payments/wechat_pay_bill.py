"""WeChat Pay's trade bill: bytes in, rows and sums out, or every fault with its line.

The file is UTF-8 with a mark at its beginning, a header, rows, a header of sums, one line of sums.
Values are not quoted; each begins with a back-tick, so `,` and back-tick together part them and a
comma inside a product's name does no harm. Columns are found by name: WeChat Pay appends new ones.
Source: WeChat Pay API v3, 申请交易账单, 交易账单详细说明.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.clock import CHINA

TIME = "交易时间"
_TEXTS = {
    "appid": "公众账号ID",
    "mchid": "商户号",
    "transaction_id": "微信订单号",
    "out_trade_no": "商户订单号",
    "trade_type": "交易类型",
    "state": "交易状态",
    "currency": "货币种类",
    "refund_id": "微信退款单号",
    "out_refund_no": "商户退款单号",
    "refund_state": "退款状态",
}
_AMOUNTS = {  # field of a row: (column, sum of the column)
    "settled_fen": ("应结订单金额", "应结订单总金额"),
    "refund_fen": ("退款金额", "退款总金额"),
    "coupon_refund_fen": ("充值券退款金额", "充值券退款总金额"),
    "order_fen": ("订单金额", "订单总金额"),
    "asked_refund_fen": ("申请退款金额", "申请退款总金额"),
}
_OF_REFUNDS = ("refund_id", "out_refund_no", "refund_state")
_COUPON = "代金券金额"
_FEE, _FEE_SUM = "手续费", "手续费总金额"
_COUNT = "总交易单数"
_NONE = {"", "0"}  # how a refund's number is written in a payment's row
_FEE_DECIMALS = 5


@dataclass(frozen=True, kw_only=True)
class BillRow:
    """One payment (`state` SUCCESS) or one refund (`state` REFUND, or REVOKED) of the day.

    `order_fen` is the order, `settled_fen` what of it is settled with the merchant, `coupon_fen`
    what WeChat Pay's vouchers paid; `asked_refund_fen` is the refund stated on the order's amount.
    `fee_milli_fen`: the bill counts fees in thousandths of a fen; a refund's is negative.
    """

    line: int
    at: datetime
    appid: str
    mchid: str
    transaction_id: str
    out_trade_no: str
    trade_type: str
    state: str
    currency: str
    refund_id: str | None
    out_refund_no: str | None
    refund_state: str | None
    settled_fen: int
    coupon_fen: int
    refund_fen: int
    coupon_refund_fen: int
    order_fen: int
    asked_refund_fen: int
    fee_milli_fen: int


@dataclass(frozen=True)
class TradeBill:
    """A whole bill whose sums agree with its rows. Sums are told by the rows' field names."""

    rows: tuple[BillRow, ...]
    sums: Mapping[str, int]


class BillFaulty(Exception):
    """The file cannot be taken; `faults` are all (line, what, for people), lines counted from 1."""

    def __init__(self, faults: Sequence[tuple[int, str]]) -> None:
        super().__init__("; ".join(f"line {line}: {what}" for line, what in faults))
        self.faults = tuple(faults)


@dataclass
class _Reading:
    faults: list[tuple[int, str]] = field(default_factory=list)

    def fault(self, line: int, what: str) -> None:
        self.faults.append((line, what))

    def values(self, line: int, text: str, columns: Sequence[str]) -> dict[str, str] | None:
        """Return a line's values by column, or note that it has another number of them."""
        if not text.startswith("`"):
            self.fault(line, "有一个值前面没有反引号")
            return None
        found = text[1:].split(",`")
        if len(found) != len(columns):
            self.fault(line, f"有 {len(found)} 个值，表头有 {len(columns)} 列")
            return None
        return dict(zip(columns, (value.strip() for value in found), strict=True))

    def number(self, line: int, column: str, text: str, *, decimals: int = 2) -> int:
        """Return yuan in units of so many decimals, exactly; 0 beside a noted fault."""
        match = re.fullmatch(rf"(-?)([0-9]{{1,12}})\.([0-9]{{2,{decimals}}})", text)
        if match is None:
            self.fault(line, f"{column}不是金额：{text[:30]!r}")
            return 0
        return int(f"{match[1]}{match[2]}{match[3]:0<{decimals}}")


def parse_trade_bill(content: bytes) -> TradeBill:
    """Return the rows and sums of a bill.

    :raises BillFaulty: anything is not as it must be: not UTF-8, a column missing, a value damaged
        (as Excel leaves 8.98E+14), a line cut, a number twice, sums that differ; nothing is taken
    """
    reading = _Reading()
    try:
        # Not splitlines(): a product's name may hold what Unicode calls the end of a line.
        lines = [line.removesuffix("\r") for line in content.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BillFaulty([(line, "不是 UTF-8 编码")]) from None
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) < 3:
        raise BillFaulty([(len(lines) or 1, "文件不完整：账单须有表头、明细和汇总")])
    columns = _header(reading, 1, lines[0], _row_columns())
    sum_columns = _header(reading, len(lines) - 1, lines[-2], _sum_columns())
    if reading.faults:
        raise BillFaulty(reading.faults)
    rows = tuple(_rows(reading, lines[1:-2], columns))
    told = reading.values(len(lines), lines[-1], sum_columns)
    sums = _sums(reading, len(lines), told, rows) if told is not None else {}
    if reading.faults:
        raise BillFaulty(reading.faults)
    return TradeBill(rows, sums)


def _row_columns() -> list[str]:
    amounts = [column for column, _ in _AMOUNTS.values()]
    return [TIME, *_TEXTS.values(), *amounts, _COUPON, _FEE]


def _sum_columns() -> list[str]:
    return [_COUNT, *(total for _, total in _AMOUNTS.values()), _FEE_SUM]


def _header(reading: _Reading, line: int, text: str, wanted: Sequence[str]) -> list[str]:
    columns = [name.strip() for name in text.split(",")]
    for name in wanted:
        if columns.count(name) != 1:
            reading.fault(line, f"须恰有一列“{name}”，现有 {columns.count(name)} 列")
    return columns


def _rows(reading: _Reading, lines: Sequence[str], columns: Sequence[str]) -> Iterator[BillRow]:
    seen: dict[tuple[str | None, ...], int] = {}
    for line, text in enumerate(lines, start=2):
        values = reading.values(line, text, columns)
        row = _row(reading, line, values) if values is not None else None
        if row is None:
            continue
        key = (row.transaction_id, row.refund_id, row.state)
        if key in seen:
            reading.fault(line, f"与第 {seen[key]} 行是同一笔交易")
        seen[key] = line
        yield row


def _row(reading: _Reading, line: int, values: Mapping[str, str]) -> BillRow | None:
    try:
        at = datetime.strptime(values[TIME], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        reading.fault(line, f"{TIME}不是有效的日期时间：{values[TIME][:30]!r}")
        return None
    texts = {name: values[column] for name, column in _TEXTS.items()}
    for name in ("transaction_id", "mchid"):
        if not re.fullmatch(r"[0-9]{8,64}", texts[name]):
            reading.fault(line, f"{_TEXTS[name]}的格式不对：{texts[name][:30]!r}")
    if not re.fullmatch(r"[0-9A-Za-z_|*-]{6,32}", texts["out_trade_no"]):
        reading.fault(line, f"{_TEXTS['out_trade_no']}的格式不对：{texts['out_trade_no'][:30]!r}")
    if not texts["state"]:
        reading.fault(line, f"{_TEXTS['state']}是空的")
    if texts["currency"] != "CNY":
        reading.fault(line, f"{_TEXTS['currency']}须为 CNY，现为 {texts['currency'][:30]!r}")
    rest: dict[str, Any] = {
        name: reading.number(line, column, values[column]) for name, (column, _) in _AMOUNTS.items()
    }
    rest |= texts
    rest |= {name: None for name in _OF_REFUNDS if texts[name] in _NONE}
    return BillRow(
        line=line,
        at=at,
        coupon_fen=reading.number(line, _COUPON, values[_COUPON]),
        fee_milli_fen=reading.number(line, _FEE, values[_FEE], decimals=_FEE_DECIMALS),
        **rest,
    )


def _sums(
    reading: _Reading, line: int, told: Mapping[str, str], rows: Sequence[BillRow]
) -> dict[str, int]:
    """Return the sums of the rows; each must be what the last line tells."""
    if told[_COUNT] != str(len(rows)):
        reading.fault(line, f"{_COUNT}为 {told[_COUNT][:30]!r}，明细有 {len(rows)} 笔")
    totals = {name: (total, 2) for name, (_, total) in _AMOUNTS.items()}
    totals["fee_milli_fen"] = (_FEE_SUM, _FEE_DECIMALS)
    sums = {}
    for name, (column, decimals) in totals.items():
        sums[name] = sum(getattr(row, name) for row in rows)
        if reading.number(line, column, told[column], decimals=decimals) != sums[name]:
            reading.fault(line, f"{column}与明细之和不符")
    return sums
