"""What a shop says of itself when it signs the pledge, and what its bank reports of it.

Source: plan, part seven (商户到银行机构签订承诺书、申请POS机或码牌).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from backend.domain.errors import HuiquanError
from backend.domain.identifiers import is_merchant_number, is_mobile, is_uscc
from backend.domain.reconciliation import Fault

TERMINAL_NUMBER = re.compile(r"[0-9A-Za-z]{8}")
MAX_TERMINALS = 50
LICENCE_NUMBER = re.compile(r"[0-9A-Z]{13,18}")
AppliedFor = Literal["pos", "placard"]


class ApplicantInvalid(HuiquanError):
    """`details["faults"]` lists them all: line (0: no file), where, reason."""

    code = "applicant_invalid"
    message = "商户资料有误，未作任何更改，请按所列各条改正后重新提交"
    category = "invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults", details={"faults": [vars(f) for f in faults]})
        self.faults = faults


class MerchantIdentityTaken(HuiquanError):
    """For staff alone: `details` says what is taken (`field`) and by which merchant."""

    code = "merchant_identity_taken"
    message = "该证照或号码已属于另一商户，请核对；已取消参与资格的商户不能换名再来"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """A shop as its licence and its owner name it."""

    name: str
    legal_name: str
    uscc: str
    licence_number: str | None
    domain_id: str
    area: str | None
    address: str
    contact: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who signed which version of the pledge, and on which day."""

    text_version: int
    signed_by: str
    signed_on: date


@dataclass(frozen=True, kw_only=True)
class Tills:
    """The acquirer's merchant number (15 digits) and its terminals (8 characters each)."""

    merchant_number: str
    terminal_numbers: tuple[str, ...]


def applicant_faults(
    applicant: Applicant, domain_ids: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (column, reason in Chinese) of all that is wrong."""
    for where, text, limit in (
        ("商户名称", applicant.name, 60),
        ("营业执照名称", applicant.legal_name, 100),
        ("地址", applicant.address, 200),
        ("联系人", applicant.contact, 40),
        ("区域", applicant.area or "无", 60),
    ):
        if not _is_text(text, limit):
            yield where, f"须为 1 至 {limit} 个可见字符"
    if not is_uscc(applicant.uscc):
        yield "统一社会信用代码", "校验不符，请按营业执照核对 18 位代码"
    if applicant.licence_number and not LICENCE_NUMBER.fullmatch(applicant.licence_number):
        yield "营业执照编号", "须为 13 至 18 位数字或大写字母，没有则留空"
    if applicant.domain_id not in domain_ids:
        yield "领域", "方案中没有这个领域编号"
    if not is_mobile(applicant.phone):
        yield "联系电话", "须为 11 位手机号"


def signature_faults(
    signature: Signature, versions: Collection[int], *, today: date
) -> Iterator[tuple[str, str]]:
    """Yield (column, reason) of a signature under no known text, or of a day to come."""
    if signature.text_version not in versions:
        yield "承诺书版本", "没有这一版承诺书"
    if not _is_text(signature.signed_by, 40):
        yield "签订人", "须为 1 至 40 个可见字符"
    if signature.signed_on > today:
        yield "签订日期", "晚于今天"


def till_faults(tills: Tills) -> Iterator[tuple[str, str]]:
    """Yield (column, reason) of numbers that no acquirer gives."""
    if not is_merchant_number(tills.merchant_number):
        yield "商户号", "须为 15 位数字"
    numbers = tills.terminal_numbers
    if len(numbers) > MAX_TERMINALS or not all(TERMINAL_NUMBER.fullmatch(n) for n in numbers):
        yield "终端号", f"每个须为 8 位字母或数字，用空格隔开，最多 {MAX_TERMINALS} 个"
    if len(set(numbers)) != len(numbers):
        yield "终端号", "有重复"


def _is_text(text: str, limit: int) -> bool:
    return 1 <= len(text) <= limit and text == text.strip() and text.isprintable()
