"""Reconciliation (对账): what outside parties recorded of a day, beside what we did.

A file of an outside party is one party's record of one day. Each of its lines is found again among
our payments, refunds and reversals, and each of ours that should be in it is looked for there. What
does not agree waits in a work list until somebody explains it, and money until a second person
agrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args

from backend.domain.china import CHINA
from backend.domain.errors import HuiquanError

FileKind = Literal["wechat_bill", "unionpay_zm", "bank_detail"]
RecordType = Literal["payment", "refund", "reversal"]
Result = Literal["matched", "only_ours", "only_theirs", "amount_differs", "detail_differs"]
ItemState = Literal["open", "explained", "resolved", "closed"]

FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)
RESULTS: tuple[Result, ...] = get_args(Result)
KIND_NAMES: Mapping[str, str] = {
    "wechat_bill": "微信支付账单",
    "unionpay_zm": "银联对账文件",
    "bank_detail": "银行明细",
}
RESULT_NAMES: Mapping[str, str] = {
    "matched": "相符",
    "only_ours": "我方有、对方无",
    "only_theirs": "对方有、我方无",
    "amount_differs": "金额不符",
    "detail_differs": "金额相符、其他不符",
}
STATE_NAMES: Mapping[str, str] = {
    "open": "待处理",
    "explained": "待复核",
    "resolved": "已处理",
    "closed": "已相符",
}
TYPE_NAMES: Mapping[str, str] = {"payment": "消费", "refund": "退货", "reversal": "撤销"}
DIFFERENCE_NAMES = {
    "amount": "金额",
    "discount": "优惠金额",
    "merchant": "商户号",
    "campaign": "活动",
    "day": "日期",
    "repeated": "另一日已有同一笔",
}
# Whose payments a kind of file speaks of; a bank's detail file names its orders by number.
PROVIDER_OF: Mapping[FileKind, str] = {"wechat_bill": "wechat_pay", "unionpay_zm": "unionpay"}
# A difference that is not about money needs an explanation, and no second person.
WITHOUT_MONEY: frozenset[str] = frozenset({"detail_differs"})
# So many days after its own a file is still in time: providers deliver the next morning, a bank
# after its own review.
LATE_AFTER_DAYS: Mapping[FileKind, int] = {"wechat_bill": 1, "unionpay_zm": 1, "bank_detail": 3}
FETCH_FROM = time(10, 30)  # providers promise their bill for ten o'clock of the next day
# UnionPay's settlement day (清算日) runs from 23:00 to 23:00: its answers to frequent questions.
BEGINS_EARLIER: Mapping[FileKind, timedelta] = {"unionpay_zm": timedelta(hours=1)}
# We hear of a payment after it was made, so one around midnight may count for two days.
NEIGHBOURING_DAYS = timedelta(days=1)
MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_LINES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class OutsideRecord:
    """One line of an outside party's file; amounts in fen, never negative: the type is the sign.

    `our_number` is the order's number for a payment and for its reversal, the refund's for a
    refund. What a party does not tell is None and is not compared.
    """

    line: int
    type: RecordType
    our_number: str
    at: datetime
    amount_fen: int
    discount_fen: int | None = None
    outside_number: str | None = None
    merchant_number: str | None = None
    campaign_id: str | None = None

    @property
    def signed_fen(self) -> int:
        """The amount as a sum counts it: money that went back is negative."""
        return self.amount_fen if self.type == "payment" else -self.amount_fen


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a line of a file; `line` counts from 1 and 0 is the file as a whole."""

    line: int
    where: str
    reason: str


class OutsideFileRefused(HuiquanError):
    code = "outside_file_refused"
    message = "对账文件有误，一行也没有收下；请按所列行号请对方更正后重新提供，不要在本地修改"
    category = "invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        found = sorted(faults, key=lambda fault: fault.line)
        super().__init__(
            f"{len(found)} faults",
            details={
                "faults": [{"line": f.line, "where": f.where, "reason": f.reason} for f in found]
            },
        )


class OutsideFileExists(HuiquanError):
    code = "outside_file_exists"
    message = "该日的对账文件已收过，内容与这份不同；确是更正文件时请用 --replaces 指明并写明原因"
    category = "conflict"


class OutsideFileNotInForce(HuiquanError):
    code = "outside_file_not_in_force"
    message = "要替换的不是该日现行有效的对账文件，请先用 list 查看"
    category = "conflict"


class DayNotOver(HuiquanError):
    code = "day_not_over"
    message = "该日尚未结束，还不能对账"
    category = "invalid"


class ReasonNeeded(HuiquanError):
    code = "reason_needed"
    message = "请写明原因"
    category = "invalid"


class ReconciliationItemNotOpen(HuiquanError):
    code = "reconciliation_item_not_open"
    message = "该差异当前状态不允许此操作，请先用 items 查看"
    category = "conflict"


def is_late(kind: FileKind, day: date, *, taken: date) -> bool:
    """Whether a file of a day, taken on another, is late for its kind."""
    return taken > day + timedelta(days=LATE_AFTER_DAYS[kind])


def bounds_of_file(kind: FileKind, day: date) -> tuple[datetime, datetime]:
    """Return the half-open interval of what a file of a day should hold."""
    start = datetime.combine(day, time(), CHINA) - BEGINS_EARLIER.get(kind, timedelta())
    return start, start + timedelta(days=1)


def checked_reason(text: str | None) -> str:
    """Return a reason without surrounding spaces, or raise ReasonNeeded."""
    reason = (text or "").strip()
    if not reason:
        raise ReasonNeeded("empty")
    return reason


def differs_text(differs: str) -> str:
    """Return what differs in Chinese: 'amount day' -> '金额、日期'."""
    return "、".join(DIFFERENCE_NAMES[name] for name in differs.split())
