"""The audit log (审计日志): who did what, when. The model of a list page."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from flask import Response
from pydantic import Field

from backend.domain.permissions import Permission
from backend.edge.console import words
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.edge.console.charts import Chart
from backend.edge.console.tables import Column, Filter, Table
from backend.services import audit
from backend.services.listings import Listing

if TYPE_CHECKING:
    from backend.storage.models.audit import AuditEntry

blueprint = ConsoleBlueprint("audit_log", __name__)
CHART_DAYS = 14


class AuditFilter(Filter):
    """Which part of the log is wanted; both days are included."""

    since: Annotated[date | None, Field(title="自")] = None
    through: Annotated[date | None, Field(title="至")] = None
    actor: Annotated[str, Field(title="经办人", max_length=64)] = ""
    action: Annotated[str, Field(title="事项", max_length=64)] = ""
    subject: Annotated[str, Field(title="对象", max_length=64)] = ""


def _find(wanted: AuditFilter) -> "Listing[AuditEntry]":
    return audit.entries(
        since=wanted.since,
        through=wanted.through,
        actor=wanted.actor,
        action=wanted.action,
        subject=wanted.subject,
        oldest_first=wanted.sort == "at",
    )


def _details(entry: "AuditEntry") -> str:
    return "，".join(f"{name}：{value}" for name, value in entry.details.items())


TABLE: "Table[AuditEntry]" = Table(
    name="audit_log",
    title="审计日志",
    permission=Permission.AUDIT_READ,
    export=Permission.AUDIT_EXPORT,
    filter=AuditFilter,
    find=_find,
    columns=(
        Column("时间", lambda entry: entry.at, sort="at"),
        Column("经办人", lambda entry: entry.actor),
        Column("事项", lambda entry: words.action(entry.action)),
        Column("对象", lambda entry: entry.subject),
        Column("内容", _details, width=60),
    ),
    choices={"action": lambda: [(code, words.action(code)) for code in audit.actions()]},
)


@blueprint.get("/audit")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List the log, newest first, above it how busy the last two weeks were."""
    days = audit.by_day(last=CHART_DAYS)
    chart = Chart(
        title=f"最近 {CHART_DAYS} 天每日事项",
        kind="bar",
        unit="条",
        labels=[f"{day:%m-%d}" for day, _ in days],
        series={"事项": [count for _, count in days]},
    )
    return TABLE.answer("console/audit_log.html", chart=chart)
