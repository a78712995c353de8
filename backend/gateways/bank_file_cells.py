"""What one cell of a bank's detail file says, or why it cannot be believed.

Everything but amounts is text in a spreadsheet too. Amounts are positive yuan of at most two
decimals. A card's digits are not repeated in what is said of it.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from backend.domain.money import MAX_AMOUNT_FEN
from backend.domain.reconciliation import RecordType

TYPES: dict[str, RecordType] = {"消费": "payment", "撤销": "reversal", "退货": "refund"}
NUMBER_FORM = r"[0-9A-Za-z_-]{6,64}"

_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?[Ee][+-]?[0-9]+")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?")


class WrongCell(Exception):
    """A cell that cannot be believed; the text is for people and repeats no card."""


def text_of(cell: object) -> str:
    """Return a cell that is text, or say what a spreadsheet made of it."""
    if isinstance(cell, str):
        if "\0" in cell:
            raise WrongCell("含有空字符（NUL）")
        if ("E" in cell or "e" in cell) and _SCIENTIFIC.fullmatch(cell):
            raise WrongCell("被表格软件改成了科学计数法，原来的数字已丢失")
        if cell[:1] in ("=", "+", "@", "＝", "＋", "＠"):
            raise WrongCell("含有公式")
        return cell
    if isinstance(cell, bool):
        raise WrongCell("须为文本")
    if isinstance(cell, int | float):
        raise WrongCell("须为文本，被表格软件存成了数字")
    raise WrongCell("须为文本，被表格软件存成了日期")


def _matching(form: str, reason: str) -> Callable[[object], str]:
    pattern = re.compile(form)

    def read(cell: object) -> str:
        text = text_of(cell)
        if not pattern.fullmatch(text):
            raise WrongCell(reason)
        return text

    return read


number_of = _matching(NUMBER_FORM, "须为 6 至 64 位字母数字")
card_of = _matching(r"[0-9]{6}\*{6,9}[0-9]{4}", "须为前六后四、中间星号的脱敏卡号")


def merchant_number_of(cell: object) -> str:
    """Return a merchant number: 15 digits."""
    text = text_of(cell)
    if not re.fullmatch(r"[0-9]{15}", text):
        raise WrongCell(f"须为 15 位数字，现为 {len(text)} 位")
    return text


def terminal_number_of(cell: object) -> str:
    """Return a terminal number: eight letters or digits."""
    text = text_of(cell)
    if not re.fullmatch(r"[0-9A-Za-z]{8}", text):
        lost = re.fullmatch(r"[0-9]{1,7}", text)
        hint = "，可能丢失了开头的 0" if lost else ""
        raise WrongCell(f"须为 8 位字母数字，现为 {len(text)} 位{hint}")
    return text


def type_of(cell: object) -> RecordType:
    """Return the kind of transaction."""
    text = text_of(cell)
    if text not in TYPES:
        raise WrongCell("须为消费、撤销或退货")
    return TYPES[text]


def amount_fen_of(cell: object) -> int:
    """Return an amount in fen: text, or a number cell that is exactly so many fen."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise WrongCell("须为金额")
    text = text_of(cell) if isinstance(cell, str) else _plain(cell)
    if text.startswith("-"):
        raise WrongCell("须为正数，方向由交易类型说明")
    if not _AMOUNT.fullmatch(text):
        raise WrongCell("须为最多两位小数的元，不带千分位")
    amount_fen = int(Decimal(text) * 100)
    if amount_fen > MAX_AMOUNT_FEN:
        raise WrongCell("金额过大")
    return amount_fen


def signed_fen_of(cell: object) -> int:
    """Return a sum in fen, below zero where more went back."""
    text = cell if isinstance(cell, str) else _plain(cell) if isinstance(cell, int | float) else ""
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,2})?", text):
        raise WrongCell("须为最多两位小数的元，不带千分位")
    return int(Decimal(text) * 100)


def _plain(number: float) -> str:
    """Return the shortest digits of a number cell without an exponent: 85.5 -> '85.5'."""
    return format(Decimal(repr(number)).normalize(), "f")
