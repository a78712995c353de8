"""The bureau's lists to the partner (送审名单), and the partner's answer to each."""

import io
from typing import TYPE_CHECKING

from flask import Response, render_template, request, send_file

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Link
from backend.edge.console.tables import XLSX, Column, Filter, Table
from backend.services import exports, partner_lists
from backend.services.listings import Listing

if TYPE_CHECKING:
    from backend.services.partner_lists import SentList

blueprint = ConsoleBlueprint("partner_lists", __name__)
REASON = "reason-"  # before a merchant's number: its field in the answer's form


def _find(_: Filter) -> "Listing[SentList]":
    return partner_lists.sent_lists()


def _answered(row: "SentList") -> Badge:
    if row.passed + row.returned == 0:
        return Badge("待答复", "busy")
    return Badge(f"通过 {row.passed}，退回 {row.returned}", "good")


TABLE: "Table[SentList]" = Table(
    name="partner_lists",
    title="送审名单",
    permission=Permission.MERCHANTS_READ,
    filter=Filter,
    find=_find,
    columns=(
        Column(
            "份次",
            lambda row: Link(
                f"第 {row.sent.number} 份", "partner_lists.one", {"number": row.sent.number}
            ),
        ),
        Column("商户（家）", lambda row: row.merchants),
        Column("答复", _answered),
        Column("送出时间", lambda row: row.sent.sent_at),
        Column("送出人", lambda row: row.sent.sent_by),
    ),
)


@blueprint.get("/partner-lists")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List what was sent; above it whom the next list would name."""
    return TABLE.answer("console/partner_lists.html", ready=partner_lists.ready())


@blueprint.post("/partner-lists")
@permitted(Permission.MERCHANTS_SEND_TO_PARTNER)
def send() -> Response:
    """Send the next list."""
    sent = partner_lists.send(actor=current_staff().name)
    return done(f"第 {sent.number} 份名单已送金融合作单位", "partner_lists.one", number=sent.number)


@blueprint.get("/partner-lists/<int:number>")
@permitted(Permission.MERCHANTS_READ)
def one(number: int) -> str:
    """Show whom a list names, and what the partner said."""
    named = partner_lists.merchants_of(number)
    return render_template(
        "console/partner_list.html",
        number=number,
        named=named,
        waits=any(entry.waits for entry in named),
        prefix=REASON,
    )


@blueprint.get("/partner-lists/<int:number>/file")
@permitted(Permission.MERCHANTS_READ)
def file(number: int) -> Response:
    """Hand out a list as Excel."""
    content = io.BytesIO()
    partner_lists.write(number, content)
    rows = len(partner_lists.merchants_of(number))
    exports.note_direct(f"partner_list {number}", rows=rows, actor=current_staff().name)
    content.seek(0)
    return send_file(
        content, XLSX, as_attachment=True, download_name=f"参与商户名单（送审第 {number} 份）.xlsx"
    )


@blueprint.post("/partner-lists/<int:number>")
@permitted(Permission.MERCHANTS_PASS_PARTNER)
def answer(number: int) -> Response:
    """Take the partner's answer: a merchant with a reason is returned, all others pass."""
    returned = {
        field.removeprefix(REASON): text.strip()
        for field, text in request.form.items()
        if field.startswith(REASON) and text.strip()
    }
    passed, back = partner_lists.answer(number, returned=returned, actor=current_staff().name)
    return done(f"已答复：通过 {passed} 家，退回 {back} 家", "partner_lists.one", number=number)
