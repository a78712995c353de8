"""Commands for merchants: the published list, clerks, who collects."""

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, phone_option, refusals_as_text
from backend.services import clerks, merchant_lists, merchants
from backend.services.merchant_lists import Publication

merchant_cli = AppGroup(
    "merchant", help="A merchant's way into the programme and out of it (商户)."
)
merchant_list_cli = AppGroup("merchant-list", help="Publish the merchant list (参与商户名单).")
clerk_cli = AppGroup(
    "clerk", help="Add and remove a shop's clerks (收银员), name its owner (店主)."
)


@merchant_cli.command("provider")
@click.argument("merchant_id")
@click.argument("provider")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def set_provider(merchant_id: str, provider: str, reason: str, actor: str) -> None:
    """Choose who collects what is left to pay: at_till, or a PROVIDER of this installation."""
    merchants.set_payment_provider(merchant_id, provider, actor=actor, reason=reason)
    click.echo(f"{merchant_id} 的余款由 {provider} 收取")


@merchant_list_cli.command("publish")
@actor_option
@refusals_as_text
def publish(actor: str) -> None:
    """Publish all merchants that passed the chain as the next version."""
    _show(merchant_lists.publish(actor=actor))


@merchant_list_cli.command("show")
@click.option("--version", "number", type=int, help="By default the one in force.")
@click.option("--since", type=int, help="The version to compare with; by default the one before.")
@refusals_as_text
def show(number: int | None, since: int | None) -> None:
    """Show a version and what it changed."""
    _show(merchant_lists.publication(number, since=since))


def _show(published: Publication) -> None:
    difference = published.difference
    click.echo(
        f"第 {published.number} 版，{published.published_at:%Y-%m-%d %H:%M} 公布，"
        f"{len(published.merchants)} 家；新增 {len(difference.added)}，"
        f"移除 {len(difference.removed)}，变更 {len(difference.changed)}"
    )
    for merchant in published.merchants:
        mark = "+" if merchant.merchant_id in difference.added else " "
        click.echo(f" {mark} {merchant.merchant_id}  {merchant.name}（{merchant.domain_name}）")
    for merchant_id in difference.removed:
        click.echo(f" - {merchant_id}")


@clerk_cli.command("add")
@click.argument("merchant_id")
@click.option("--name", required=True)
@phone_option
@actor_option
@refusals_as_text
def add_clerk(merchant_id: str, name: str, phone: str, actor: str) -> None:
    """Let the holder of a phone number redeem for a shop."""
    clerk = clerks.add_clerk(merchant_id=merchant_id, name=name, phone=phone, actor=actor)
    click.echo(f"{merchant_id} 收银员 {clerk.id} 已添加")


@clerk_cli.command("remove")
@click.argument("clerk_id", type=int)
@actor_option
@refusals_as_text
def remove_clerk(clerk_id: int, actor: str) -> None:
    """End a clerk's work at once."""
    clerks.remove_clerk(clerk_id=clerk_id, actor=actor)
    click.echo(f"收银员 {clerk_id} 已移除")


@clerk_cli.command("owner")
@click.argument("clerk_id", type=int)
@actor_option
@refusals_as_text
def make_owner(clerk_id: int, actor: str) -> None:
    """Make a clerk the owner of his shop, who adds and removes the others."""
    clerks.make_owner(clerk_id=clerk_id, actor=actor)
    click.echo(f"收银员 {clerk_id} 已是店主")
