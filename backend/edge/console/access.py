"""Who may open which page of the console: each view names its permission, roles have theirs."""

from collections.abc import Callable
from typing import Any, TypeVar

from apiflask import APIBlueprint
from flask import Flask, Response, abort, current_app, g, request, url_for

from backend.domain.errors import HuiquanError
from backend.domain.permissions import Permission
from backend.domain.staff import StaffSessionOver
from backend.edge.console.answers import see
from backend.edge.guards import Guard
from backend.services import staff_sessions
from backend.services.staff_sessions import Browser, StaffMember

COOKIE = "huiquan_staff"
# Whoever still has the password that was handed over can do this, and nothing else.
BEFORE_OWN_PASSWORD = {"own_account.page", "own_account.change_password", "own_account.sign_out"}
_PERMISSION = "huiquan_permission"
View = TypeVar("View", bound=Callable[..., Any])


class EverySignedIn:
    """What all staff may do, whatever their role: see to their own account and exports."""


SIGNED_IN = EverySignedIn()
Wanted = Permission | EverySignedIn


class RoleNotPermitted(HuiquanError):
    code = "role_not_permitted"
    message = "您的角色没有这项权限，如有需要请联系系统管理员"
    category = "forbidden"


class MissingPermission(Exception):
    """A view came without a permission; the application is not built."""


def permitted(wanted: Wanted) -> Callable[[View], View]:
    """Say which permission a view wants. Put it right below the view's route."""

    def mark(view: View) -> View:
        setattr(view, _PERMISSION, wanted)
        return view

    return mark


class ConsoleBlueprint(APIBlueprint):
    """A blueprint of pages for staff: it takes no view without a permission."""

    def __init__(self, name: str, import_name: str) -> None:
        super().__init__(name, import_name, enable_openapi=False)

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        """Refuse a view that does not say who may call it."""
        view = options.get("view_func") or args[1]
        if not hasattr(view, _PERMISSION):
            raise MissingPermission(f"{self.name}: {rule}")
        super().add_url_rule(rule, *args, **options)


def permission_of(app: Flask, endpoint: str) -> Wanted:
    """Return what an endpoint of a ConsoleBlueprint wants."""
    wanted: Wanted = getattr(app.view_functions[endpoint], _PERMISSION)
    return wanted


def current_staff() -> StaffMember:
    """Return who is signed in; for views behind the guard `staff`."""
    found: StaffMember = g.staff
    return found


def may(wanted: Wanted) -> bool:
    """Tell whether who is signed in may do something."""
    return isinstance(wanted, EverySignedIn) or current_staff().may(wanted)


def may_open(endpoint: str) -> bool:
    """Tell whether who is signed in may open a page."""
    return may(permission_of(current_app, endpoint))


def refuse_unless(wanted: Wanted) -> None:
    """Raise RoleNotPermitted unless who is signed in may do something."""
    if not may(wanted):
        raise RoleNotPermitted(f"{current_staff().role} may not {wanted}")


def browser() -> Browser:
    """Return where the request comes from."""
    return Browser(address=request.remote_addr or "", name=request.user_agent.string)


def keep(response: Response, name: str, token: str, *, max_age_s: int | None = None) -> Response:
    """Give a token to the browser: no script reads it, no other site has it sent."""
    response.set_cookie(
        name,
        token,
        max_age=max_age_s,
        path=current_app.config["SESSION_COOKIE_PATH"],
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Strict",
    )
    return response


def drop(response: Response, name: str) -> Response:
    """Take a token from the browser."""
    response.delete_cookie(name, path=current_app.config["SESSION_COOKIE_PATH"])
    return response


def _check() -> None:
    """Let a request through whose session lasts and whose role may; send others to sign in.

    What a page asks for by itself says `poll`, and keeps no session alive.
    """
    try:
        token = request.cookies.get(COOKIE, "")
        g.staff = staff_sessions.current(token, in_use="poll" not in request.args)
    except StaffSessionOver:
        abort(_to_sign_in())
    endpoint = request.endpoint or ""
    if g.staff.must_change_password and endpoint not in BEFORE_OWN_PASSWORD:
        abort(see(url_for("own_account.page")))
    refuse_unless(permission_of(current_app, endpoint))


def _to_sign_in() -> Response:
    address = url_for("sign_in.page")
    if request.method == "GET" and "poll" not in request.args:
        address = url_for("sign_in.page", next=request.full_path.rstrip("?"))
    if request.headers.get("HX-Request") == "true":  # a part of a page: the whole page goes
        return Response(status=204, headers={"HX-Redirect": url_for("sign_in.page")})
    return see(address)


staff = Guard("staff", _check)
