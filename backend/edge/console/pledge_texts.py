"""The pledge (承诺书) that merchants sign: its versions, and the next one."""

from flask import Response, render_template, request

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.services import pledges

blueprint = ConsoleBlueprint("pledge_texts", __name__)


@blueprint.get("/pledge-texts")
@permitted(Permission.MERCHANTS_READ)
def page() -> str:
    """Show all versions, the one in force first."""
    return render_template(
        "console/pledge_texts.html", texts=pledges.texts(), max_text=pledges.MAX_TEXT
    )


@blueprint.post("/pledge-texts")
@permitted(Permission.PLEDGES_ISSUE)
def issue() -> Response:
    """Issue the next version."""
    text = request.form.get("text", "").replace("\r\n", "\n")  # a form's line ends
    made = pledges.issue_text(text, actor=current_staff().name)
    return done(f"现行承诺书为第 {made.version} 版", "pledge_texts.page")
