"""Large tables: asked for by a form, written by the job, fetched by who asked alone."""

from io import BytesIO

import pytest
from apiflask import APIFlask
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.edge.console import tables
from backend.services import audit, exports
from backend.storage.sql import transaction
from tests.console import Console, Desk


@pytest.fixture
def large(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of more rows than are exported at once."""
    for most in ("COUNTED_ROWS", "DIRECT_ROWS"):
        monkeypatch.setattr(tables, most, 10)
    with transaction() as session:
        for number in range(11):
            audit.record(session, actor="li.wei", action="clerk.add", subject=f"{number}")


def ask(desk: Desk) -> int:
    """Ask for the log as the page's button does; return the status."""
    return desk.post("/console/exports", table="audit_log", query="actor=li.wei").status_code


def test_a_large_table_is_asked_for_by_a_form_and_fetched_when_it_is_written(
    app: APIFlask, console: Console, large: None
) -> None:
    auditor = console.desk(Role.AUDITOR)
    assert "超过 10 条" in auditor.get("/console/audit").text
    offered = auditor.get("/console/audit?actor=li.wei&format=xlsx").text
    assert 'name="query" value="actor=li.wei"' in offered
    assert ask(auditor) == ask(auditor) == 303
    waiting = auditor.get("/console/exports").text
    assert waiting.count("排队中") == 1
    assert 'hx-trigger="every 2s"' in waiting
    assert exports.run_due() == 1
    ready = auditor.get("/console/exports").text
    assert "可下载" in ready
    assert "hx-trigger" not in ready
    assert "导出文件可下载" in auditor.get("/console/").text
    address = ready.partition('href="/console/exports/')[2].partition('"')[0]
    with auditor.get(f"/console/exports/{address}") as answer:
        sheet = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0)
    assert len(sheet.to_python()) == 12
    assert (
        console.desk(Role.AUDITOR, "another").get(f"/console/exports/{address}").status_code == 404
    )


def test_nobody_asks_for_what_his_role_may_not_take_away(console: Console, large: None) -> None:
    for role in (Role.TAX, Role.ADMINISTRATOR):
        assert ask(console.desk(role)) == 403
    auditor = console.desk(Role.AUDITOR)
    assert auditor.post("/console/exports", table="nothing").status_code == 404
    assert auditor.post("/console/exports", table="audit_log", query="page=x").status_code == 400
    assert exports.run_due() == 0
