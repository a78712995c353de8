"""Commands for merchants' payout accounts: one person enters, another confirms."""

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.services import payout_accounts

payout_account_cli = AppGroup("payout-account", help="Where a merchant is paid (收款账户).")

STATE_NAMES = {
    "proposed": "待复核",
    "active": "在用",
    "replaced": "已更换",
    "withdrawn": "已撤回",
}


@payout_account_cli.command("propose")
@click.argument("merchant_id")
@click.option("--holder", required=True, help="户名, as the bank has it.")
@click.option("--bank", required=True, help="开户行.")
@click.option("--number", prompt="账号", hide_input=True, help="Asked for, and not shown.")
@actor_option
@refusals_as_text
def propose(merchant_id: str, holder: str, bank: str, number: str, actor: str) -> None:
    """Enter a merchant's account; it counts once a colleague has confirmed it."""
    made = payout_accounts.propose(
        merchant_id=merchant_id, holder=holder, bank=bank, number=number, actor=actor
    )
    click.echo(f"{merchant_id} 收款账户尾号 {made.number_last4} 待另一位工作人员复核")


@payout_account_cli.command("confirm")
@click.argument("merchant_id")
@click.argument("last4")
@actor_option
@refusals_as_text
def confirm(merchant_id: str, last4: str, actor: str) -> None:
    """Confirm the account that waits, by the LAST4 digits of its number."""
    payout_accounts.confirm(merchant_id=merchant_id, last4=last4, actor=actor)
    click.echo(f"{merchant_id} 收款账户尾号 {last4} 已复核，即日起使用")


@payout_account_cli.command("show")
@click.argument("merchant_id")
@refusals_as_text
def show(merchant_id: str) -> None:
    """Show a merchant's accounts, the newest first."""
    for account in payout_accounts.accounts(merchant_id):
        click.echo(
            f"尾号 {account.number_last4}\t{account.holder}\t{account.bank}\t"
            f"{STATE_NAMES[account.state]}\t{account.proposed_by} 登记"
            + (f"，{account.confirmed_by} 复核" if account.confirmed_by else "")
        )
