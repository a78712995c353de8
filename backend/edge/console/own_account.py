"""One's own account (我的账号): password, sessions, signing out."""

from flask import Response, render_template, request, session

from backend.domain.errors import HuiquanError
from backend.edge.console import access
from backend.edge.console.access import COOKIE, SIGNED_IN, ConsoleBlueprint, permitted
from backend.edge.console.answers import done, form_again
from backend.services import staff_sessions, staff_sign_ins

blueprint = ConsoleBlueprint("own_account", __name__)
TEMPLATE = "console/own_account.html"


class PasswordsDiffer(HuiquanError):
    code = "passwords_differ"
    message = "两次输入的新密码不一致，请重新输入"
    category = "invalid"


@blueprint.get("/account")
@permitted(SIGNED_IN)
def page() -> str:
    """Show the form of the password and where one is signed in."""
    return render_template(TEMPLATE, **_shown())


@blueprint.post("/account/password")
@permitted(SIGNED_IN)
def change_password() -> Response:
    """Change the password: all other sessions end."""
    form = request.form
    if form.get("new", "") != form.get("again", ""):
        return form_again(TEMPLATE, PasswordsDiffer(), **_shown())
    try:
        token = staff_sign_ins.change_password(
            _token(), old=form.get("old", ""), new=form.get("new", ""), browser=access.browser()
        )
    except HuiquanError as error:
        return form_again(TEMPLATE, error, **_shown())
    session.clear()
    response = done("密码已修改，其他设备上的登录已全部退出", "home.page")
    return access.keep(response, COOKIE, token)


@blueprint.post("/account/sessions/<int:session_id>/end")
@permitted(SIGNED_IN)
def end_session(session_id: int) -> Response:
    """End another session of one's own."""
    staff_sessions.end_own(_token(), session_id)
    return done("该设备上的登录已退出", "own_account.page")


@blueprint.post("/sign-out")
@permitted(SIGNED_IN)
def sign_out() -> Response:
    """Sign out here."""
    staff_sessions.sign_out(_token())
    session.clear()
    return access.drop(done("您已安全退出", "sign_in.page"), COOKIE)


def _token() -> str:
    return request.cookies.get(COOKIE, "")


def _shown() -> dict[str, object]:
    staff = access.current_staff()
    return {
        "sessions": staff_sessions.list_live(staff.name),
        "own_session_id": staff.session_id,
        "must_change": staff.must_change_password,
    }
