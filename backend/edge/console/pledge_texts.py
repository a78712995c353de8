"""The pledge (承诺书) that merchants sign: its versions, and the next one."""

from datetime import date

from flask import Response, render_template, request

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.forms import Form, Text
from backend.edge.console.merchants import FORM_BYTES, evidence
from backend.edge.http import takes_files
from backend.services import pledges

blueprint = ConsoleBlueprint("pledge_texts", __name__)


class SignatureForm(Form):
    """Who signed, and when."""

    signed_by: Text
    signed_on: date


@blueprint.get("/pledge-texts")
@permitted(Permission.MERCHANTS_READ)
def page() -> str:
    """Show all versions, the one in force first."""
    return render_template(
        "console/pledge_texts.html",
        texts=pledges.texts(),
        max_text=pledges.MAX_TEXT,
        outdated=pledges.count_outdated(),
    )


@blueprint.post("/pledge-texts")
@permitted(Permission.PLEDGES_ISSUE)
def issue() -> Response:
    """Issue the next version."""
    text = request.form.get("text", "").replace("\r\n", "\n")  # a form's line ends
    made = pledges.issue_text(text, actor=current_staff().name)
    return done(f"现行承诺书为第 {made.version} 版", "pledge_texts.page")


@blueprint.post("/merchants/<merchant_id:merchant_id>/pledge")
@takes_files(FORM_BYTES)
@permitted(Permission.MERCHANTS_REPORT)
def sign_again(merchant_id: str) -> Response:
    """Note that a merchant has signed the text in force at its bank."""
    form = SignatureForm.read()
    pledges.sign_again(
        merchant_id,
        signed_by=form.signed_by,
        signed_on=form.signed_on,
        text_version=pledges.current_text().version,
        scan=evidence(),
        actor=current_staff().name,
    )
    return done("已登记重签承诺书", "merchants.one", merchant_id=merchant_id)
