"""Commands that show payments and close the cases of money that went astray."""

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.domain.money import yuan_text
from backend.domain.payments import CASE_NAMES, REFUND_NAMES
from backend.services import payment_cases, payment_records

if TYPE_CHECKING:
    from backend.storage.models.payments import PaymentCase

payments_cli = AppGroup("payments", help="Look into payments by providers (线上付款).")


@payments_cli.command("cases")
@click.option("--all", "every", is_flag=True, help="Closed ones too.")
@refusals_as_text
def list_cases(every: bool) -> None:
    """List money that was collected and stands for no redemption."""
    cases = payment_cases.list_cases(state=None if every else "open")
    for case in cases:
        _show(case)
    click.echo(f"{len(cases)} 件")


@payments_cli.command("close-case")
@click.argument("case_id", type=click.IntRange(1, 2_147_483_647))
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def close_case(case_id: int, reason: str, actor: str) -> None:
    """Close a case whose refund has come to its end."""
    payment_cases.close(case_id, actor=actor, reason=reason)
    click.echo(f"第 {case_id} 号案已结案")


@payments_cli.command("show")
@click.argument("order_id")
@refusals_as_text
def show(order_id: str) -> None:
    """Show how an order's payment stands, what the provider told, and its cases."""
    found = payment_records.of_order(order_id)
    order, payment = found.order, found.order.payment
    click.echo(f"订单 {order.id}  {order.status}  应付 {yuan_text(order.payable_fen)} 元")
    collected = "—" if payment.collected_fen is None else f"{yuan_text(payment.collected_fen)} 元"
    click.echo(
        f"收款方 {payment.provider}  {payment.status}  实收 {collected}  "
        f"流水 {payment.reference or '—'}  已询问 {payment.attempts} 次"
    )
    if payment.next_query_at is not None:
        click.echo(f"下次询问 {payment.next_query_at:%Y-%m-%d %H:%M:%S}")
    for notice in found.notices:
        said = notice.status or f"退款 {notice.refund_id} {notice.refund_status}"
        at = f"{notice.received_at:%Y-%m-%d %H:%M:%S}"
        click.echo(f"通知 {at}  {notice.event_id}  {said}  → {notice.outcome or '待处理'}")
    for case in found.cases:
        _show(case)


def _show(case: "PaymentCase") -> None:
    state = f"已结案（{case.closed_by}：{case.close_reason}）" if case.closed_at else "未结案"
    click.echo(
        f"第 {case.id} 号案  {case.opened_at:%Y-%m-%d %H:%M}  {CASE_NAMES[case.kind]}  "
        f"订单 {case.order_id}  {case.provider}  应收 {yuan_text(case.expected_fen)} 元  "
        f"实收 {yuan_text(case.collected_fen)} 元  {REFUND_NAMES[case.refund_status]}  {state}"
    )
