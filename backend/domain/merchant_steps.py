"""The words of a merchant's way into the programme: offices, statuses, steps, and their names."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

Office = Literal[
    "bank", "superior_bank", "bureau", "tax", "market_regulator", "partner", "merchant"
]
Confirming = Literal["superior_bank", "bureau"]
Screening = Literal["tax", "market_regulator"]
Verdict = Literal["open", "passed", "vetoed"]
Status = Literal[
    "pledged",
    "applied",
    "reported",  # under review: two confirmations and two screenings, in any order
    "vetoed",
    "listed",
    "sent",
    "passed",
    "published",
    "suspended",
    "disqualified",
]
STATUS_NAMES: Mapping[str, str] = {
    "pledged": "已签承诺书",
    "applied": "已申请",
    "reported": "审核中",
    "vetoed": "被否决",
    "listed": "已列入名单",
    "sent": "已送合作单位",
    "passed": "待公布",
    "published": "已公布",
    "suspended": "已暂停",
    "disqualified": "已取消参与资格",
}
OFFICE_NAMES: Mapping[str, str] = {
    "bank": "合作银行",
    "superior_bank": "上级银行",
    "bureau": "商务局",
    "tax": "税务局",
    "market_regulator": "市场监管局",
    "partner": "金融合作单位",
    "merchant": "商户",
}


class Step(StrEnum):
    """One entry of a merchant's history."""

    IMPORTED = "imported"
    PLEDGED = "pledged"
    APPLIED = "applied"
    REPORTED = "reported"
    SUPERIOR_BANK_CONFIRMED = "superior_bank_confirmed"
    BUREAU_CONFIRMED = "bureau_confirmed"
    TAX_PASSED = "tax_passed"
    TAX_VETOED = "tax_vetoed"
    TAX_LIFTED = "tax_lifted"
    MARKET_REGULATOR_PASSED = "market_regulator_passed"
    MARKET_REGULATOR_VETOED = "market_regulator_vetoed"
    MARKET_REGULATOR_LIFTED = "market_regulator_lifted"
    LISTED = "listed"
    SENT = "sent"
    PARTNER_PASSED = "partner_passed"
    PARTNER_RETURNED = "partner_returned"
    PUBLISHED = "published"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    DISQUALIFICATION_PROPOSED = "disqualification_proposed"
    DISQUALIFICATION_WITHDRAWN = "disqualification_withdrawn"
    DISQUALIFIED = "disqualified"
    OWNER_MADE = "owner_made"
    OWNER_MISSING = "owner_missing"
    PLEDGED_AGAIN = "pledged_again"


STEP_NAMES: Mapping[Step, str] = {
    Step.IMPORTED: "随方案载入",
    Step.PLEDGED: "签订承诺书",
    Step.APPLIED: "申请 POS 机或码牌",
    Step.REPORTED: "银行提报",
    Step.SUPERIOR_BANK_CONFIRMED: "上级银行确认",
    Step.BUREAU_CONFIRMED: "商务局确认",
    Step.TAX_PASSED: "税务筛选通过",
    Step.TAX_VETOED: "税务否决",
    Step.TAX_LIFTED: "税务解除否决",
    Step.MARKET_REGULATOR_PASSED: "市场监管筛选通过",
    Step.MARKET_REGULATOR_VETOED: "市场监管否决",
    Step.MARKET_REGULATOR_LIFTED: "市场监管解除否决",
    Step.LISTED: "商务局列入名单",
    Step.SENT: "送金融合作单位",
    Step.PARTNER_PASSED: "金融合作单位通过",
    Step.PARTNER_RETURNED: "金融合作单位退回",
    Step.PUBLISHED: "对外公布",
    Step.SUSPENDED: "暂停",
    Step.RESUMED: "恢复",
    Step.DISQUALIFICATION_PROPOSED: "提出取消参与资格",
    Step.DISQUALIFICATION_WITHDRAWN: "撤回取消参与资格的提议",
    Step.DISQUALIFIED: "取消参与资格",
    Step.OWNER_MADE: "联系人成为店主",
    Step.OWNER_MISSING: "店主待定",
    Step.PLEDGED_AGAIN: "重签承诺书",
}
# What happened besides the chain: it stands in the history and moves nothing.
NOTES = frozenset({Step.OWNER_MADE, Step.OWNER_MISSING, Step.PLEDGED_AGAIN})
REASONED = frozenset(
    {
        Step.TAX_VETOED,
        Step.TAX_LIFTED,
        Step.MARKET_REGULATOR_VETOED,
        Step.MARKET_REGULATOR_LIFTED,
        Step.PARTNER_RETURNED,
        Step.SUSPENDED,
        Step.RESUMED,
        Step.DISQUALIFICATION_PROPOSED,
        Step.DISQUALIFICATION_WITHDRAWN,
        Step.DISQUALIFIED,
    }
)
