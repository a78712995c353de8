"""Settlement (结算): what a merchant is owed, who agrees to it, and in which order.

    drafted ── bureau ──► bureau_approved ── finance ──► finance_approved ──► in_payout ──► paid
       │                        │                              │  ▲                │
       └──────── rejected ◄─────┴──────────────────────────────┘  └── bank failed ─┘

A rejected sheet frees its lines; they may stand in the next sheet. Every step is taken by another
person than the step before (规范资金使用, 双人复核).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from backend.domain.errors import HuiquanError

SheetState = Literal[
    "drafted", "bureau_approved", "finance_approved", "in_payout", "paid", "rejected"
]
StepAct = Literal[
    "draft", "approve_bureau", "approve_finance", "reject", "payout", "pay", "fail_payout"
]
APPROVALS: tuple[StepAct, ...] = ("approve_bureau", "approve_finance")
Role = Literal["system", "bureau", "finance", "payer"]
SourceKind = Literal["redemption", "refund", "reversal", "entry"]

DRAFT_FROM = time(0, 30)  # the day before is over for everybody, also for late confirmations

STATE_NAMES: dict[SheetState, str] = {
    "drafted": "待商务局审核",
    "bureau_approved": "待财政局审核",
    "finance_approved": "待代发",
    "in_payout": "代发中",
    "paid": "已付款",
    "rejected": "已退回",
}
ACT_NAMES: dict[StepAct, str] = {
    "draft": "生成结算单",
    "approve_bureau": "商务局审核",
    "approve_finance": "财政局审核",
    "reject": "退回",
    "payout": "编入代发文件",
    "pay": "银行付款",
    "fail_payout": "银行付款失败",
}
SOURCE_NAMES: dict[SourceKind, str] = {
    "redemption": "核销",
    "refund": "退款",
    "reversal": "冲正",
    "entry": "免票",
}

# Which state each act wants, by who takes it, and the state it leads to.
MOVES: dict[tuple[StepAct, Role], tuple[tuple[SheetState, ...], SheetState]] = {
    ("approve_bureau", "bureau"): (("drafted",), "bureau_approved"),
    ("approve_finance", "finance"): (("bureau_approved",), "finance_approved"),
    ("reject", "bureau"): (("drafted",), "rejected"),
    ("reject", "finance"): (("bureau_approved", "finance_approved"), "rejected"),
    ("payout", "payer"): (("finance_approved",), "in_payout"),
    ("pay", "payer"): (("in_payout",), "paid"),
    ("fail_payout", "payer"): (("in_payout",), "finance_approved"),
}
_NEXT: dict[SheetState, str] = {
    "drafted": "先由商务局审核",
    "bureau_approved": "先由财政局审核",
    "finance_approved": "先编入代发文件",
    "in_payout": "先读入银行回盘文件",
    "paid": "已付款，流程已结束",
    "rejected": "已退回，请重新生成结算单",
}


class SettlementStepNotPossible(HuiquanError):
    """`details.missing` says in Chinese which step comes first; `details.state` is the state."""

    code = "settlement_step_not_possible"
    message = "结算单不在可办理此步骤的状态，请按提示先完成前面的步骤"
    category = "conflict"


class SettlementDayOpen(HuiquanError):
    code = "settlement_day_open"
    message = "当天的核销次日才能结算，请把截止日改为昨天或更早"
    category = "rule"


class SettlementLineHeld(HuiquanError):
    """A line was held after its sheet was drafted: the sheet is rejected, and drafted without."""

    code = "settlement_line_held"
    message = "结算单中有被暂缓结算的核销，请先退回结算单或解除暂缓"
    category = "conflict"


class SettlementHoldTooLate(HuiquanError):
    code = "settlement_hold_too_late"
    message = "该笔核销已编入代发文件或已付款，不能再暂缓，请按追回处理"
    category = "conflict"


class SettlementHoldExists(HuiquanError):
    """Another hold of the same redemption is open, or the number is another hold's."""

    code = "settlement_hold_exists"
    message = "该笔核销已被暂缓，或暂缓编号已用于另一笔，请先查看"
    category = "conflict"


def next_state(act: StepAct, role: Role, state: SheetState, *, sheet_id: str) -> SheetState:
    """Return the state an act leads to; refuse one out of order, naming the step that is missing.

    Source: the plan's demand that funds go through the bureau, finance and the bank in turn.
    """
    wanted, reached = MOVES[act, role]
    if state not in wanted:
        raise SettlementStepNotPossible(
            f"{sheet_id} {STATE_NAMES[state]}，不能{ACT_NAMES[act]}：{_NEXT[state]}",
            details={"state": state, "missing": _NEXT[state]},
        )
    return reached


def refuse_open_day(through_day: date, *, today: date) -> None:
    """Refuse to settle a business day that is not over (T+1)."""
    if through_day >= today:
        raise SettlementDayOpen(f"{through_day} is not over on {today}")


def due_day(now: datetime) -> date | None:
    """Return the day that the nightly draft settles up to; None before 00:30."""
    return now.date() - timedelta(days=1) if now.time() >= DRAFT_FROM else None


def sheet_id(merchant_id: str, through_day: date, number: int) -> str:
    """Return 'TJ0003-20230502-1': merchant, last business day, how many for that day before."""
    return f"{merchant_id}-{through_day:%Y%m%d}-{number}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a sheet. `amount_fen` is positive for a redemption, negative for what came back.

    :param order_amount_fen: what the customer's purchase came to
    """

    source_kind: SourceKind
    source_id: str
    order_id: str
    campaign_id: str
    campaign_name: str
    business_day: date
    occurred_at: datetime
    order_amount_fen: int
    amount_fen: int
