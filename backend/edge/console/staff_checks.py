"""What waits for a second administrator (账号复核): new accounts, other roles, resets.

And for who asked: the first half of a one-time password, of which the second has the other.
"""

from flask import Response, render_template

from backend.domain.permissions import Permission
from backend.domain.staff import ROLE_NAMES, Role
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.forms import WithReason
from backend.services import staff_hand_overs, staff_proposals, staff_resets

blueprint = ConsoleBlueprint("staff_checks", __name__)


@blueprint.get("/staff/checks")
@permitted(Permission.STAFF_CONFIRM)
def page() -> str:
    """Show what waits, one's own requests too, which one may only take back."""
    return render_template(
        "console/staff_checks.html",
        proposals=[(row, ROLE_NAMES[Role(row.role)]) for row in staff_proposals.list_open()],
        resets=staff_resets.list_open(),
        halves=staff_hand_overs.list_for(current_staff().name),
    )


@blueprint.post("/staff/checks/<login_name>/confirm")
@permitted(Permission.STAFF_CONFIRM)
def confirm(login_name: str) -> Response | str:
    """Let an account or a role count."""
    second = staff_proposals.confirm(login_name, actor=current_staff().name)
    if second is None:
        return done("新角色已生效，本人需重新登录", "staff_checks.page")
    return _hand_over(login_name, "后半", second)


@blueprint.post("/staff/checks/<login_name>/refuse")
@permitted(Permission.STAFF_CONFIRM)
def refuse(login_name: str) -> Response:
    """Turn an account or a role down, or take it back."""
    reason = WithReason.read().reason
    staff_proposals.refuse(login_name, reason=reason, actor=current_staff().name)
    return done("申请已驳回", "staff_checks.page")


@blueprint.post("/staff/checks/<login_name>/confirm-reset")
@permitted(Permission.STAFF_CONFIRM)
def confirm_reset(login_name: str) -> str:
    """Make a password and a code anew."""
    second = staff_resets.confirm(login_name, actor=current_staff().name)
    return _hand_over(login_name, "后半", second)


@blueprint.post("/staff/checks/<login_name>/half")
@permitted(Permission.STAFF_MANAGE)
def take_half(login_name: str) -> str:
    """Show who asked the first half, once."""
    first = staff_hand_overs.take(login_name, actor=current_staff().name)
    return _hand_over(login_name, "前半", first)


@blueprint.post("/staff/checks/<login_name>/refuse-reset")
@permitted(Permission.STAFF_CONFIRM)
def refuse_reset(login_name: str) -> Response:
    """Turn a reset down, or take it back."""
    reason = WithReason.read().reason
    staff_resets.refuse(login_name, reason=reason, actor=current_staff().name)
    return done("重置申请已驳回", "staff_checks.page")


def count_for(name: str) -> int:
    """Return how much a person may confirm: not his own requests, nor what is about him."""
    waiting = [*staff_proposals.list_open()]
    resets = [(row.requested_by, row.account.login_name) for row in staff_resets.list_open()]
    people = [(row.requested_by, row.login_name) for row in waiting] + resets
    return sum(name not in pair for pair in people)


def count_halves(name: str) -> int:
    """Return how many halves of passwords wait for a person to hand them over."""
    return len(staff_hand_overs.list_for(name))


def _hand_over(login_name: str, which: str, half: str) -> str:
    """Show half a password on the answer itself: a redirect would carry it in a cookie."""
    return render_template(
        "console/staff_password.html", login_name=login_name, which=which, half=half
    )
