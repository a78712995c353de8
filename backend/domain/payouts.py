"""The payout file (银行代发文件): its layout, its lines, and what a bank may answer.

A layout says which fields a bank wants, in which order and form; it is data, so that another bank
needs another file and no other code. Nothing is cut to fit: what does not fit is refused, because
an account's name or number that is almost right pays somebody else.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Literal

from backend.domain.errors import HuiquanError
from backend.domain.merchant_steps import Status
from backend.domain.money import yuan_text

FileFormat = Literal["delimited", "fixed", "xlsx"]
Encoding = Literal["gbk", "utf-8"]
PayoutField = Literal[
    "line_number",
    "sheet_id",
    "account_number",
    "holder",
    "bank",
    "amount_yuan",
    "amount_fen",
    "remark",
    "empty",
]
ReturnField = Literal[
    "line_number", "sheet_id", "amount_yuan", "amount_fen", "outcome", "serial", "day", "reason", ""
]
MAX_RETURN_BYTES = 20_000_000
MAX_LINES = 9_999  # what banks take in one file


class PayoutAccountTaken(HuiquanError):
    """The same account under two merchants is how one person is paid as two."""

    code = "payout_account_taken"
    message = "该收款账号已属于另一家商户，请核对后换用商户自己的账号"
    category = "conflict"


class PayoutAccountInvalid(HuiquanError):
    code = "payout_account_invalid"
    message = "收款账户有误：账号须为 8 至 32 位数字，户名和开户行须为 1 至 60 个可打印字符"
    category = "invalid"


class PayoutAccountNotProposed(HuiquanError):
    code = "payout_account_not_proposed"
    message = "该商户没有待复核的这一收款账户，请重新登记"
    category = "conflict"


class NothingToPay(HuiquanError):
    """`details.left_out` says of each sheet why it cannot be paid."""

    code = "nothing_to_pay"
    message = "没有可以代发的结算单，请查看待代发的结算单和商户收款账户"
    category = "conflict"


class PayoutNumberReused(HuiquanError):
    code = "payout_number_reused"
    message = "该批次号已用于另一个日期的代发文件，请换一个批次号"
    category = "conflict"


class PayoutLayoutInvalid(HuiquanError):
    code = "payout_layout_invalid"
    message = "代发文件的格式设置有误，请按提示修改 PAYOUT_LAYOUT 所指的文件"
    category = "invalid"


class PayoutFileUnwritable(HuiquanError):
    """A value cannot be written in the bank's form; the log names the sheet and the field."""

    code = "payout_file_unwritable"
    message = "有内容不能按银行要求的格式写出，未生成文件，请按提示更正商户收款账户或格式设置"
    category = "conflict"


class ReturnFileRefused(HuiquanError):
    """`details.faults` lists {line, where, reason}; nothing of the file was taken."""

    code = "return_file_refused"
    message = "银行回盘文件有误，未读入任何内容；请按所列行号与银行核对后重新提交"
    category = "invalid"


def waits_when_returned(merchant_status: Status) -> bool:
    """Tell whether a payment that the bank returned waits until somebody has looked at each line.

    Source: plan, part eight (四): who cheats loses his place, and what he was owed is looked into.
    Anybody else is paid again with the next file.
    """
    return merchant_status == "disqualified"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One field of a line. `width` in encoded bytes, for fixed files alone."""

    field: PayoutField
    title: str
    width: int = 0
    align: Literal["left", "right"] = "left"
    pad: str = " "


@dataclass(frozen=True, kw_only=True)
class ReturnLayout:
    """How the bank answers. Columns by place; "" is one that is not read."""

    format: Literal["delimited", "xlsx"]
    encoding: Encoding
    delimiter: str
    skip_first: int
    skip_last: int
    columns: tuple[ReturnField, ...]
    paid: tuple[str, ...]
    failed: tuple[str, ...]
    day_format: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A bank's form. `header` and `footer` may name {number} {day} {count} {sum_yuan} {sum_fen}."""

    name: str
    format: FileFormat
    encoding: Encoding
    delimiter: str
    line_end: str
    titles: bool
    header: str | None
    footer: str | None
    remark: str
    columns: tuple[Column, ...]
    answer: ReturnLayout


@dataclass(frozen=True, kw_only=True, repr=False)
class PayoutOrder:
    """One line that the bank is to pay; never printed or logged: it holds a full number."""

    line_number: int
    sheet_id: str
    holder: str
    bank: str
    account_number: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a bank's return file says of one line."""

    file_line: int  # where it stands in the file, from 1
    line_number: int
    sheet_id: str | None  # None where the bank does not repeat it
    amount_fen: int
    paid: bool
    serial: str | None
    day: date | None
    reason: str | None


def text_of(column: Column, order: PayoutOrder, *, remark: str) -> str:
    """Return a field's text; amounts in yuan have two decimals and no thousands mark."""
    values: dict[PayoutField, str] = {
        "line_number": str(order.line_number),
        "sheet_id": order.sheet_id,
        "account_number": order.account_number,
        "holder": order.holder,
        "bank": order.bank,
        "amount_yuan": yuan_text(order.amount_fen),
        "amount_fen": str(order.amount_fen),
        "remark": remark.format(sheet_id=order.sheet_id),
        "empty": "",
    }
    return values[column.field]


def frame_text(template: str, *, number: str, day: date, count: int, sum_fen: int) -> str:
    """Return a header or footer with the file's number, day, count and sum."""
    return template.format(
        number=number,
        day=f"{day:%Y%m%d}",
        count=count,
        sum_yuan=yuan_text(sum_fen),
        sum_fen=sum_fen,
    )


def frame_faults(layout: Layout) -> list[str]:
    """Return what is wrong with a layout's header, footer and remark: a name nobody knows."""
    faults = []
    for name in ("header", "footer"):
        template = getattr(layout, name)
        try:
            frame_text(template or "", number="1", day=date(2023, 1, 1), count=1, sum_fen=1)
        except (KeyError, IndexError, ValueError, AttributeError):
            faults.append(f"{name} names something unknown")
    try:
        layout.remark.format(sheet_id="S")
    except (KeyError, IndexError, ValueError, AttributeError):
        faults.append("remark names something unknown")
    return faults


def text_file(layout: Layout, orders: list[PayoutOrder], *, number: str, day: date) -> bytes:
    """Return a delimited or fixed file; the same orders give the same bytes.

    Raises PayoutFileUnwritable for a character the encoding lacks, a delimiter within a field, or
    a field longer than its width.
    """
    total_fen = sum(order.amount_fen for order in orders)
    framed = partial(frame_text, number=number, day=day, count=len(orders), sum_fen=total_fen)
    lines = [framed(layout.header)] if layout.header else []
    if layout.titles:
        lines.append(layout.delimiter.join(column.title for column in layout.columns))
    written = [_encoded(line, layout, where="header") for line in lines]
    written += [_line(layout, order) for order in orders]
    if layout.footer:
        written.append(_encoded(framed(layout.footer), layout, where="footer"))
    end = layout.line_end.encode("ascii")
    return b"".join(line + end for line in written)


def _line(layout: Layout, order: PayoutOrder) -> bytes:
    fields = []
    for column in layout.columns:
        where = f"{order.sheet_id} {column.field}"
        text = text_of(column, order, remark=layout.remark)
        if layout.format == "delimited" and layout.delimiter in text:
            raise PayoutFileUnwritable(f"{where} holds the delimiter")
        encoded = _encoded(text, layout, where=where)
        fields.append(encoded if layout.format == "delimited" else _padded(encoded, column, where))
    separator = layout.delimiter.encode("ascii") if layout.format == "delimited" else b""
    return separator.join(fields)


def _encoded(text: str, layout: Layout, *, where: str) -> bytes:
    if re.search(r"[\x00-\x1f\x7f\u2028\u2029]", text.replace(layout.delimiter, "")):
        raise PayoutFileUnwritable(f"{where} holds a control character")
    try:
        return text.encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise PayoutFileUnwritable(f"{where}: {layout.encoding} has no such character") from error


def _padded(encoded: bytes, column: Column, where: str) -> bytes:
    if len(encoded) > column.width:
        raise PayoutFileUnwritable(f"{where} is longer than {column.width} bytes")
    pad = column.pad.encode("ascii")
    filled = encoded.rjust if column.align == "right" else encoded.ljust
    return filled(column.width, pad)


def fen_of(text: str, *, yuan: bool) -> int:
    """Return a bank's amount in fen, exactly; ValueError for anything that is not whole fen.

    '85.5' and '85.50' yuan are 8550; '85.505', '8.55E+1' and '1,000.00' are refused.
    """
    if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,4})?", text):
        raise ValueError("no plain amount")
    amount = Decimal(text) * (100 if yuan else 1)
    if amount != amount.to_integral_value():
        raise ValueError("not whole fen")
    return int(amount)
