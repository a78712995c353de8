"""Commands for settlement: from the draft to the bank's answer. Each calls one service."""

from datetime import date
from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text, write_private
from backend.domain.money import yuan_text
from backend.domain.settlements import ACT_NAMES, STATE_NAMES
from backend.services import (
    payout_returns,
    payouts,
    settlement_files,
    settlement_holds,
    settlements,
)

settlement_cli = AppGroup("settlement", help="Settle with merchants (结算).")

PAYOUT_NAMES = {"sent": "待银行答复", "paid": "已付款", "failed": "付款失败"}

role_option = click.option(
    "--role", required=True, type=click.Choice(["bureau", "finance"]), help="For whom you act."
)


def as_day(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    """Return the day an option names, such as 2023-05-01."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter("wants a day such as 2023-05-01") from error


@settlement_cli.command("draft")
@click.option("--through", callback=as_day, help="The last business day; by default yesterday.")
@actor_option
@refusals_as_text
def draft(through: date | None, actor: str) -> None:
    """Draft a sheet for each merchant of all that is not settled yet."""
    made = settlements.draft(through_day=through, actor=actor)
    for sheet_id in made.sheet_ids:
        click.echo(sheet_id)
    click.echo(
        f"截至 {made.through_day}：新生成 {len(made.sheet_ids)} 张结算单，"
        f"合计 {yuan_text(made.amount_fen)} 元"
    )
    for merchant_id in made.carried:
        click.echo(f"{merchant_id} 应付不大于零，结转下次结算")


@settlement_cli.command("approve")
@click.argument("sheet_id")
@role_option
@click.option("--remark")
@actor_option
@refusals_as_text
def approve(sheet_id: str, role: str, remark: str | None, actor: str) -> None:
    """Approve a sheet: the bureau first, then finance, each another person than before."""
    sheet = settlements.approve(sheet_id=sheet_id, role=role, actor=actor, remark=remark)  # type: ignore[arg-type]  # a Choice
    click.echo(f"{sheet.id} {_state(sheet.state)}")


@settlement_cli.command("reject")
@click.argument("sheet_id")
@role_option
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def reject(sheet_id: str, role: str, reason: str, actor: str) -> None:
    """Send a sheet back; its lines are free for the next."""
    sheet = settlements.reject(sheet_id=sheet_id, role=role, actor=actor, reason=reason)  # type: ignore[arg-type]  # a Choice
    click.echo(f"{sheet.id} {_state(sheet.state)}")


@settlement_cli.command("export")
@click.argument("sheet_id")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@refusals_as_text
def export(sheet_id: str, file: Path) -> None:
    """Write a sheet as its merchant gets it to an .xlsx or .pdf FILE."""
    if file.suffix.lower() not in (".xlsx", ".pdf"):
        raise click.BadParameter("wants .xlsx or .pdf")
    made = settlement_files.pdf if file.suffix.lower() == ".pdf" else settlement_files.excel
    file.write_bytes(made(sheet_id))
    click.echo(str(file))


@settlement_cli.command("payout-file")
@click.argument("number")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--through", callback=as_day, help="The last business day; by default yesterday.")
@actor_option
@refusals_as_text
def payout_file(number: str, file: Path, through: date | None, actor: str) -> None:
    """Write what finance approved into the bank's FILE, under a batch NUMBER of yours."""
    made = payouts.create(number=number, day=through, actor=actor)
    write_private(file, payouts.content_of(number))
    click.echo(
        f"{file}：{made.file.line_count} 笔，{yuan_text(made.file.amount_fen)} 元，"
        f"摘要 {made.file.digest}"
    )
    for sheet_id, why in made.left_out.items():
        click.echo(f"{sheet_id} 未编入：{why}", err=True)


@settlement_cli.command("return-file")
@click.argument("number")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@actor_option
@refusals_as_text
def return_file(number: str, file: Path, actor: str) -> None:
    """Read what the bank answered to payout file NUMBER: all of FILE, or nothing."""
    taken = payout_returns.take(number=number, content=file.read_bytes(), actor=actor)
    still_open = sum(line.state == "sent" for line in payouts.lines(number))
    click.echo(
        f"{number}：成功 {taken.paid_count} 笔 {yuan_text(taken.paid_fen)} 元，"
        f"失败 {taken.failed_count} 笔 {yuan_text(taken.failed_fen)} 元，"
        f"未答复 {still_open} 笔"
    )


@settlement_cli.command("payout-files")
@refusals_as_text
def payout_files() -> None:
    """List the newest payout files."""
    for file in payouts.files():
        click.echo(
            f"{file.number}\t截至 {file.day}\t{file.line_count} 笔\t"
            f"{yuan_text(file.amount_fen)} 元\t{file.made_by}\t{file.digest[:12]}"
        )


@settlement_cli.command("hold")
@click.argument("hold_id")
@click.argument("redemption_id")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def hold(hold_id: str, redemption_id: str, reason: str, actor: str) -> None:
    """Keep a redemption out of settlement, under a number of yours."""
    settlement_holds.hold(hold_id=hold_id, redemption_id=redemption_id, reason=reason, actor=actor)
    click.echo(f"{redemption_id} 已暂缓结算（{hold_id}）")


@settlement_cli.command("release")
@click.argument("hold_id")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def release(hold_id: str, reason: str, actor: str) -> None:
    """Let a held redemption be settled again; another person than who held it."""
    found = settlement_holds.release(hold_id=hold_id, reason=reason, actor=actor)
    click.echo(f"{found.redemption_id} 已解除暂缓（{hold_id}）")


@settlement_cli.command("holds")
@click.option("--all", "every", is_flag=True, help="Released ones too.")
@refusals_as_text
def holds(every: bool) -> None:
    """List what is held."""
    for found in settlement_holds.list_holds(open_only=not every):
        ended = f"\t{found.released_by} 解除：{found.release_reason}" if found.released_by else ""
        click.echo(
            f"{found.id}\t{found.redemption_id}\t{found.held_at:%Y-%m-%d %H:%M}\t"
            f"{found.held_by}\t{found.reason}{ended}"
        )


@settlement_cli.command("list")
@click.option("--merchant", "merchant_id")
@click.option("--state", "states", multiple=True, type=click.Choice(list(STATE_NAMES)))
@click.option("--page", default=1, type=click.IntRange(1))
@refusals_as_text
def list_sheets(merchant_id: str | None, states: tuple[str, ...], page: int) -> None:
    """List sheets, the newest days first, 50 a page."""
    for sheet in settlements.sheets(merchant_id=merchant_id, states=states, page=page):
        click.echo(
            f"{sheet.id:24} {_state(sheet.state)}\t{sheet.from_day} 至 {sheet.through_day}\t"
            f"{sheet.line_count} 笔\t{yuan_text(sheet.amount_fen)} 元\t{sheet.merchant.name}"
        )


@settlement_cli.command("show")
@click.argument("sheet_id")
@refusals_as_text
def show(sheet_id: str) -> None:
    """Show a sheet and every step it took."""
    sheet = settlements.sheet_of(sheet_id)
    click.echo(
        f"{sheet.id} {sheet.merchant.name} {_state(sheet.state)}\n"
        f"{sheet.from_day} 至 {sheet.through_day}，{sheet.line_count} 笔，"
        f"{yuan_text(sheet.amount_fen)} 元\n摘要 {sheet.digest}"
    )
    for step in settlements.steps(sheet_id):
        click.echo(
            f"{step.position:3} {step.at:%Y-%m-%d %H:%M} {ACT_NAMES[step.act]} "  # type: ignore[index]  # a CHECK
            f"{step.actor}（{step.role}） {step.remark or ''} {step.digest[:12]}"
        )
    for line, account in payouts.attempts(sheet_id):
        click.echo(
            f"{line.file_number} 第 {line.line_number} 笔 → {account.holder} "
            f"尾号 {account.number_last4}：{PAYOUT_NAMES[line.state]} "
            f"{line.bank_serial or line.failure_reason or ''}"
        )


def _state(state: str) -> str:
    return STATE_NAMES[state]  # type: ignore[index]  # the schema knows only these
