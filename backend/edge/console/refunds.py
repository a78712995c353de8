"""Refunds (退款), what staff propose of them, and customers' money on its way back (退回款)."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain import payments
from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Link, Money
from backend.edge.console.forms import Form, Reason, WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import money_lists, paybacks, refund_proposals

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.refunds import Payback, Refund, RefundProposal

blueprint = ConsoleBlueprint("refunds", __name__)
of_proposals = ConsoleBlueprint("refund_proposals", __name__)
of_paybacks = ConsoleBlueprint("paybacks", __name__)


class RefundFilter(Filter):
    """Which refunds are wanted; both days are included."""

    since: Annotated[date | None, Field(title="自")] = None
    through: Annotated[date | None, Field(title="至")] = None
    merchant: Annotated[str, Field(title="商户（编号或名称）", max_length=64)] = ""


class StateFilter(Filter):
    """Which proposals or paybacks are wanted."""

    state: Annotated[str, Field(title="状态", max_length=16)] = ""


class ProofForm(Form):
    """How the money was paid by hand."""

    proof: Reason


def _refunds(wanted: RefundFilter) -> "Listing[Refund]":
    return money_lists.refunds(merchant=wanted.merchant, since=wanted.since, through=wanted.through)


def _proposals(wanted: StateFilter) -> "Listing[RefundProposal]":
    return money_lists.refund_proposals(wanted.state)


def _paybacks(wanted: StateFilter) -> "Listing[Payback]":
    return money_lists.paybacks(wanted.state)


def _proposal_link(proposal: "RefundProposal") -> Link:
    return Link(proposal.number, "refund_proposals.proposal", {"number": proposal.number})


REFUNDS: "Table[Refund]" = Table(
    name="refunds",
    title="退款",
    permission=Permission.REFUNDS_READ,
    filter=RefundFilter,
    find=_refunds,
    columns=(
        Column("退款时间", lambda r: r.refunded_at),
        Column("订单号", lambda r: words.order_link(r.order_id), width=36),
        Column("商户编号", lambda r: r.merchant_id, width=12),
        Column("退货金额", lambda r: Money(r.refund_amount_fen)),
        Column("退顾客", lambda r: Money(r.customer_fen)),
        Column("退补贴", lambda r: Money(r.subsidy_fen)),
        Column("券", lambda r: "已退回" if r.restored else "不退"),
        Column("经办", lambda r: r.made_by),
        Column("原因", lambda r: r.reason, width=40),
    ),
)
PROPOSALS: "Table[RefundProposal]" = Table(
    name="refund_proposals",
    title="退款申请",
    permission=Permission.REFUNDS_READ,
    filter=StateFilter,
    find=_proposals,
    columns=(
        Column("申请编号", _proposal_link, width=26),
        Column("申请时间", lambda p: p.proposed_at),
        Column("订单号", lambda p: words.order_link(p.order_id), width=36),
        Column("退货金额", lambda p: Money(p.refund_amount_fen)),
        Column("申请人", lambda p: p.proposed_by),
        Column("原因", lambda p: p.reason, width=40),
        Column("状态", lambda p: Badge(*words.PROPOSAL_STATES[p.state])),
        Column("办理人", lambda p: p.decided_by),
    ),
    choices={"state": lambda: [(code, text) for code, (text, _) in words.PROPOSAL_STATES.items()]},
)
PAYBACKS: "Table[Payback]" = Table(
    name="paybacks",
    title="退回顾客款项",
    permission=Permission.REFUNDS_READ,
    filter=StateFilter,
    find=_paybacks,
    columns=(
        Column("编号", lambda p: Link(p.id, "paybacks.payback", {"payback_id": p.id}), width=36),
        Column("发起时间", lambda p: p.requested_at),
        Column("订单号", lambda p: words.order_link(p.order_id), width=36),
        Column("收款方", lambda p: words.PROVIDERS[p.provider]),
        Column("金额", lambda p: Money(p.amount_fen)),
        Column("状态", lambda p: words.refund_state(p.status)),
        Column("已询问次数", lambda p: p.tries, width=10),
        Column("流水", lambda p: p.reference, width=36),
    ),
    choices={"state": lambda: [(c, t) for c, t in payments.REFUND_NAMES.items() if c != "none"]},
)


@blueprint.get("/refunds")
@permitted(REFUNDS.permission)
def page() -> Response | str:
    """List refunds, the newest first."""
    return REFUNDS.answer("console/orders.html")


@of_proposals.get("/refund-proposals")
@permitted(PROPOSALS.permission)
def page_of_proposals() -> Response | str:
    """List what staff proposed to refund."""
    return PROPOSALS.answer("console/orders.html")


@of_proposals.get("/refund-proposals/<number>")
@permitted(Permission.REFUNDS_READ)
def proposal(number: str) -> str:
    """Show a proposal, and the forms that decide it."""
    found = refund_proposals.get(number)
    state = Badge(*words.PROPOSAL_STATES[found.state])
    return render_template("console/refund_proposal.html", proposal=found, state=state)


@of_proposals.post("/refund-proposals/<number>/make")
@permitted(Permission.REFUNDS_MAKE)
def make(number: str) -> Response:
    """Make a proposed refund, as another person."""
    refund_proposals.make(number, actor=current_staff().name)
    return done("退款已办理", "refund_proposals.proposal", number=number)


@of_proposals.post("/refund-proposals/<number>/withdraw")
@permitted(Permission.REFUNDS_PROPOSE)
def withdraw(number: str) -> Response:
    """End a proposal that nobody is to make."""
    reason = WithReason.read().reason
    refund_proposals.withdraw(number, reason=reason, actor=current_staff().name)
    return done("退款申请已撤回", "refund_proposals.proposal", number=number)


@of_paybacks.get("/paybacks")
@permitted(PAYBACKS.permission)
def page_of_paybacks() -> Response | str:
    """List customers' money on its way back or there."""
    return PAYBACKS.answer("console/orders.html")


@of_paybacks.get("/paybacks/<payback_id>")
@permitted(Permission.REFUNDS_READ)
def payback(payback_id: str) -> str:
    """Show one, and what can be done where the provider refused it."""
    found = paybacks.get(payback_id)
    return render_template(
        "console/payback.html",
        payback=found,
        state=words.refund_state(found.status),
        provider=words.PROVIDERS[found.provider],
    )


@of_paybacks.post("/paybacks/<payback_id>/retry")
@permitted(Permission.REFUNDS_PAY)
def retry(payback_id: str) -> Response:
    """Ask the provider now, under the same number: never a second payment."""
    found = paybacks.retry(payback_id, actor=current_staff().name)
    text = f"已再次询问：{payments.REFUND_NAMES[found.status]}"
    return done(text, "paybacks.payback", payback_id=payback_id)


@of_paybacks.post("/paybacks/<payback_id>/by-hand")
@permitted(Permission.REFUNDS_PAY)
def by_hand(payback_id: str) -> Response:
    """Note that failed money was paid by hand, with its proof."""
    proof = ProofForm.read().proof
    paybacks.by_hand(payback_id, proof=proof, actor=current_staff().name)
    return done(
        "已登记人工退还；相应的付款异常由另一位工作人员结案",
        "paybacks.payback",
        payback_id=payback_id,
    )
