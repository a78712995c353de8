"""What a single value of a programme must look like, whatever stands around it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from backend.domain.money import yuan_text
from backend.domain.programmes import Fault

Path = tuple[str | int, ...]

NAME_LENGTH = 64  # characters
AMOUNT_FEN = range(1, 10**11 + 1)
# Control, format, surrogate, line and paragraph characters: two names with them can look the same.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Form:
    """The legal form of a code, as a pattern and in words."""

    pattern: re.Pattern[str]
    words: str


CODE = Form(re.compile(r"[A-Z0-9-]{1,32}"), "1 至 32 位大写字母、数字或短横线")
MERCHANT_CODE = Form(re.compile(r"[A-Z]{2}[0-9]{4,8}"), "2 位大写字母加 4 至 8 位数字，如 TJ0001")
HOTLINE_NUMBER = Form(re.compile(r"[0-9][0-9-]{2,18}[0-9]"), "4 至 20 位数字，可用短横线分开")
EVIDENCE_CODE = Form(re.compile(r"[a-z_]{1,32}"), "1 至 32 位小写字母或下划线，如 invoice_number")


def form_faults(path: Path, text: str, form: Form) -> Iterator[Fault]:
    """The whole text has the form."""
    if not form.pattern.fullmatch(text):
        yield Fault(path=path, reason=f"应为 {form.words}")


def text_faults(path: Path, text: str) -> Iterator[Fault]:
    """A text that people read: there, at most 64 characters, every one of them visible."""
    if not text.strip():
        yield Fault(path=path, reason="不能为空")
    elif text != text.strip():
        yield Fault(path=path, reason="首尾不能有空格或换行")
    if len(text) > NAME_LENGTH:
        yield Fault(path=path, reason=f"不能超过 {NAME_LENGTH} 个字，现为 {len(text)} 个字")
    if any(unicodedata.category(character) in _UNSEEN for character in text):
        yield Fault(path=path, reason="含有看不见的控制字符，请删去后重新输入")


def amount_faults(path: Path, amount_fen: int) -> Iterator[Fault]:
    """An amount of 1 to 10^11 fen (one thousand million yuan)."""
    if amount_fen not in AMOUNT_FEN:
        most = yuan_text(AMOUNT_FEN[-1])
        yield Fault(
            path=path, reason=f"金额须大于 0、不超过 {most} 元，现为 {yuan_text(amount_fen)} 元"
        )


def range_faults(path: Path, value: int, allowed: range, unit: str) -> Iterator[Fault]:
    """A number of people, days, seconds … within its range."""
    if value not in allowed:
        reason = f"应在 {allowed[0]} 至 {allowed[-1]} {unit}之间，现为 {value}"
        yield Fault(path=path, reason=reason)
