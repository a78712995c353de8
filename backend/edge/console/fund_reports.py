"""The fund report (资金汇总): frozen for a day that is over, fetched, compared with the books."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from flask import Response, render_template

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.fund_reports import AMOUNTS, UNITS
from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import attachment, done
from backend.edge.console.cells import Link
from backend.edge.console.forms import Form, Reason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import fund_reports, money_lists

if TYPE_CHECKING:
    from backend.storage.models.budgets import FundReport

blueprint = ConsoleBlueprint("fund_reports", __name__)


class FreezeForm(Form):
    """The day, and why a new edition may be made should the books say otherwise by now."""

    as_of: date
    reason: Reason | None = None


def _name(report: "FundReport") -> Link:
    values = {"as_of": report.as_of.isoformat(), "number": report.edition}
    return Link(f"{report.as_of} 第 {report.edition} 版", "fund_reports.report", values)


REPORTS: "Table[FundReport]" = Table(
    name="fund_reports",
    title="资金汇总",
    permission=Permission.FUND_REPORTS_READ,
    filter=Filter,
    find=lambda _: money_lists.fund_reports(),
    columns=(
        Column("报表", _name, width=26),
        Column("出具人", lambda r: r.made_by),
        Column("出具时间", lambda r: r.made_at),
        Column("改版原因", lambda r: r.reason, width=40),
        Column("数据校验码", lambda r: r.digest[:12], width=16),
    ),
)


@blueprint.get("/fund-reports")
@permitted(REPORTS.permission)
def page() -> Response | str:
    """List frozen editions, the newest day first."""
    return REPORTS.answer("console/fund_reports.html", yesterday=clock.today() - timedelta(days=1))


@blueprint.post("/fund-reports")
@permitted(Permission.FUND_REPORTS_FREEZE)
def freeze() -> Response:
    """Freeze a day's figures; the same figures are the same edition."""
    form = FreezeForm.read()
    made = fund_reports.freeze(form.as_of, actor=current_staff().name, reason=form.reason)
    return done(
        f"{made.as_of} 第 {made.edition} 版已定稿",
        "fund_reports.report",
        as_of=made.as_of.isoformat(),
        number=made.edition,
    )


@blueprint.get("/fund-reports/<as_of>/<int:number>")
@permitted(Permission.FUND_REPORTS_READ)
def report(as_of: str, number: int) -> str:
    """Show an edition, and what the books say otherwise by now."""
    found = fund_reports.edition(_day(as_of), number)
    return render_template(
        "console/fund_report.html",
        report=found,
        amounts=AMOUNTS,
        units=UNITS,
        faults=fund_reports.compare(found),
        names=sorted(fund_reports.files(found)),
    )


@blueprint.get("/fund-reports/<as_of>/<int:number>/<name>")
@permitted(Permission.FUND_REPORTS_READ)
def file(as_of: str, number: int, name: str) -> Response:
    """Answer one of an edition's files: JSON, XLSX or PDF."""
    content = fund_reports.files(fund_reports.edition(_day(as_of), number)).get(name)
    if content is None:
        raise NotFound("file of a fund report")
    return attachment(content, name)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound("fund report") from None
