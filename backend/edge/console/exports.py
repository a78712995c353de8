"""A person's own exports (我的导出): asked for, under way, to be fetched within 7 days."""

from typing import Protocol
from urllib.parse import parse_qsl

from flask import Response, current_app, render_template, request, send_file

from backend.domain.errors import NotFound
from backend.domain.permissions import Permission
from backend.edge.console import access, tables
from backend.edge.console.access import SIGNED_IN, ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.services import exports
from backend.services.exports import Exportable

blueprint = ConsoleBlueprint("exports", __name__)
STATE_NAMES = {
    "queued": ("排队中", "busy"),
    "running": ("生成中", "busy"),
    "done": ("可下载", "good"),
    "failed": ("未能生成，请缩小范围重试", "bad"),
    "forgotten": ("已过期清除", "plain"),
}


@blueprint.get("/exports")
@permitted(SIGNED_IN)
def page() -> str:
    """List one's exports; while one is under way the list asks again by itself."""
    found = exports.list_of(current_staff().name)
    under_way = any(export.state in ("queued", "running") for export in found)
    part = request.headers.get("HX-Request") == "true"
    return render_template(
        "console/_exports_list.html" if part else "console/exports.html",
        exports=found,
        states=STATE_NAMES,
        under_way=under_way,
    )


@blueprint.post("/exports")
@permitted(SIGNED_IN)
def ask() -> Response:
    """Have a job write a table with the filter of its page."""
    table = _table(request.form.get("table", ""))
    query = dict(parse_qsl(request.form.get("query", "")))
    exports.ask(table, table.filter.read(query).asked(), actor=current_staff().name)
    return done("已开始生成，完成后可在此下载", "exports.page")


@blueprint.get("/exports/<order_id:export_id>")
@permitted(SIGNED_IN)
def fetch(export_id: str) -> Response:
    """Fetch a finished file."""
    export, path = exports.file_of(export_id, actor=current_staff().name)
    table = _table(export.table_name)  # the role may have changed since it was asked for
    name = f"{export.title}.{table.suffix}"
    return send_file(path, table.content_type, as_attachment=True, download_name=name)


class Offered(Exportable, Protocol):
    """What a page offers to have written, to whom, and as which kind of file."""

    @property
    def permission(self) -> Permission: ...

    @property
    def export(self) -> Permission: ...

    @property
    def filter(self) -> type[tables.Filter]: ...

    @property
    def suffix(self) -> str: ...

    @property
    def content_type(self) -> str: ...


def _table(name: str) -> Offered:
    table: Offered | None = current_app.extensions["exportable"].get(name)
    if table is None:
        raise NotFound("table")
    access.refuse_unless(table.permission)
    access.refuse_unless(table.export)
    return table
