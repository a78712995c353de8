"""Signing in (登录): the password, then the code of one's phone; the first time, its enrolment."""

import base64

from apiflask import APIBlueprint
from flask import Response, render_template, request, session, url_for

from backend.domain.errors import HuiquanError
from backend.domain.staff import StaffSessionOver
from backend.edge.console import access, pages
from backend.edge.console.answers import form_again, see
from backend.services import staff_sign_ins

blueprint = APIBlueprint("sign_in", __name__, enable_openapi=False)
COOKIE = "huiquan_sign_in"  # between password and code
CODE_WITHIN_S = 300


@blueprint.get("/sign-in")
def page() -> str:
    """Ask for name and password."""
    return render_template("console/sign_in.html", next=_next())


@blueprint.post("/sign-in")
def password() -> Response:
    """Take name and password; the code comes next."""
    name, given = request.form.get("login_name", ""), request.form.get("password", "")
    try:
        begun = staff_sign_ins.by_password(name, given, browser=access.browser())
    except HuiquanError as error:
        return form_again("console/sign_in.html", error, next=_next(), login_name=name)
    step = "sign_in.enrol" if begun.must_enrol else "sign_in.code_page"
    response = see(url_for(step, next=_next()))
    return access.keep(response, COOKIE, begun.token, max_age_s=CODE_WITHIN_S)


@blueprint.get("/sign-in/enrol")
def enrol() -> str | Response:
    """Show what the phone's app is to scan, and ask for its first code."""
    try:
        offer = staff_sign_ins.enrolment(request.cookies.get(COOKIE, ""))
    except StaffSessionOver:
        return see(url_for("sign_in.page", next=_next()))
    picture = base64.b64encode(offer.picture).decode()
    return render_template("console/enrol.html", picture=picture, secret=offer.secret, next=_next())


@blueprint.get("/sign-in/code")
def code_page() -> str:
    """Ask for the code."""
    return render_template("console/code.html", next=_next())


@blueprint.post("/sign-in/code")
def code() -> Response:
    """Take the code: whoever is signed in goes where he wanted to."""
    token, given = request.cookies.get(COOKIE, ""), request.form.get("code", "")
    try:
        new_token, _ = staff_sign_ins.by_code(token, given, browser=access.browser())
    except StaffSessionOver:
        return see(url_for("sign_in.page", next=_next()))
    except HuiquanError as error:
        return form_again("console/code.html", error, next=_next())
    session.clear()  # forms of before belong to nobody
    response = access.drop(see(_next() or url_for("home.page")), COOKIE)
    return access.keep(response, access.COOKIE, new_token)


def _next() -> str:
    """Return the page that was wanted, if it is one of ours: nobody is sent elsewhere from here."""
    wanted = request.values.get("next", "")
    is_ours = wanted.startswith(f"{pages.PREFIX}/") and "\\" not in wanted
    return wanted if is_ours and wanted.isprintable() else ""
