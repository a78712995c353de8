"""Files that a desk takes away: settlement sheets and the shop's placard."""

import re

from apiflask import APIBlueprint
from flask import Response, render_template, request

from backend.domain.errors import InvalidRequest, NotFound
from backend.domain.settlements import STATE_NAMES
from backend.edge.merchant_web.access import current_clerk
from backend.services import placards, settlement_files, settlements

blueprint = APIBlueprint("desk_files", __name__, enable_openapi=False)
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE_SIZE = 31


@blueprint.get("/sheets")
def sheets() -> str:
    """List the shop's settlement sheets."""
    text = request.args.get("page", "1")
    if not re.fullmatch("[1-9][0-9]{0,4}", text, re.ASCII):
        raise InvalidRequest("no page")
    number = int(text)
    found = settlements.sheets(
        merchant_id=current_clerk().merchant_id, page=number, page_size=PAGE_SIZE
    )
    return render_template(
        "desk/sheets.html",
        sheets=found,
        state_names=STATE_NAMES,
        number=number,
        has_more=len(found) == PAGE_SIZE,
    )


@blueprint.get("/sheets/<sheet_id:sheet_id>.xlsx")
def sheet_excel(sheet_id: str) -> Response:
    """Answer a settlement sheet as Excel."""
    content = settlement_files.excel(sheet_id, merchant_id=current_clerk().merchant_id)
    return excel_file(content, sheet_id)


@blueprint.get("/sheets/<sheet_id:sheet_id>.pdf")
def sheet_pdf(sheet_id: str) -> Response:
    """Answer a settlement sheet as PDF."""
    content = settlement_files.pdf(sheet_id, merchant_id=current_clerk().merchant_id)
    return Response(content, mimetype="application/pdf")


@blueprint.get("/placard")
def placard() -> str:
    """Show the shop's placard, or how to get one."""
    try:
        found = placards.current(current_clerk().merchant_id)
    except NotFound:
        found = None
    return render_template("desk/placard.html", placard=found)


@blueprint.get("/placard.png")
def placard_png() -> Response:
    """Answer the placard's code as a picture."""
    return Response(placards.draw(current_clerk().merchant_id, "png"), mimetype="image/png")


@blueprint.get("/placard.pdf")
def placard_pdf() -> Response:
    """Answer the placard as an A5 page to print."""
    return Response(placards.draw(current_clerk().merchant_id, "pdf"), mimetype="application/pdf")


def excel_file(content: bytes, name: str) -> Response:
    """Return an Excel file that the browser keeps under a name."""
    named = {"Content-Disposition": f"attachment; filename={name}.xlsx"}
    return Response(content, mimetype=EXCEL, headers=named)
