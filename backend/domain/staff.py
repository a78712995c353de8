"""Staff (工作人员): roles, names, and what is refused at their desks.

An account belongs to one person and has one role; its login name is the `actor` of all that its
holder does, and what `second_person` compares.
"""

import re
from datetime import timedelta
from enum import StrEnum

from backend.domain.errors import HuiquanError

LOGIN_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
# Names under which parts of the system act: nobody may sign what a machine has done.
RESERVED_NAMES = frozenset({"system", "jobs", "cli", "bank", "clerk", "resident", "partner"})
MAX_SHOWN_LENGTH = 40  # of a display name, an office, in characters
FAILURES_OF_ACCOUNT = 5
FAILURES_OF_ADDRESS = 20
FAILURE_WINDOW = timedelta(minutes=15)
LOCK = timedelta(minutes=15)  # from the failure that was one too many
ONE_TIME_TTL = timedelta(days=3)  # of a password that was handed over
CODE_TTL = timedelta(minutes=5)  # between the password and the code
SESSION_TTL = timedelta(hours=12)  # whatever happens in it


class Role(StrEnum):
    """What a person is here for; plan, part eight (二), names the offices."""

    BUREAU_OPERATOR = "bureau_operator"
    BUREAU_APPROVER = "bureau_approver"
    FINANCE = "finance"
    MARKET_REGULATOR = "market_regulator"
    TAX = "tax"
    TOURISM = "tourism"
    MEDIA = "media"
    BANK = "bank"
    SUPERIOR_BANK = "superior_bank"
    PARTNER = "partner"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


ROLE_NAMES = {
    Role.BUREAU_OPERATOR: "商务局经办",
    Role.BUREAU_APPROVER: "商务局审批",
    Role.FINANCE: "财政",
    Role.MARKET_REGULATOR: "市场监管",
    Role.TAX: "税务",
    Role.TOURISM: "文旅",
    Role.MEDIA: "融媒体",
    Role.BANK: "合作银行",
    Role.SUPERIOR_BANK: "上级银行",
    Role.PARTNER: "金融合作单位",
    Role.AUDITOR: "审计",
    Role.ADMINISTRATOR: "系统管理员",
}


class StaffSignInRefused(HuiquanError):
    """Unknown name, wrong password and wrong code answer alike, so that nobody can probe."""

    code = "staff_sign_in_refused"
    message = "登录名、密码或动态码不正确，请核对后重试"
    category = "unauthenticated"


class StaffSignInLocked(HuiquanError):
    """Too many failures of a name or an address; the sentence says how long it lasts."""

    code = "staff_sign_in_locked"
    message = "登录失败次数过多，已暂停登录，请稍后再试或联系系统管理员解锁"
    category = "too_many"

    def __init__(self, left_s: int) -> None:
        super().__init__(f"{left_s} s left", retry_after_s=left_s)
        minutes = -(-left_s // 60)
        self.message = (  # type: ignore[misc]  # known only now: the class says it without a time
            f"登录失败次数过多，已暂停登录，请 {minutes} 分钟后再试或联系系统管理员解锁"
        )


class StaffAccountClosed(HuiquanError):
    """Told to none but those who know the password."""

    code = "staff_account_closed"
    message = "该账号已停用，请联系系统管理员"
    category = "forbidden"


class OneTimePasswordOver(HuiquanError):
    """Told to none but those who know the password."""

    code = "one_time_password_over"
    message = "一次性密码已过期，请联系系统管理员重置"
    category = "forbidden"


class StaffSessionOver(HuiquanError):
    code = "staff_session_over"
    message = "您还没有登录或登录已失效，请重新登录"
    category = "unauthenticated"


class PasswordRefused(HuiquanError):
    code = "password_refused"
    message = "密码须为 12 至 72 个字符，不能是常见密码或含有姓名、登录名、单位，且不能与原密码相同"
    category = "invalid"


class StaffInvalid(HuiquanError):
    code = "staff_invalid"
    message = "登录名须为 2 至 32 位小写字母、数字、点或横线，以字母开头；姓名和单位为 1 至 40 个字"
    category = "invalid"


class StaffExists(HuiquanError):
    code = "staff_exists"
    message = "该登录名已经用过，请换一个登录名"
    category = "conflict"


class StaffStateRefused(HuiquanError):
    code = "staff_state_refused"
    message = "账号当前状态不允许此操作，请先查看账号列表"
    category = "conflict"


class StaffProposalOpen(HuiquanError):
    code = "staff_proposal_open"
    message = "该登录名已有一件待复核的账号申请，请由另一位管理员复核或驳回"
    category = "conflict"


class HalfNotThere(HuiquanError):
    """Shown already, of a password that is over, or another administrator's."""

    code = "half_not_there"
    message = "没有待您领取的密码前半：只能由申请人领取一次，3 天内有效；如已遗失，请重新申请重置"
    category = "conflict"


class StaffResetOpen(HuiquanError):
    code = "staff_reset_open"
    message = "该账号已有一件待复核的重置申请，请由另一位管理员复核或驳回"
    category = "conflict"


def check_names(*, login_name: str, display_name: str, office: str) -> None:
    """Refuse what cannot name an account: StaffInvalid. The login name is case-folded already."""
    if not LOGIN_NAME.fullmatch(login_name) or login_name in RESERVED_NAMES:
        raise StaffInvalid("login name")
    for shown in (display_name, office):
        if not 1 <= len(shown) <= MAX_SHOWN_LENGTH or not shown.isprintable() or not shown.strip():
            raise StaffInvalid("display name or office")


def folded(login_name: str) -> str:
    """Return a login name as accounts keep it."""
    return login_name.strip().casefold()
