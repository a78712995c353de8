"""Commands for residents: block, unblock, list, and what they said of messages."""

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, phone_option, refusals_as_text
from backend.services import blocks, residents, wechat_pushes

resident_cli = AppGroup("resident", help="Block and unblock residents (停用居民).")


@resident_cli.command("block")
@phone_option
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def block(phone: str, reason: str, actor: str) -> None:
    """Stop the claims and payments of a phone's resident; what he holds stays his."""
    resident_id = residents.of_phone(phone)
    blocks.block(resident_id, reason=reason, actor=actor)
    click.echo(f"居民 {resident_id} 已停用：不能领券，也不能用券")


@resident_cli.command("unblock")
@phone_option
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def unblock(phone: str, reason: str, actor: str) -> None:
    """Let the resident of a phone claim and pay again."""
    resident_id = residents.of_phone(phone)
    blocks.lift(resident_id, reason=reason, actor=actor)
    click.echo(f"居民 {resident_id} 已恢复")


@resident_cli.command("blocks")
def list_blocks() -> None:
    """List the residents who are blocked now."""
    for b in blocks.list_standing():
        at = f"{b.blocked_at:%Y-%m-%d %H:%M}"
        click.echo(f"居民 {b.resident_id}  {at}  {b.blocked_by}  {b.reason}")


@resident_cli.command("messages")
@phone_option
def list_answers(phone: str) -> None:
    """List what the resident of a phone said last of messages (订阅消息), by template."""
    for found in wechat_pushes.answers_of(residents.of_phone(phone)):
        said = {"accept": "同意接收", "reject": "拒收"}[found.answer]
        click.echo(f"{found.template_id}  {said}  {found.told_at:%Y-%m-%d %H:%M}")
