"""An order's story in words: its facts, and its steps in the order of their times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from backend.domain import payments, settlements
from backend.edge.console import money_words as words
from backend.edge.console.cells import Cell, Money, Tone, shown

if TYPE_CHECKING:
    from backend.services.order_stories import Story

RELEASES = {
    "timeout": "超过付款时限",
    "cancelled_by_resident": "居民取消",
    "cancelled_by_merchant": "商户取消",
    "payment_failed": "付款失败",
    "payment_closed": "付款已关闭",
    **payments.CASE_NAMES,
}


@dataclass(frozen=True, order=True)
class Step:
    """What happened, when, by whom; `note` says the rest."""

    at: datetime
    words: str
    tone: Tone = "plain"
    who: str | None = None
    note: str | None = None

    def __iter__(self) -> Iterator[object]:
        """Yield what the macro `timeline` wants."""
        return iter((self.words, self.tone, self.at, self.who, self.note))


def facts(story: "Story") -> Sequence[tuple[str, Cell]]:
    """Return who, where and under which rule, as (title, cell)."""
    order, voucher, campaign = story.payment.order, story.voucher, story.campaign
    clerk = story.redemption and story.redemption.clerk
    return (
        ("居民", f"手机尾号 {story.phone_last4}"),
        ("商户", f"{order.merchant_id} {order.merchant.name}"),
        ("收银员", clerk.name if clerk else None),
        ("活动", f"{campaign.id} {campaign.name}"),
        (
            "适用规则",
            f"满 {Money(voucher.threshold_fen)} 元减 {Money(voucher.face_value_fen)} 元",
        ),
        ("券有效期", f"{shown(voucher.valid_from)} 至 {shown(voucher.valid_until)}（不含）"),
        ("券号", str(voucher.id)),
        ("核验方式", words.ENTRIES[order.entry]),
        ("收款方式", words.PROVIDERS[order.payment.provider]),
        ("付款状态", words.PAYMENT_STATES[order.payment.status]),
        (
            "收款流水",
            None if order.payment.provider == payments.AT_TILL else order.payment.reference,
        ),
    )


def steps(story: "Story") -> Sequence[Step]:
    """Return what happened, the oldest first."""
    found = [*_until_paid(story), *_back(story), *_settled(story)]
    return sorted(found, key=lambda step: step.at)


def _until_paid(story: "Story") -> Iterator[Step]:
    order, payment = story.payment.order, story.payment.order.payment
    yield Step(story.voucher.claimed_at, "领取消费券")
    yield Step(
        order.created_at,
        "下单，锁定消费券",
        note=f"消费 {Money(order.order_amount_fen)} 元，优惠 {Money(order.discount_fen)} 元，"
        f"应付 {Money(order.payable_fen)} 元",
    )
    if payment.charged_at:
        yield Step(payment.charged_at, f"向{words.PROVIDERS[payment.provider]}发起收款")
    for notice in story.payment.notices:
        what = "付款" if notice.status else "退款"
        yield Step(
            notice.received_at, f"收到{words.PROVIDERS[notice.provider]}{what}通知",
            note=f"流水 {notice.reference}" if notice.reference else None,
        )  # fmt: skip
    if story.redemption:
        clerk = story.redemption.clerk
        yield Step(
            story.redemption.redeemed_at, "核销", "good", f"收银员 {clerk.name}" if clerk else None
        )
    if order.status == "released" and order.closed_at:
        reason = order.release_reason or ""
        yield Step(order.closed_at, "取消，券已退回", note=RELEASES.get(reason, reason))
    for case in story.payment.cases:
        kind = payments.CASE_NAMES[case.kind]
        yield Step(case.opened_at, f"付款异常：{kind}", "bad")
        if case.closed_at:
            yield Step(case.closed_at, "付款异常结案", "good", case.closed_by, case.close_reason)


def _back(story: "Story") -> Iterator[Step]:
    for proposal in story.proposals:
        amount = f"退货 {Money(proposal.refund_amount_fen)} 元：{proposal.reason}"
        yield Step(proposal.proposed_at, "提出退款申请", "busy", proposal.proposed_by, amount)
        if proposal.state == "withdrawn" and proposal.decided_at:
            yield Step(proposal.decided_at, "撤回退款申请", who=proposal.decided_by)
    for part in story.back.refunds:
        yield Step(
            part.refunded_at,
            f"第 {part.part} 次退款",
            who=part.made_by,
            note=f"退货 {Money(part.refund_amount_fen)} 元：顾客 {Money(part.customer_fen)} 元，"
            f"补贴 {Money(part.subsidy_fen)} 元{'，券已退回' if part.restored else ''}。"
            f"{part.reason}",
        )
    if story.reversal:
        yield Step(
            story.reversal.reversed_at,
            "当日冲正，券已退回",
            who=story.reversal.made_by,
            note=story.reversal.reason,
        )
    for payback in story.back.paybacks:
        if payback.ended_at:
            state = payments.REFUND_NAMES[payback.status]
            amount = f"{Money(payback.amount_fen)} 元，{payback.hand_proof or payback.reference}"
            yield Step(payback.ended_at, f"顾客款项{state}", "good", payback.hand_by, amount)


def _settled(story: "Story") -> Iterator[Step]:
    for line, sheet in story.lines:
        what = settlements.SOURCE_NAMES[line.source_kind]  # type: ignore[index]  # a CHECK
        note = f"{sheet.id}，{Money(line.amount_fen)} 元"
        yield Step(sheet.drafted_at, f"{what}编入结算单", note=note)
        if line.freed_at:
            yield Step(line.freed_at, "结算单被退回，本笔可再编入", note=sheet.id)
    for payout in story.payouts:
        if payout.answered_at:
            paid = payout.state == "paid"
            yield Step(
                payout.answered_at,
                "银行已付款" if paid else "银行付款失败",
                "good" if paid else "bad",
                note=f"代发文件 {payout.file_number} 第 {payout.line_number} 笔，"
                f"{payout.bank_serial or payout.failure_reason}",
            )
    for hold in story.holds:
        yield Step(hold.held_at, "暂缓结算", "bad", hold.held_by, hold.reason)
        if hold.released_at:
            yield Step(hold.released_at, "解除暂缓", "good", hold.released_by, hold.release_reason)
    for outside, file in story.outside:
        yield Step(
            file.taken_at,
            "对方文件中有此笔",
            note=f"{file.name} 第 {outside.line} 行，{Money(outside.amount_fen)} 元",
        )
