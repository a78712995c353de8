"""Commands for special subsidies: look, review as two people, pay and write down the answer."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, check_id, refusals_as_text, write_private
from backend.domain.money import yuan_text
from backend.domain.subsidies import STATE_NAMES
from backend.services import (
    subsidies,
    subsidy_accounts,
    subsidy_files,
    subsidy_payouts,
    subsidy_reviews,
)

if TYPE_CHECKING:
    from backend.storage.models.subsidies import Subsidy

CORRECTIONS = {"submitted": "待审核", "confirmed": "已通过", "refused": "未通过"}
subsidy_cli = AppGroup("subsidy", help="Review and pay special subsidies (专项补贴).")


@subsidy_cli.command("list")
@click.option("--state", type=click.Choice(list(STATE_NAMES)))
@click.option("--limit", default=50, type=click.IntRange(1, 1000))
@refusals_as_text
def list_subsidies(state: str | None, limit: int) -> None:
    """List the newest applications."""
    for found in subsidies.list_subsidies(state=state, limit=limit):
        click.echo(_line(found))


@subsidy_cli.command("show")
@click.argument("subsidy_id")
@refusals_as_text
def show(subsidy_id: str) -> None:
    """Show an application: what was applied for, its files, every step."""
    found = subsidies.of_resident(subsidy_id, None)
    told = subsidies.details(found)
    click.echo(_line(found))
    click.echo(
        f"发票 {told.invoice_number} {told.invoice_day} {yuan_text(told.invoice_amount_fen)} 元\n"
        f"车架号 {told.vin}\n商户 {found.merchant.name}\n"
        f"账户 {told.account.holder} {told.account.bank} 尾号 {found.account_last4}"
    )
    correction = subsidy_accounts.of_return(subsidy_id)
    if correction is not None:
        account, word = subsidy_accounts.decrypted(correction), CORRECTIONS[correction.state]
        click.echo(f"更正账户（{word}） {account.holder} {account.bank} {account.number}")
    for file in subsidies.files(subsidy_id):
        click.echo(f"材料 {file.name}\t{file.media_type}\t{file.size_bytes}\t{file.digest[:12]}")
    for step in subsidies.steps(subsidy_id):
        name = STATE_NAMES[step.state]  # type: ignore[index]  # a CHECK names them
        click.echo(
            f"{step.position:3} {step.at:%Y-%m-%d %H:%M} {name} {step.actor} {step.reason or ''}"
        )


@subsidy_cli.command("file")
@click.argument("subsidy_id")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@actor_option
@refusals_as_text
def save_file(subsidy_id: str, name: str, file: Path, actor: str) -> None:
    """Write the evidence NAME of an application into FILE, readable by you alone."""
    media_type, content = subsidy_files.read_as_staff(subsidy_id=subsidy_id, name=name, actor=actor)
    write_private(file, content)
    click.echo(f"{file}\t{media_type}\t{len(content)} bytes")


@subsidy_cli.command("review")
@click.argument("subsidy_id")
@click.option("--step", required=True, type=click.Choice(["first", "second", "refuse"]))
@click.option("--reason", help="Why it is refused; the applicant reads it.")
@actor_option
@refusals_as_text
def review(subsidy_id: str, step: str, reason: str | None, actor: str) -> None:
    """Pass the first or the second review, each another person, or refuse with a reason."""
    if (step == "refuse") != bool(reason):
        raise click.UsageError("--reason goes with --step refuse, and only with it")
    if step == "first":
        found = subsidy_reviews.first(subsidy_id=subsidy_id, actor=actor)
    elif step == "second":
        found = subsidy_reviews.grant(subsidy_id=subsidy_id, actor=actor)
    else:
        found = subsidy_reviews.refuse(subsidy_id=subsidy_id, reason=reason or "", actor=actor)
    click.echo(_line(found))


@subsidy_cli.command("accounts")
@refusals_as_text
def accounts() -> None:
    """List the corrected accounts that wait for their review, the oldest first."""
    for found in subsidy_accounts.list_waiting():
        click.echo(
            f"{found.subsidy_id}\t{found.made_at:%Y-%m-%d %H:%M}\t尾号 {found.account_last4}\t"
            f"退回于清单 {found.returned_number}"
        )


@subsidy_cli.command("account")
@click.argument("subsidy_id")
@click.option("--step", required=True, type=click.Choice(["confirm", "refuse"]))
@click.option("--reason", help="Why it is refused; the applicant reads it.")
@actor_option
@refusals_as_text
def decide_account(subsidy_id: str, step: str, reason: str | None, actor: str) -> None:
    """Decide a corrected account; another person than who wrote down the return."""
    if (step == "refuse") != bool(reason):
        raise click.UsageError("--reason goes with --step refuse, and only with it")
    if step == "confirm":
        found = subsidy_accounts.confirm(subsidy_id=subsidy_id, actor=actor)
    else:
        found = subsidy_accounts.refuse(subsidy_id=subsidy_id, reason=reason or "", actor=actor)
    click.echo(f"{subsidy_id} 更正账户{CORRECTIONS[found.state]}，尾号 {found.account_last4}")


@subsidy_cli.command("payout-list")
@click.argument("number", callback=check_id)
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@actor_option
@refusals_as_text
def payout_list(number: str, file: Path, actor: str) -> None:
    """Write what is granted and unpaid into FILE (.xlsx), under a NUMBER of yours."""
    made = subsidy_payouts.create(number=number, actor=actor)
    write_private(file, subsidy_payouts.content_of(number))
    click.echo(f"{file}：{made.line_count} 笔，{yuan_text(made.amount_fen)} 元，摘要 {made.digest}")


@subsidy_cli.command("paid")
@click.argument("number")
@click.argument("subsidy_id")
@click.option("--proof", help="The bank's serial.")
@click.option("--returned", help="Why the bank returned it, instead of --proof.")
@actor_option
@refusals_as_text
def paid(number: str, subsidy_id: str, proof: str | None, returned: str | None, actor: str) -> None:
    """Write down once what the bank did; another person than who made the list."""
    if bool(proof) == bool(returned):
        raise click.UsageError("either --proof or --returned")
    line = subsidy_payouts.answer(
        number=number,
        subsidy_id=subsidy_id,
        paid=bool(proof),
        proof=proof or returned or "",
        actor=actor,
    )
    word = "已发放" if line.state == "paid" else "被退回，可编入下一份清单"
    click.echo(f"{subsidy_id} {word}")


def _line(found: "Subsidy") -> str:
    state = STATE_NAMES[found.state]  # type: ignore[index]  # a CHECK names them
    return (
        f"{found.id}\t{state}\t{yuan_text(found.amount_fen)} 元\t{found.campaign_id}\t"
        f"{found.created_at:%Y-%m-%d %H:%M}\t车架号尾号 {found.vin_last4}"
    )
