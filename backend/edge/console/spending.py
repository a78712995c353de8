"""Spending of before the start (补录支出): one brings a file in, another confirms it."""

from typing import TYPE_CHECKING

from flask import Response, render_template

from backend.domain.errors import InvalidRequest
from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Link, Money
from backend.edge.console.forms import Number, Text, WithReason, fresh_number, uploaded
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.http import takes_files
from backend.services import campaigns, money_lists, spending_imports
from backend.services.spending_files import MAX_BYTES
from backend.services.spending_imports import Target

if TYPE_CHECKING:
    from backend.storage.models.budgets import SpendingImport

blueprint = ConsoleBlueprint("spending", __name__)
FORM_BYTES = 65_536  # of a form around its file


class ImportForm(WithReason):
    """A file's number, and whose money it was: a campaign's, or a pot's."""

    number: Number
    campaign_id: Text | None = None
    pot: Text | None = None  # FUND93/Q1, or FUND93 for the year


def _of(row: "SpendingImport") -> str:
    return row.campaign_id or f"{row.fund_id}/{row.quarter or '全年'}"


IMPORTS: "Table[SpendingImport]" = Table(
    name="spending_imports",
    title="补录支出",
    permission=Permission.BUDGETS_READ,
    filter=Filter,
    find=lambda _: money_lists.spending_imports(),
    columns=(
        Column("编号", lambda i: Link(i.id, "spending.one", {"import_id": i.id}), width=26),
        Column("对象", _of, width=24),
        Column("文件", lambda i: i.file_name, width=32),
        Column("合计", lambda i: Money(i.total_fen)),
        Column("原因", lambda i: i.reason, width=40),
        Column("提交人", lambda i: i.proposed_by),
        Column("提交时间", lambda i: i.proposed_at),
        Column("状态", lambda i: words.decision(i.decision.decision if i.decision else None)),
        Column("复核人", lambda i: i.decision.decided_by if i.decision else None),
    ),
)


@blueprint.get("/spending")
@permitted(IMPORTS.permission)
def page() -> Response | str:
    """List imports, the newest first."""
    return IMPORTS.answer(
        "console/spending.html", campaigns=campaigns.list_all(), number=fresh_number("S")
    )


@blueprint.post("/spending")
@takes_files(MAX_BYTES + FORM_BYTES)
@permitted(Permission.SPENDING_PROPOSE)
def take() -> Response:
    """Take a file in, all of it or nothing; no money moves before it is confirmed."""
    form, upload = ImportForm.read(), uploaded()
    spending_imports.propose(
        form.number,
        upload.read(),
        file_name=upload.filename or "",
        target=_target(form),
        reason=form.reason,
        actor=current_staff().name,
    )
    return done("已提交，待财政复核后入账", "spending.one", import_id=form.number)


@blueprint.get("/spending/<import_id>")
@permitted(Permission.BUDGETS_READ)
def one(import_id: str) -> str:
    """Show an import, and the forms that decide it."""
    found = spending_imports.get(import_id)
    decision = found.decision
    return render_template(
        "console/spending_import.html",
        one=found,
        of=_of(found),
        state=words.decision(decision.decision if decision else None),
    )


@blueprint.post("/spending/<import_id>/confirm")
@permitted(Permission.SPENDING_CONFIRM)
def confirm(import_id: str) -> Response:
    """Enter an import's records in the books, as the second person."""
    spending_imports.confirm(import_id, actor=current_staff().name)
    return done("已入账", "spending.one", import_id=import_id)


@blueprint.post("/spending/<import_id>/refuse")
@permitted(Permission.SPENDING_CONFIRM)
def refuse(import_id: str) -> Response:
    """Refuse an import; its records may come again by another one."""
    reason = WithReason.read().reason
    spending_imports.refuse(import_id, reason=reason, actor=current_staff().name)
    return done("已驳回", "spending.one", import_id=import_id)


def _target(form: ImportForm) -> Target:
    if (form.campaign_id is None) == (form.pot is None):
        raise InvalidRequest("one of two", details={"fields": {"pot": "one", "campaign_id": "one"}})
    if form.campaign_id is not None:
        return spending_imports.of_campaign(form.campaign_id)
    fund_id, _, quarter = (form.pot or "").partition("/")
    return Target(fund_id=fund_id, quarter=quarter or None)
