"""Opening a desk (登录收银台) with the number that the clerk's phone shows, and closing it."""

from apiflask import APIBlueprint
from flask import Response, render_template, request, session, url_for

from backend.domain.errors import HuiquanError
from backend.edge.console.access import browser, drop, keep
from backend.edge.console.answers import form_again, see
from backend.edge.merchant_web import access
from backend.services import desk_sessions

blueprint = APIBlueprint("desk_sign_in", __name__, enable_openapi=False)
closing = APIBlueprint("desk_closing", __name__, enable_openapi=False)
TEMPLATE = "desk/sign_in.html"


@blueprint.get("/sign-in")
def page() -> str:
    """Ask for the number."""
    return render_template(TEMPLATE)


@blueprint.post("/sign-in")
def take() -> Response:
    """Take the number, typed or scanned: the desk is open."""
    seen = browser()
    try:
        token = desk_sessions.sign_in(
            request.form.get("number", "")[:64], address=seen.address, browser=seen.name
        )
    except HuiquanError as error:
        return form_again(TEMPLATE, error)
    session.clear()  # forms of before belong to nobody
    lasts_s = int(desk_sessions.AT_MOST.total_seconds())
    return keep(see(url_for("desk_till.page")), access.COOKIE, token, max_age_s=lasts_s)


@closing.post("/sign-out")
def sign_out() -> Response:
    """Close this desk."""
    desk_sessions.end(access.current_desk().id, clerk=access.current_clerk())
    session.clear()
    return drop(see(url_for("desk_sign_in.page")), access.COOKIE)
