"""Commands for accounts of staff; the first administrator is made here."""

from datetime import datetime

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.domain.staff import ROLE_NAMES, Role
from backend.services import staff, staff_hand_overs, staff_proposals, staff_resets, staff_sessions

staff_cli = AppGroup("staff", help="Accounts of staff: who may sign in at the console (工作人员).")
role_of_a_person = click.Choice([role.value for role in Role])


@staff_cli.command("add")
@click.argument("login_name")
@click.option("--name", "display_name", required=True, help="The person's own name.")
@click.option("--office", required=True, help="Such as 商务和口岸局.")
@click.option("--role", type=role_of_a_person, required=True)
@actor_option
@refusals_as_text
def add(login_name: str, display_name: str, office: str, role: str, actor: str) -> None:
    """Ask for an account; another administrator confirms. The first administrator is made at once.

    The first one's one-time password is shown once and good for three days.
    """
    person = {"display_name": display_name, "office": office, "actor": actor}
    if Role(role) is Role.ADMINISTRATOR and not staff.has_administrator():
        _hand_over(login_name, staff.add_first(login_name, **person))
        return
    staff_proposals.propose_account(login_name, role=Role(role), **person)
    click.echo(f"{display_name}（{ROLE_NAMES[Role(role)]}）的账号申请待另一位管理员复核")


@staff_cli.command("list")
@refusals_as_text
def list_all() -> None:
    """List all accounts, and what waits for a second administrator."""
    for shown in staff.list_all():
        account = shown.account
        state = "登录已锁定" if shown.is_locked_out else staff.STATE_NAMES[account.state]
        phone = "动态码已绑定" if shown.is_enrolled else "动态码未绑定"
        role = ROLE_NAMES[Role(account.role)]
        person = f"{account.display_name}\t{account.office}"
        click.echo(f"{account.login_name:16} {role}\t{person}\t{state}\t{phone}")
    for proposal in staff_proposals.list_open():
        what = {"account": "新账号", "role": "更换角色"}[proposal.kind]
        asked = f"{proposal.requested_by}，{_shown(proposal.requested_at)}"
        role = ROLE_NAMES[Role(proposal.role)]
        click.echo(f"待复核的{what}：{proposal.login_name} {role}（{asked}）")
    for reset in staff_resets.list_open():
        asked = f"{reset.requested_by}，{_shown(reset.requested_at)}，{reset.reason}"
        click.echo(f"待复核的重置：{reset.account.login_name}（{asked}）")


@staff_cli.command("role")
@click.argument("login_name")
@click.argument("role", type=role_of_a_person)
@actor_option
@refusals_as_text
def change_role(login_name: str, role: str, actor: str) -> None:
    """Ask for another role of a person; another administrator confirms."""
    staff_proposals.propose_role(login_name, Role(role), actor=actor)
    click.echo(f"{login_name} 改为{ROLE_NAMES[Role(role)]}的申请待另一位管理员复核")


@staff_cli.command("confirm")
@click.argument("login_name")
@actor_option
@refusals_as_text
def confirm(login_name: str, actor: str) -> None:
    """Confirm the account or role that a colleague has asked for; half a password is shown once."""
    second = staff_proposals.confirm(login_name, actor=actor)
    if second is None:
        click.echo(f"{login_name} 的新角色已生效，需重新登录")
    else:
        _hand_over(login_name, second, which="后半")


@staff_cli.command("refuse")
@click.argument("login_name")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def refuse(login_name: str, reason: str, actor: str) -> None:
    """Turn an account or role down, or take one's own request back."""
    staff_proposals.refuse(login_name, reason=reason, actor=actor)
    click.echo(f"{login_name} 的账号申请已驳回")


@staff_cli.command("lock")
@click.argument("login_name")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def lock(login_name: str, reason: str, actor: str) -> None:
    """Stop an account at once, until it is unlocked."""
    staff.lock(login_name, reason=reason, actor=actor)
    click.echo(f"{login_name} 已停用，已登录的会话已结束")


@staff_cli.command("unlock")
@click.argument("login_name")
@actor_option
@refusals_as_text
def unlock(login_name: str, actor: str) -> None:
    """Let a person sign in again: after too many failures, or after `lock`."""
    staff.unlock(login_name, actor=actor)
    click.echo(f"{login_name} 可以登录")


@staff_cli.command("leave")
@click.argument("login_name")
@actor_option
@refusals_as_text
def leave(login_name: str, actor: str) -> None:
    """Close the account of a person who leaves, for good."""
    staff.leave(login_name, actor=actor)
    click.echo(f"{login_name} 已离岗，账号不再使用")


@staff_cli.command("reset-totp")
@click.argument("login_name")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def request_reset(login_name: str, reason: str, actor: str) -> None:
    """Ask to make a person's code and password anew; another administrator confirms."""
    staff_resets.request(login_name, reason=reason, actor=actor)
    click.echo(f"{login_name} 的重置申请待另一位管理员复核")


@staff_cli.command("confirm-reset")
@click.argument("login_name")
@actor_option
@refusals_as_text
def confirm_reset(login_name: str, actor: str) -> None:
    """Confirm what a colleague has asked for; half a one-time password is shown once."""
    _hand_over(login_name, staff_resets.confirm(login_name, actor=actor), which="后半")


@staff_cli.command("half")
@click.argument("login_name")
@actor_option
@refusals_as_text
def take_half(login_name: str, actor: str) -> None:
    """Show who asked for an account or a reset the first half of its one-time password, once."""
    _hand_over(login_name, staff_hand_overs.take(login_name, actor=actor), which="前半")


@staff_cli.command("refuse-reset")
@click.argument("login_name")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def refuse_reset(login_name: str, reason: str, actor: str) -> None:
    """Turn a reset down, or take one's own request back."""
    staff_resets.refuse(login_name, reason=reason, actor=actor)
    click.echo(f"{login_name} 的重置申请已驳回")


@staff_cli.command("sessions")
@click.argument("login_name")
@click.option("--end", is_flag=True, help="End them all.")
@actor_option
@refusals_as_text
def sessions(login_name: str, end: bool, actor: str) -> None:
    """List what a person is signed in to."""
    for row in staff_sessions.list_live(login_name):
        times = f"{_shown(row.created_at)} 登录，{_shown(row.seen_at)} 最近操作"
        click.echo(f"{row.id}\t{row.address}\t{times}\t{row.browser}")
    if end:
        click.echo(f"已结束 {staff.end_sessions(login_name, actor=actor)} 个会话")


def _hand_over(login_name: str, password: str, *, which: str = "") -> None:
    click.echo(f"{login_name} 的一次性密码{which}，请当面交给本人：")
    click.echo(password)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
