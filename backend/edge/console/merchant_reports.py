"""A bank's file of qualified merchants (银行提报): taken whole, or refused with every line."""

from flask import Response, render_template, request

from backend.domain.applicants import ApplicantInvalid
from backend.domain.errors import InvalidRequest
from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, form_again
from backend.edge.http import takes_files
from backend.services import merchant_reports

blueprint = ConsoleBlueprint("merchant_reports", __name__)
SHOWN = 500  # faults of a file: who mends those sends it again


@blueprint.get("/merchant-reports")
@permitted(Permission.MERCHANTS_REPORT)
def page() -> str:
    """Offer to send a file, and list those that were taken."""
    return render_template("console/merchant_reports.html", **_shown())


@blueprint.post("/merchant-reports")
@takes_files(merchant_reports.MAX_FILE_BYTES + 200_000)
@permitted(Permission.MERCHANTS_REPORT)
def take() -> Response:
    """Take a file."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise InvalidRequest("no file")
    try:
        taken = merchant_reports.take_file(
            sent.stream, file_name=sent.filename, actor=current_staff().name
        )
    except ApplicantInvalid as error:
        return form_again(
            "console/merchant_reports.html",
            error,
            faults=error.faults[:SHOWN],
            fault_count=len(error.faults),
            file_name=sent.filename,
            **_shown(),
        )
    return done(
        f"已提报 {len(taken.merchant_ids.split())} 家商户，各单位可以开始审核",
        "merchant_reports.page",
    )


def _shown() -> dict[str, object]:
    return {"columns": merchant_reports.FILE_COLUMNS, "reports": merchant_reports.reports()}
