"""Special subsidies (专项补贴): applied for with evidence, reviewed by two, paid to the person.

    draft ── submit ──► submitted ── first review ──► first_reviewed ── second review ──► granted
                            │  ▲                           │
                            └──┼──────── refuse ───────────┴──► refused
                               └────────── submit again ───────────┘
    all but granted ── withdraw ──► withdrawn

A unit of the tier is reserved when an application is submitted and free again when it is refused or
withdrawn, so that nobody is told after two reviews that nothing is left.

What the bank returns stays granted and goes into the next list. The applicant may name another
account first; while that waits for its review, he is in no list.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Literal

from backend.domain.campaigns import TierTerms
from backend.domain.errors import HuiquanError

SubsidyState = Literal["draft", "submitted", "first_reviewed", "granted", "refused", "withdrawn"]
Payment = Literal["none", "sent", "paid", "returned"]
CorrectionState = Literal["submitted", "confirmed", "refused"]

RESERVING: tuple[SubsidyState, ...] = ("submitted", "first_reviewed", "granted")
TYPED_EVIDENCE = ("invoice_number", "vin")  # fields of the application, no files of their own
MAX_FILES = 6
MAX_FILE_BYTES = 5 * 1024 * 1024

STATE_NAMES: dict[SubsidyState, str] = {
    "draft": "草稿",
    "submitted": "待初审",
    "first_reviewed": "待复审",
    "granted": "已通过",
    "refused": "未通过",
    "withdrawn": "已撤回",
}
NOTICES: dict[SubsidyState, str] = {
    "draft": "请上传材料后提交；提交后才占用名额",
    "submitted": "已收到您的申请，名额已为您保留，正在初审",
    "first_reviewed": "初审已通过，正在由另一位工作人员复审",
    "granted": "审核已通过，补贴将发放到您填写的银行账户",
    "refused": "审核未通过，名额已释放；请按原因补正材料后重新提交",
    "withdrawn": "您已撤回申请",
}
PAYMENT_NOTICES: dict[Payment, str] = {
    "none": "",
    "sent": "补贴已交银行发放，请留意到账",
    "paid": "补贴已发放到您的银行账户",
    "returned": "银行退回了这笔款项，请核对并更正收款账户",
}
CORRECTION_NOTICES: dict[CorrectionState, str] = {
    "submitted": "已收到您更正的收款账户，正在审核，审核通过后再次发放",
    "confirmed": "更正的收款账户已审核通过，补贴将编入下一批发放",
    "refused": "更正的收款账户未通过审核，请按原因重新填写",
}

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}


class SubsidyNotOffered(HuiquanError):
    code = "subsidy_not_offered"
    message = "本活动现在不接受补贴申请，请按活动说明的时间再来"
    category = "rule"


class SubsidyInvalid(HuiquanError):
    """`details.fields` names what is wrong."""

    code = "subsidy_invalid"
    message = "申请内容有误，请核对车架号、发票日期和金额、购车商户和银行账户"
    category = "invalid"


class SubsidyTaken(HuiquanError):
    code = "subsidy_taken"
    message = "该发票或车架号已用于另一份申请，不能重复申请；如有疑问请拨打服务热线"
    category = "conflict"


class SubsidyLimitReached(HuiquanError):
    code = "subsidy_limit_reached"
    message = "您在本活动可申请的份数已满"
    category = "rule"


class SubsidyUsedUp(HuiquanError):
    code = "subsidy_used_up"
    message = "本档补贴的名额已用完；如有申请被退回，名额会释放，可稍后再试"
    category = "rule"


class SubsidyEvidenceMissing(HuiquanError):
    """`details.missing` names the kinds."""

    code = "subsidy_evidence_missing"
    message = "材料不齐，请补充上传后再提交"
    category = "rule"


class SubsidyStepNotPossible(HuiquanError):
    """`details.state` is the state."""

    code = "subsidy_step_not_possible"
    message = "申请当前的状态不能办理此步骤，请刷新后查看进度"
    category = "conflict"


class EvidenceRefused(HuiquanError):
    """Neither picture nor PDF by its content, broken, too many pixels, or active content."""

    code = "evidence_refused"
    message = "文件无法使用：请上传清晰的 JPEG、PNG 图片或不带脚本的 PDF，每个不超过 5 MB"
    category = "invalid"


class EvidenceFull(HuiquanError):
    code = "evidence_full"
    message = "材料最多 6 个文件，请替换已有的文件"
    category = "rule"


class EvidenceKindUnknown(HuiquanError):
    code = "evidence_kind_unknown"
    message = "本活动不收这一类材料，请按活动说明上传"
    category = "invalid"


class SubsidyNothingToPay(HuiquanError):
    code = "subsidy_nothing_to_pay"
    message = "没有待发放的补贴，无需出发放清单"
    category = "rule"


class SubsidyPaymentAnswered(HuiquanError):
    code = "subsidy_payment_answered"
    message = "该笔补贴不在发放清单中，或已登记过发放结果，不能再次登记"
    category = "conflict"


def is_vin(text: str) -> bool:
    """Tell whether a text can be a vehicle's number (车架号).

    Checked are 17 characters without I, O and Q, and, where it begins with L (made in China), the
    ninth as check digit (GB 16735). Other countries do not all use it, so it is not asked of them.
    """
    if not _VIN.fullmatch(text):
        return False
    if not text.startswith("L"):
        return True
    rest = sum(_VIN_VALUES[c] * w for c, w in zip(text, _VIN_WEIGHTS, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def tier_for(tiers: Iterable[TierTerms], invoice_amount_fen: int) -> TierTerms | None:
    """Return the highest tier whose threshold the invoice reaches, inclusive; None below all."""
    reached = [tier for tier in tiers if tier.threshold_fen <= invoice_amount_fen]
    return max(reached, key=lambda tier: tier.threshold_fen, default=None)


def in_window(day: date, *, first: date, last: date, today: date) -> bool:
    """Tell whether an invoice's day lies in the campaign's days and not in the future."""
    return first <= day <= min(last, today)


def kind_of(slot: str) -> str:
    """Return the kind of evidence of a file's name: 'photo-2' is a second 'photo'."""
    return re.sub(r"-[2-6]$", "", slot)


def missing_evidence(wanted: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the kinds of which no file is there; what is typed in needs none."""
    there = {kind_of(name) for name in names}
    return [kind for kind in wanted if kind not in TYPED_EVIDENCE and kind not in there]


def notice(state: SubsidyState, payment: Payment, correction: CorrectionState | None) -> str:
    """Return the sentence that tells an applicant where his application stands."""
    if correction is not None:
        return CORRECTION_NOTICES[correction]
    return PAYMENT_NOTICES[payment] or NOTICES[state]
