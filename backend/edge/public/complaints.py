"""The form for complaints (投诉与咨询), and how far one is; no sign-in, no cookie, no script.

A form is taken only from a page of ours: browsers say where a form comes from, and what does not
say it is refused. Robots fill the field that people do not see.
"""

import uuid
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, make_response, render_template, request
from werkzeug.datastructures import FileStorage

from backend import clock
from backend.domain import complaints as rules
from backend.domain.complaints import Words
from backend.domain.errors import HuiquanError, InvalidRequest
from backend.edge import errors
from backend.edge.http import takes_files
from backend.edge.public import pages
from backend.services import complaints, programmes
from backend.settings import Settings

blueprint = APIBlueprint("complaints", __name__, enable_openapi=False)
blueprint.after_request(pages.dress)

FORM_MAX_BYTES = 6 * 1024 * 1024  # a photo, and the words
TRAP = "website"  # people do not see this field
FIELDS = ("form_id", "category", "text", "phone", "shop", "order_number")


@blueprint.get("/complaints")
def form() -> Response:
    """Show an empty form under a number of its own."""
    return _form({"form_id": uuid.uuid4().hex})


@blueprint.post("/complaints")
@takes_files(FORM_MAX_BYTES)
def file() -> Response:
    """Take a complaint in and show its number, or the form again with what is to be mended."""
    _refuse_other_sites()
    given = {name: _text(name) for name in FIELDS}
    if request.form.get(TRAP):
        raise InvalidRequest("a robot filled the trap")
    photo: FileStorage | None = request.files.get("photo")
    try:
        complaint = complaints.file(Words(**given), photo=photo.read() if photo else None)
    except (rules.ComplaintInvalid, rules.ComplaintFormUsed, rules.ComplaintTooMany) as error:
        return _form(given, error)
    return make_response(render_template("complaint_received.html", complaint=complaint), 201)


@blueprint.get("/complaints/track")
def track_form() -> str:
    """Ask for a number and a phone's last four digits."""
    return render_template("complaint_track.html", given={}, refusal=None)


@blueprint.post("/complaints/track")
def track() -> Response:
    """Show how far a complaint is to whoever has both; by POST, so that no address holds them."""
    given = {"number": _text("number"), "last4": _text("last4")}
    try:
        complaint = complaints.track(given["number"], phone_last4=given["last4"])
    except rules.ComplaintNotFound as error:
        return _again(error, "complaint_track.html", given=given)
    return make_response(
        render_template(
            "complaint.html",
            complaint=complaint,
            names=rules,
            kept_days=_kept_days(),
            overdue=rules.is_overdue(complaint.state, complaint.due_on, clock.today()),  # type: ignore[arg-type]  # the schema knows only these states
        )
    )


def _form(given: dict[str, str], error: HuiquanError | None = None) -> Response:
    context: dict[str, Any] = {
        "given": given,
        "categories": rules.CATEGORIES,
        "kept_days": _kept_days(),
        "days": programmes.complaint_answer_days(),
        "rules": rules,
        "trap": TRAP,
    }
    template = "complaint_form.html"
    if error is None:
        page = make_response(render_template(template, refusal=None, faults={}, **context))
    else:
        page = _again(error, template, faults=error.details.get("fields", {}), **context)
    # With none at all, browsers would not say where the form comes from.
    page.headers["Referrer-Policy"] = "same-origin"
    return page


def _kept_days() -> int:
    settings: Settings = current_app.extensions["settings"]
    return settings.retention_days


def _again(error: HuiquanError, template: str, **context: Any) -> Response:
    """Answer a refused form with itself, the sentence above it, and the refusal's status."""
    answer = errors.refuse(error)
    answer.set_data(render_template(template, refusal=error.message, **context))
    answer.content_type = "text/html; charset=utf-8"
    return answer


def _text(name: str) -> str:
    """Return a field as typed, without space around it; lines end as ours do."""
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def _refuse_other_sites() -> None:
    settings: Settings = current_app.extensions["settings"]
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_ours = site == "same-origin"
    else:  # an older browser, which says it in its older way
        is_ours = request.headers.get("Origin") == settings.public_base_url
    if not is_ours:
        raise rules.ComplaintFromElsewhere(f"site {site}")
