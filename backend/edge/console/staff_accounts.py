"""Staff (工作人员): who has an account, each person's own page, and what waits for a second one."""

from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain.errors import HuiquanError
from backend.domain.permissions import Permission
from backend.domain.staff import ROLE_NAMES, Role
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, form_again
from backend.edge.console.cells import Badge, Cell, Link, Tone
from backend.edge.console.forms import Form, Text, WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.console.words import action
from backend.services import audit, staff, staff_proposals, staff_resets, staff_sessions
from backend.services.listings import Listing

if TYPE_CHECKING:
    from backend.storage.models.staff import StaffAccount

blueprint = ConsoleBlueprint("staff_accounts", __name__)
NEW = "console/staff_new.html"
LAST_ACTS = 30
TONES: dict[str, Tone] = {"active": "good", "locked": "bad", "left": "plain"}


class StaffFilter(Filter):
    """Which people are wanted."""

    name: Annotated[str, Field(title="登录名、姓名或单位", max_length=40)] = ""
    role: Annotated[str, Field(title="角色", max_length=32)] = ""
    state: Annotated[str, Field(title="状态", max_length=16)] = ""


class AccountForm(Form):
    """A new account, as it is asked for."""

    login_name: Text
    display_name: Text
    office: Text
    role: Role


class RoleForm(Form):
    """Another role of a person."""

    role: Role


def _find(wanted: StaffFilter) -> "Listing[StaffAccount]":
    return staff.accounts(name=wanted.name, role=wanted.role, state=wanted.state)


def _state(account: "StaffAccount") -> Cell:
    return Badge(staff.STATE_NAMES[account.state], TONES[account.state])


TABLE: "Table[StaffAccount]" = Table(
    name="staff_accounts",
    title="工作人员",
    permission=Permission.STAFF_READ,
    filter=StaffFilter,
    find=_find,
    columns=(
        Column(
            "登录名",
            lambda row: Link(
                row.login_name, "staff_accounts.person", {"login_name": row.login_name}
            ),
        ),
        Column("姓名", lambda row: row.display_name),
        Column("单位", lambda row: row.office),
        Column("角色", lambda row: ROLE_NAMES[Role(row.role)]),
        Column("状态", _state),
        Column("动态码", lambda row: "已绑定" if row.totp_encrypted else "未绑定"),
        Column("开通时间", lambda row: row.added_at),
    ),
    choices={
        "role": lambda: [(role.value, words) for role, words in ROLE_NAMES.items()],
        "state": lambda: list(staff.STATE_NAMES.items()),
    },
)


@blueprint.get("/staff")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List the accounts."""
    return TABLE.answer("console/staff_accounts.html")


@blueprint.get("/staff/accounts/<login_name>")
@permitted(Permission.STAFF_READ)
def person(login_name: str) -> str:
    """Show an account: what it is, where it is signed in, what was done about it."""
    shown = staff.get(login_name)
    account = shown.account
    acts = audit.entries(subject=account.login_name).page(1, LAST_ACTS)
    return render_template(
        "console/staff_account.html",
        account=account,
        facts=[
            ("单位", account.office),
            ("角色", ROLE_NAMES[Role(account.role)]),
            ("状态", _state(account)),
            ("登录", Badge("登录失败过多，暂停中", "bad") if shown.is_locked_out else "正常"),
            ("动态码", "已绑定" if shown.is_enrolled else "未绑定，首次登录时绑定"),
            ("一次性密码有效至", account.one_time_until),
            ("开通", account.added_at),
            ("复核人", account.added_by),
        ],
        is_own=account.login_name == current_staff().name,
        sessions=staff_sessions.list_live(account.login_name),
        steps=[
            (action(act.action), "plain", act.at, act.actor, _said(act.details)) for act in acts
        ],
        roles=[(role, words) for role, words in ROLE_NAMES.items() if role != account.role],
    )


@blueprint.get("/staff/new")
@permitted(Permission.STAFF_MANAGE)
def new() -> str:
    """Ask who is to have an account."""
    return render_template(NEW, roles=ROLE_NAMES)


@blueprint.post("/staff")
@permitted(Permission.STAFF_MANAGE)
def propose() -> Response:
    """Ask for an account: a second administrator confirms it."""
    try:
        form = AccountForm.read()
        staff_proposals.propose_account(**form.model_dump(), actor=current_staff().name)
    except HuiquanError as error:
        return form_again(NEW, error, roles=ROLE_NAMES)
    return done("账号申请已提交，待另一位管理员复核", "staff_accounts.page")


@blueprint.post("/staff/accounts/<login_name>/role")
@permitted(Permission.STAFF_MANAGE)
def propose_role(login_name: str) -> Response:
    """Ask for another role."""
    staff_proposals.propose_role(login_name, RoleForm.read().role, actor=current_staff().name)
    return _done("更换角色的申请已提交，待另一位管理员复核", login_name)


@blueprint.post("/staff/accounts/<login_name>/lock")
@permitted(Permission.STAFF_MANAGE)
def lock(login_name: str) -> Response:
    """Stop an account at once."""
    staff.lock(login_name, reason=WithReason.read().reason, actor=current_staff().name)
    return _done("账号已停用，已登录的设备已全部退出", login_name)


@blueprint.post("/staff/accounts/<login_name>/unlock")
@permitted(Permission.STAFF_MANAGE)
def unlock(login_name: str) -> Response:
    """Let a person sign in again."""
    staff.unlock(login_name, actor=current_staff().name)
    return _done("已解锁，可以登录", login_name)


@blueprint.post("/staff/accounts/<login_name>/leave")
@permitted(Permission.STAFF_MANAGE)
def leave(login_name: str) -> Response:
    """Close an account for good."""
    staff.leave(login_name, actor=current_staff().name)
    return _done("已登记离岗，账号不再使用", login_name)


@blueprint.post("/staff/accounts/<login_name>/end-sessions")
@permitted(Permission.STAFF_MANAGE)
def end_sessions(login_name: str) -> Response:
    """Sign a person out everywhere."""
    ended = staff.end_sessions(login_name, actor=current_staff().name)
    return _done(f"已退出 {ended} 台设备", login_name)


@blueprint.post("/staff/accounts/<login_name>/reset")
@permitted(Permission.STAFF_MANAGE)
def request_reset(login_name: str) -> Response:
    """Ask for password and code to be made anew."""
    reason = WithReason.read().reason
    staff_resets.request(login_name, reason=reason, actor=current_staff().name)
    return _done("重置申请已提交，待另一位管理员复核", login_name)


def _done(sentence: str, login_name: str) -> Response:
    return done(sentence, "staff_accounts.person", login_name=login_name)


def _said(details: dict[str, object]) -> str:
    """Return what an entry says besides, in words."""
    names = {"reason": "原因", "role": "角色", "before": "原角色", "requested_by": "申请人"}
    roles = {role.value: words for role, words in ROLE_NAMES.items()}
    known = {name: str(details[name]) for name in names if name in details}
    return "，".join(f"{names[name]}：{roles.get(said, said)}" for name, said in known.items())
