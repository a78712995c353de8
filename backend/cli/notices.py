"""Commands for notices to the public."""

from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.domain.public_notices import STATE_NAMES
from backend.services import public_notices

notice_cli = AppGroup("notice", help="Write, release and withdraw notices (公告).")


@notice_cli.command("write")
@click.option("--title", required=True)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@actor_option
@refusals_as_text
def write(file: Path, title: str, actor: str) -> None:
    """Write a draft from a text file."""
    body = file.read_text(encoding="utf-8", errors="surrogateescape")
    notice = public_notices.write(title=title, body=body, actor=actor)
    click.echo(f"公告 {notice.id} 已写好，请送审")


@notice_cli.command("submit")
@click.argument("notice_id", type=int)
@actor_option
@refusals_as_text
def submit(notice_id: int, actor: str) -> None:
    """Send your own draft for release by a colleague."""
    public_notices.submit(notice_id, actor=actor)
    click.echo(f"公告 {notice_id} 已送审，待另一位工作人员发布")


@notice_cli.command("send-back")
@click.argument("notice_id", type=int)
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def send_back(notice_id: int, reason: str, actor: str) -> None:
    """Make a notice that was sent for release a draft again."""
    public_notices.send_back(notice_id, reason=reason, actor=actor)
    click.echo(f"公告 {notice_id} 已退回修改")


@notice_cli.command("publish")
@click.argument("notice_id", type=int)
@click.option("--edition", required=True, type=int, help="Whose words you have read: `show`.")
@actor_option
@refusals_as_text
def publish(notice_id: int, edition: int, actor: str) -> None:
    """Show everybody a notice that a colleague has written."""
    public_notices.publish(notice_id, edition=edition, actor=actor)
    click.echo(f"公告 {notice_id} 已发布")


@notice_cli.command("withdraw")
@click.argument("notice_id", type=int)
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def withdraw(notice_id: int, reason: str, actor: str) -> None:
    """Take a notice away; it stays in the list of staff."""
    public_notices.withdraw(notice_id, reason=reason, actor=actor)
    click.echo(f"公告 {notice_id} 已撤回")


@notice_cli.command("show")
@click.argument("notice_id", type=int)
@refusals_as_text
def show(notice_id: int) -> None:
    """Show a notice's words, and which edition they are."""
    notice = public_notices.get(notice_id)
    state = STATE_NAMES[notice.state]  # type: ignore[index]  # the schema knows only these
    click.echo(
        f"{state}\t第 {notice.edition} 稿\t{notice.written_by}\n{notice.title}\n{notice.body}"
    )


@notice_cli.command("list")
@refusals_as_text
def list_all() -> None:
    """List all notices, the last written first."""
    for notice in public_notices.find().each():
        state = STATE_NAMES[notice.state]  # type: ignore[index]  # the schema knows only these
        click.echo(f"{notice.id}\t{state}\t{notice.written_at:%Y-%m-%d %H:%M}\t{notice.title}")
