"""Commands for partners: who may call the bank interface, with which key, from where."""

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.services import partner_merchants, partners

partner_cli = AppGroup("partner", help="Banks that call us: keys and addresses (合作机构).")
STATE_NAMES = {"proposed": "待复核", "active": "有效", "retired": "已停用"}


@partner_cli.command("add")
@click.argument("partner_id")
@click.option("--name", required=True)
@actor_option
@refusals_as_text
def add(partner_id: str, name: str, actor: str) -> None:
    """Enter a partner under the code of its daily files, such as BANK01."""
    partners.add(partner_id, name=name, actor=actor)
    click.echo(f"{partner_id} {name} 已登记，接下来登记密钥和地址")


@partner_cli.command("key-new")
@click.argument("partner_id")
@click.argument("key_id")
@actor_option
@refusals_as_text
def key_new(partner_id: str, key_id: str, actor: str) -> None:
    """Make a key and show its secret; it counts once a colleague has confirmed it."""
    secret = partners.new_key(partner_id, key_id, actor=actor)
    click.echo(f"{partner_id} 密钥 {key_id} 待另一位工作人员复核，请经安全渠道交给机构：")
    click.echo(secret)


@partner_cli.command("key-confirm")
@click.argument("partner_id")
@click.argument("key_id")
@actor_option
@refusals_as_text
def key_confirm(partner_id: str, key_id: str, actor: str) -> None:
    """Put a key that a colleague made into force; at most two are at a time."""
    partners.confirm_key(partner_id, key_id, actor=actor)
    click.echo(f"{partner_id} 密钥 {key_id} 已复核，即刻有效")


@partner_cli.command("key-retire")
@click.argument("partner_id")
@click.argument("key_id")
@actor_option
@refusals_as_text
def key_retire(partner_id: str, key_id: str, actor: str) -> None:
    """End a key at once: calls signed with it are refused from now on."""
    partners.retire_key(partner_id, key_id, actor=actor)
    click.echo(f"{partner_id} 密钥 {key_id} 已停用")


@partner_cli.command("allow")
@click.argument("partner_id")
@click.argument("network")
@actor_option
@refusals_as_text
def allow(partner_id: str, network: str, actor: str) -> None:
    """Let a partner call from an address or a range, such as 203.0.113.0/28."""
    click.echo(f"{partner_id} 可从 {partners.allow(partner_id, network, actor=actor)} 接入")


@partner_cli.command("disallow")
@click.argument("partner_id")
@click.argument("network")
@actor_option
@refusals_as_text
def disallow(partner_id: str, network: str, actor: str) -> None:
    """Take an address or a range from a partner's list."""
    click.echo(f"{partner_id} 不再从 {partners.disallow(partner_id, network, actor=actor)} 接入")


@partner_cli.command("list")
@refusals_as_text
def list_all() -> None:
    """List partners with their keys and addresses; secrets are not shown."""
    for shown in partners.list_all():
        click.echo(f"{shown.partner.id} {shown.partner.name}\t{' '.join(shown.networks) or '-'}")
        for key in shown.keys:
            checked = f"，{key.confirmed_by} 复核" if key.confirmed_by else ""
            made = f"{key.proposed_by} 登记{checked}"
            click.echo(f"  {key.id}\t{STATE_NAMES[key.state]}\t{made}")


@partner_cli.command("proposals")
@click.option("--partner", "partner_id")
@refusals_as_text
def proposals(partner_id: str | None) -> None:
    """List merchants that partners have found qualified (提报)."""
    for row in partner_merchants.list_proposals(partner_id):
        click.echo(
            f"{row.id}\t{row.partner_id}\t{row.uscc}\t{row.merchant_number}\t"
            f"{row.domain_id}\t{row.area or '-'}\t{row.name}"
        )
