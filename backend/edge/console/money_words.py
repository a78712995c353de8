"""What the console calls states of money: (words, tone) by the code that the schema knows."""

from collections.abc import Mapping

from backend.domain import payments, reconciliation, settlements, subsidies
from backend.edge.console.cells import Badge, Link, Tone

ORDER_STATES: Mapping[str, tuple[str, Tone]] = {
    "locked": ("待付款", "busy"),
    "redeemed": ("已核销", "good"),
    "part_refunded": ("部分退款", "plain"),
    "refunded": ("已全额退款", "plain"),
    "reversed": ("已冲正", "plain"),
    "released": ("已取消", "plain"),
}
REDEMPTION_STATES = {
    code: ORDER_STATES[code] for code in ("redeemed", "part_refunded", "refunded", "reversed")
}
PROVIDERS: Mapping[str, str] = {
    "at_till": "商户收款",
    "wechat_pay": "微信支付",
    "unionpay": "银联",
}
PAYMENT_STATES: Mapping[str, str] = {
    "pending": "待付款",
    "unknown": "结果待确认",
    "paid": "已付款",
    "closed": "已关闭",
    "failed": "付款失败",
}
ENTRIES: Mapping[str, str] = {
    "placard": "扫码牌",
    "payment_code": "出示付款码",
    "amount_code": "扫金额码",
    "bank_till": "银行收银台",
}
TRANSFERS: Mapping[str, str] = {
    "claim": "领券锁定",
    "redemption": "核销支出",
    "expiry": "余额退回活动",
    "refund": "退款退回活动",
    "reversal": "冲正回到券内",
    "restoration": "恢复券面余额",
}
PAYOUT_STATES: Mapping[str, tuple[str, Tone]] = {
    "sent": ("待银行答复", "busy"),
    "paid": ("已付款", "good"),
    "failed": ("付款失败", "bad"),
}
ACCOUNT_STATES: Mapping[str, tuple[str, Tone]] = {
    "proposed": ("待复核", "busy"),
    "active": ("在用", "good"),
    "replaced": ("已更换", "plain"),
    "withdrawn": ("已撤回", "plain"),
}
PROPOSAL_STATES: Mapping[str, tuple[str, Tone]] = {
    "proposed": ("待办理", "busy"),
    "made": ("已办理", "good"),
    "withdrawn": ("已撤回", "plain"),
}
CASE_STATES: Mapping[str, tuple[str, Tone]] = {
    "open": ("待处理", "bad"),
    "closed": ("已结案", "good"),
}
DECISIONS: Mapping[str | None, tuple[str, Tone]] = {
    None: ("待复核", "busy"),
    "confirmed": ("已生效", "good"),
    "refused": ("已驳回", "plain"),
}
ACCOUNT_KINDS: Mapping[str, str] = {
    "appropriated": "拨付",
    "available": "可用",
    "committed": "已承诺",
    "locked": "已领未用",
    "spent": "已用",
}
SUBSIDY_STATES: Mapping[str, str] = {str(s): text for s, text in subsidies.STATE_NAMES.items()}
SUBSIDY_TONES: Mapping[str, Tone] = {
    "draft": "plain",
    "submitted": "busy",
    "first_reviewed": "busy",
    "granted": "good",
    "refused": "bad",
    "withdrawn": "plain",
}
SUBSIDY_STEPS: Mapping[str, str] = {
    "draft": "填写申请",
    "submitted": "提交申请",
    "first_reviewed": "初审通过",
    "granted": "复审通过",
    "refused": "不予通过",
    "withdrawn": "撤回申请",
}
SUBSIDY_PAYMENTS: Mapping[str, tuple[str, Tone]] = {
    "sent": ("银行办理中", "busy"),
    "paid": ("已发放", "good"),
    "returned": ("银行退回", "bad"),
}
SUBSIDY_PROGRESS: Mapping[str, str] = {
    "payable": "已通过，待发放",
    **{state: text for state, (text, _) in SUBSIDY_PAYMENTS.items()},
    "correcting": "更正账户待审核",
}
TONES: Mapping[str, Tone] = {
    "paid": "good",
    "done": "good",
    "by_hand": "good",
    "resolved": "good",
    "closed": "plain",
    "none": "plain",
    "rejected": "plain",
    "failed": "bad",
    "open": "bad",
    "explained": "busy",
}


def order_state(status: str, refunded_fen: int) -> Badge:
    """Return an order's state; one of which a part came back has a word of its own."""
    is_part = status == "redeemed" and refunded_fen > 0
    return Badge(*ORDER_STATES["part_refunded" if is_part else status])


def sheet_state(state: str) -> Badge:
    """Return the state of a settlement sheet."""
    return Badge(settlements.STATE_NAMES[state], TONES.get(state, "busy"))  # type: ignore[index]  # a CHECK


def refund_state(state: str) -> Badge:
    """Return how money on its way back stands."""
    return Badge(payments.REFUND_NAMES[state], TONES.get(state, "busy"))


def item_state(state: str) -> Badge:
    """Return the state of a difference."""
    return Badge(reconciliation.STATE_NAMES[state], TONES[state])


def account(account_id: str) -> str:
    """Return an account in words: 'campaign:Q2-MAY:spent' -> 'Q2-MAY 已用'."""
    pot, _, kind = account_id.rpartition(":")
    return f"{pot.partition(':')[2]} {ACCOUNT_KINDS[kind]}"


def subsidy_state(state: str, payment: str, *, correcting: bool) -> Badge:
    """Return how an application stands; a granted one as far as its money is."""
    if correcting:
        return Badge(SUBSIDY_PROGRESS["correcting"], "busy")
    if state != "granted":
        return Badge(SUBSIDY_STATES[state], SUBSIDY_TONES[state])
    if payment == "none":
        return Badge(SUBSIDY_PROGRESS["payable"], "busy")
    return Badge(*SUBSIDY_PAYMENTS[payment])


def decision(code: str | None) -> Badge:
    """Return what the second person decided, or that nobody has yet."""
    return Badge(*DECISIONS[code])


def who(actor: str) -> str:
    """Return who took a step: a login name, or the system by one of its own names."""
    return "系统" if actor in {"jobs", "system", "reconciliation"} else actor


def order_link(order_id: str) -> Link:
    """Return the way to an order's story."""
    return Link(order_id, "orders.story", {"order_id": order_id})
