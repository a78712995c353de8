"""Complaints (投诉与咨询): what may be handed in, by when it is answered, and who may do what.

received ── assign ──► assigned ── answer ──► answered ── close, by another person ──► closed
                        ▲    │                   │
                        └────┴───── assign ──────┘
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from backend.domain.errors import HuiquanError
from backend.domain.identifiers import is_mobile
from backend.domain.staff import Role

ComplaintState = Literal["received", "assigned", "answered", "closed"]
ComplaintAct = Literal["assign", "answer", "close"]

STATE_NAMES: dict[ComplaintState, str] = {
    "received": "已收到",
    "assigned": "办理中",
    "answered": "已答复",
    "closed": "已办结",
}
CATEGORIES = {
    "refused": "商户不收券或另外加价",
    "money": "付款、退款金额不对",
    "claiming": "领券、用券遇到问题",
    "fraud": "套现、倒卖、虚假交易",
    "service": "商品或服务质量",
    "other": "其他",
}
# Offices whose roles may answer; which department of a city that is stands in its staff accounts.
OFFICES = {"bureau": "商务部门", "market_regulator": "市场监管部门", "tourism": "文旅部门"}
FIRST_OFFICE = "bureau"  # sees to a complaint until an office has it
OFFICE_OF: Mapping[Role, str] = {
    Role.BUREAU_OPERATOR: "bureau",
    Role.MARKET_REGULATOR: "market_regulator",
    Role.TOURISM: "tourism",
}
TRANSITIONS: dict[ComplaintAct, tuple[tuple[ComplaintState, ...], ComplaintState]] = {
    "assign": (("received", "assigned", "answered"), "assigned"),
    "answer": (("assigned",), "answered"),
    "close": (("answered",), "closed"),
}
UNANSWERED: tuple[ComplaintState, ...] = ("received", "assigned")
MIN_TEXT_LENGTH = 5  # characters
MAX_TEXT_LENGTH = 1000
MAX_SHORT_LENGTH = 64  # of a shop's name, an order's number
MAX_NOTE_LENGTH = 200
MAX_A_DAY = 5  # of one phone
MAX_PHOTO_BYTES = 5 * 1024 * 1024
_FORM_ID = re.compile(r"[0-9a-f]{32}")


class ComplaintInvalid(HuiquanError):
    """`details["fields"]` says in Chinese what is wrong, by field."""

    code = "complaint_invalid"
    message = "有几处需要改一下，请按提示修改后重新提交"
    category = "invalid"


class ComplaintFormUsed(HuiquanError):
    code = "complaint_form_used"
    message = "这张表已经提交过另一份内容，请重新打开页面再填写"
    category = "conflict"


class ComplaintFromElsewhere(HuiquanError):
    """The form was not sent from a page of ours: a page of another site may have sent it."""

    code = "complaint_from_elsewhere"
    message = "无法确认表单来自本站，请用手机自带的浏览器或微信重新打开本页，或拨打服务热线"
    category = "forbidden"


class ComplaintTooMany(HuiquanError):
    code = "complaint_too_many"
    message = "该手机号今天提交的次数已满，请明天再来，或拨打服务热线"
    category = "too_many"
    retry_after_s = 3600


class ComplaintNotFound(HuiquanError):
    """No such number, or not this phone's: the two answer alike."""

    code = "complaint_not_found"
    message = "没有找到，请核对编号和手机号后四位"
    category = "not_found"


class ComplaintStepNotPossible(HuiquanError):
    code = "complaint_step_not_possible"
    message = "该件当前状态不能办理此步骤，请先查看"
    category = "conflict"


class ComplaintOfAnotherOffice(HuiquanError):
    code = "complaint_of_another_office"
    message = "该件由其他单位办理，本单位不能答复或查看电话；需要转办的，请联系商务局"
    category = "forbidden"


class ComplaintCleared(HuiquanError):
    """The phone and the photo are kept for a while after the end, and no longer."""

    code = "complaint_cleared"
    message = "该件办结已久，手机号和照片已按期清除"
    category = "not_found"


@dataclass(frozen=True, kw_only=True)
class Words:
    """What somebody hands in. Empty texts are what was not said.

    :param form_id: 32 hexadecimal digits, made with the form: sent again it is the same complaint
    :param order_number: of an order or a voucher, as the person has it
    """

    form_id: str
    category: str
    text: str
    phone: str
    shop: str = ""
    order_number: str = ""


def check(words: Words) -> None:
    """Refuse what cannot be worked on: ComplaintInvalid names all fields together."""
    faults: dict[str, str] = {}
    if not _FORM_ID.fullmatch(words.form_id):
        faults["form_id"] = "请重新打开页面再填写"
    if words.category not in CATEGORIES:
        faults["category"] = "请选择一类"
    if not MIN_TEXT_LENGTH <= len(words.text) <= MAX_TEXT_LENGTH or not is_visible(words.text):
        faults["text"] = f"请写 {MIN_TEXT_LENGTH} 至 {MAX_TEXT_LENGTH} 个字，不能有看不见的字符"
    if not is_mobile(words.phone):
        faults["phone"] = "请填写 11 位手机号"
    for name in ("shop", "order_number"):
        value = getattr(words, name)
        if len(value) > MAX_SHORT_LENGTH or not is_visible(value):
            faults[name] = f"最多 {MAX_SHORT_LENGTH} 个字，不能有看不见的字符"
    if faults:
        raise ComplaintInvalid(", ".join(faults), details={"fields": faults})


def check_reply(text: str) -> None:
    """Refuse an empty, overlong or hidden reply of staff: ComplaintInvalid."""
    _check_words("text", text, 1, MAX_TEXT_LENGTH)


def check_note(text: str) -> None:
    """Refuse an overlong or hidden note among staff: ComplaintInvalid. It may be empty."""
    _check_words("note", text, 0, MAX_NOTE_LENGTH)


def _check_words(field: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most or not is_visible(text):
        fields: Mapping[str, str] = {field: f"请写 {least} 至 {most} 个字，不能有看不见的字符"}
        raise ComplaintInvalid("reply", details={"fields": fields})


def is_visible(text: str) -> bool:
    """Tell whether no character but a line's end is hidden: control, format, half a character."""
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return not any(char != "\n" and unicodedata.category(char) in hidden for char in text)


def due_on(filed_on: date, *, working_days: int, is_working_day: Callable[[date], bool]) -> date:
    """Return the last day for an answer: so many working days after the day of filing."""
    day = filed_on
    while working_days:
        day += timedelta(days=1)
        working_days -= is_working_day(day)
    return day


def is_overdue(state: ComplaintState, due: date, today: date) -> bool:
    """Tell whether an answer is late; its last day is in time."""
    return state in UNANSWERED and today > due


def folded_number(text: str) -> str:
    """Return a complaint's number as kept, of what somebody types: spaces, dashes, full width."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
