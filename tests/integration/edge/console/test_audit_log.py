"""The audit log's page: filter in the address, pages, and the same rows as Excel."""

import html
import re
from datetime import timedelta
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend import clock
from backend.domain.staff import Role
from backend.services import audit
from backend.storage.sql import transaction
from tests.console import Console
from tests.factories import MovableClock


@pytest.fixture
def acts(console: Console, moment: MovableClock) -> None:
    """Sixty acts of one person, a minute apart, and one of another, a day later."""
    for number in range(60):
        with transaction() as session:
            audit.record(
                session, actor="li.wei", action="clerk.add", subject=f"TJ{number:04d}", shop=number
            )
        moment.move(minutes=1)
    moment.move(days=1)
    with transaction() as session:
        audit.record(session, actor="wang.fang", action="campaign.pause", subject="=1+1")


def test_it_shows_the_newest_first_fifty_a_page(console: Console, acts: None) -> None:
    auditor = console.desk(Role.AUDITOR)
    first, second = auditor.get("/console/audit"), auditor.get("/console/audit?page=2")
    assert first.status_code == second.status_code == 200
    assert "共 61 条" in first.text
    assert "TJ0059" in first.text
    assert "TJ0010" not in first.text
    assert "TJ0010" in second.text
    assert "TJ0000" in auditor.get("/console/audit?sort=at").text


def test_its_filter_lives_in_the_address(console: Console, acts: None) -> None:
    auditor = console.desk(Role.AUDITOR)
    day = f"{clock.today():%Y-%m-%d}"
    for query, expected in (
        ("actor=li.wei", "共 60 条"),
        ("actor=li.wei&subject=TJ0003", "共 1 条"),
        ("action=campaign.pause", "共 1 条"),
        (f"since={day}", "共 1 条"),
        (f"through={clock.today() - timedelta(days=1):%Y-%m-%d}", "共 60 条"),
        ("actor=nobody", "没有符合条件的记录"),
        ("actor=&since=&action=", "共 61 条"),
    ):
        assert expected in auditor.get(f"/console/audit?{query}").text, query


def test_paging_keeps_the_filter_and_leads_back(console: Console, acts: None) -> None:
    with transaction() as session:
        for number in range(60, 120):
            audit.record(session, actor="li.wei", action="clerk.add", subject=f"TJ{number:04d}")
    auditor, seen, pages = console.desk(Role.AUDITOR), [], []
    address = "/console/audit?sort=-at&actor=li.wei"
    while address:
        pages.append(text := auditor.get(address).text)
        seen += re.findall("<td>(TJ[0-9]{4})</td>", text)
        address = link_of(text, "next")
    assert seen == [f"TJ{number:04d}" for number in range(119, -1, -1)]
    assert "第 3 页" in pages[2]
    back = auditor.get(link_of(pages[2], "prev")).text
    assert "第 2 页" in back
    assert re.findall("<td>(TJ[0-9]{4})</td>", back) == seen[50:100]
    assert link_of(back, "prev") == "/console/audit?sort=-at&actor=li.wei"
    assert link_of(pages[0], "prev") == ""


def link_of(text: str, direction: str) -> str:
    found = re.search(f'href="([^"]+)" rel="{direction}"', text)
    return html.unescape(found[1]) if found else ""


@pytest.mark.parametrize("place", ["after=999999", "after=x", "before=%3B", f"before={'9' * 36}"])
def test_a_place_that_is_none_is_refused_with_a_page(console: Console, place: str) -> None:
    assert console.desk(Role.AUDITOR).get(f"/console/audit?{place}").status_code == 400


@pytest.mark.parametrize(
    "query", ["since=yesterday", "page=0", "page=x", "page=401", f"actor={'a' * 65}"]
)
def test_a_filter_that_means_nothing_is_refused_with_a_page(console: Console, query: str) -> None:
    refused = console.desk(Role.AUDITOR).get(f"/console/audit?{query}")
    assert refused.status_code == 400
    assert "有误的栏目" in refused.text


def test_the_same_filter_is_exported_and_formulas_are_dead(console: Console, acts: None) -> None:
    auditor = console.desk(Role.AUDITOR)
    answer = auditor.get("/console/audit?action=campaign.pause&format=xlsx")
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert rows[0] == ["时间", "经办人", "事项", "对象", "内容"]
    assert [row[1:4] for row in rows[1:]] == [["wang.fang", "活动 暂停", "'=1+1"]]
    taken = audit.entries(action="table.export").page(1, 10)
    assert [(entry.actor, entry.subject, entry.details) for entry in taken] == [
        (auditor.name, "audit_log", {"rows": 1})
    ]


def test_who_may_read_it_may_not_always_take_it_away(console: Console, acts: None) -> None:
    administrator = console.desk(Role.ADMINISTRATOR)
    assert "导出 Excel" not in administrator.get("/console/audit").text
    assert administrator.get("/console/audit?format=xlsx").status_code == 403
