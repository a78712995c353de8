"""Commands for refunds, and for customers' money on its way back."""

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.domain.money import MAX_AMOUNT_FEN, yuan_text
from backend.domain.payments import REFUND_NAMES
from backend.services import paybacks, refund_proposals, refunds
from backend.services.refunds import Goods

if TYPE_CHECKING:
    from backend.storage.models.refunds import Payback, Refund, RefundProposal

PROPOSAL_NAMES = {"proposed": "待另一位工作人员办理", "made": "已办理", "withdrawn": "已撤回"}

refunds_cli = AppGroup("refunds", help="Refund orders, and look after money going back (退款).")

amount_fen_of_goods = click.option(
    "--amount-fen",
    "refund_amount_fen",
    required=True,
    type=click.IntRange(1, MAX_AMOUNT_FEN),
    help="Goods given back, as a part of the order amount.",
)


@refunds_cli.command("propose")
@click.argument("order_id")
@click.option("--number", required=True, help="The refund's number: the same one acts once.")
@amount_fen_of_goods
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def propose(order_id: str, number: str, refund_amount_fen: int, reason: str, actor: str) -> None:
    """Propose to refund an order whose merchant does not do it; a colleague makes it."""
    goods = Goods(number=number, refund_amount_fen=refund_amount_fen, reason=reason)
    _show_proposal(refund_proposals.propose(order_id=order_id, goods=goods, actor=actor))


@refunds_cli.command("proposals")
@refusals_as_text
def proposals() -> None:
    """List proposed refunds that wait for a second person."""
    for proposal in refund_proposals.list_waiting():
        _show_proposal(proposal)


@refunds_cli.command("make")
@click.argument("number")
@actor_option
@refusals_as_text
def make(number: str, actor: str) -> None:
    """Make a refund that a colleague has proposed."""
    made = refund_proposals.make(number, actor=actor)
    show_refund(made.refund)
    if made.payback is not None:
        _show(made.payback)


@refunds_cli.command("withdraw")
@click.argument("number")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def withdraw(number: str, reason: str, actor: str) -> None:
    """End a proposal that nobody is to make."""
    refund_proposals.withdraw(number, reason=reason, actor=actor)
    click.echo(f"退款申请 {number} 已撤回")


@refunds_cli.command("list")
@click.option("--all", "every", is_flag=True, help="What has reached the customer too.")
@refusals_as_text
def list_open(every: bool) -> None:
    """List customers' money that is on its way back."""
    found = paybacks.list_open(every=every)
    for payback in found:
        _show(payback)
    click.echo(f"{len(found)} 笔")


@refunds_cli.command("show")
@click.argument("order_id")
@refusals_as_text
def show(order_id: str) -> None:
    """Show an order's refunds, and how the customer's money stands."""
    found = refunds.record_of(order_id)
    order = found.order
    click.echo(
        f"订单 {order.id}  {order.status}  消费 {yuan_text(order.order_amount_fen)} 元  "
        f"已退 {yuan_text(order.refunded_fen)} 元"
    )
    for refund in found.refunds:
        show_refund(refund)
    for payback in found.paybacks:
        _show(payback)


@refunds_cli.command("retry")
@click.argument("payback_id")
@actor_option
@refusals_as_text
def retry(payback_id: str, actor: str) -> None:
    """Ask the provider now, also about money that failed; never a second payment."""
    _show(paybacks.retry(payback_id, actor=actor))


@refunds_cli.command("by-hand")
@click.argument("payback_id")
@click.option("--proof", required=True, help="How it was paid: the transfer's number, a receipt.")
@actor_option
@refusals_as_text
def by_hand(payback_id: str, proof: str, actor: str) -> None:
    """Note that failed money was paid by hand; another person closes its case."""
    _show(paybacks.by_hand(payback_id, proof=proof, actor=actor))


def _show_proposal(proposal: "RefundProposal") -> None:
    click.echo(
        f"退款申请 {proposal.number}  {proposal.proposed_at:%Y-%m-%d %H:%M}  "
        f"订单 {proposal.order_id}  退货 {yuan_text(proposal.refund_amount_fen)} 元  "
        f"{PROPOSAL_NAMES[proposal.state]}  {proposal.proposed_by}：{proposal.reason}"
    )


def show_refund(refund: "Refund") -> None:
    """Print one refund."""
    click.echo(
        f"退款 {refund.id}  {refund.refunded_at:%Y-%m-%d %H:%M}  单号 {refund.number}  "
        f"退货 {yuan_text(refund.refund_amount_fen)} 元：顾客 {yuan_text(refund.customer_fen)} 元，"
        f"补贴 {yuan_text(refund.subsidy_fen)} 元{'，券已退回' if refund.restored else ''}  "
        f"{refund.made_by}：{refund.reason}"
    )


def _show(payback: "Payback") -> None:
    hand = f"  {payback.hand_by}：{payback.hand_proof}" if payback.hand_by else ""
    click.echo(
        f"退回款 {payback.id}  {payback.requested_at:%Y-%m-%d %H:%M}  订单 {payback.order_id}  "
        f"{payback.provider}  {yuan_text(payback.amount_fen)} 元  {REFUND_NAMES[payback.status]}  "
        f"流水 {payback.reference or '—'}  已询问 {payback.tries} 次{hand}"
    )
