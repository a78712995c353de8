"""The pages of campaigns: who sees which act, and a campaign's life by two people."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.extensions import db
from backend.services import campaigns
from backend.storage.models.campaigns import Campaign
from backend.storage.models.staff import StaffAccount
from backend.storage.sql import transaction
from tests.console import Console
from tests.factories import MAY, City

NIGHT = "Q3-NIGHT"
PAGE = f"/console/campaigns/{NIGHT}"


def test_a_campaign_is_sent_approved_run_paused_resumed_and_stopped(
    city: City, console: Console
) -> None:
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    assert "待审批" not in operator.get(PAGE).text
    assert operator.post(f"{PAGE}/submit").status_code == 303
    assert "活动待审批" in approver.get("/console/").text
    waiting = approver.get("/console/campaigns/waiting", follow_redirects=True).text
    assert NIGHT in waiting
    assert MAY not in waiting
    assert "确认批准" in approver.get(PAGE).text
    for act, state in (
        ("approve", "approved"),
        ("run", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("stop", "stopped"),
    ):
        assert approver.post(f"{PAGE}/{act}", reason="按计划").status_code == 303, act
        db.session.rollback()
        campaigns.forget_snapshots()
        assert campaigns.terms(NIGHT).state == state


def test_the_preflight_stands_above_an_approval_and_its_faults_are_kept(
    city: City, console: Console
) -> None:
    with transaction() as session:
        session.get_one(Campaign, NIGHT).quarter = None
    operator = console.desk(Role.BUREAU_OPERATOR)
    page = operator.get(PAGE).text
    assert "审批前预检" in page
    assert "（请核对）" in page
    operator.post(f"{PAGE}/submit")
    assert "送审时预检提示：" in console.desk(Role.AUDITOR).get(PAGE).text


def test_what_is_sent_back_shows_why(city: City, console: Console) -> None:
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    operator.post(f"{PAGE}/submit")
    assert approver.post(f"{PAGE}/send-back", reason=" ").status_code == 400
    assert (
        approver.post(f"{PAGE}/send-back", reason="<img src=x onerror=alert(1)>").status_code == 303
    )
    page = operator.get(PAGE).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert "确认送审" in page


def test_the_same_login_never_sends_and_approves(city: City, console: Console) -> None:
    console.desk(Role.BUREAU_OPERATOR, "li.wei").post(f"{PAGE}/submit")
    with transaction() as session:
        account = session.query(StaffAccount).filter_by(login_name="li.wei").one()
        account.role = Role.BUREAU_APPROVER  # between the two steps
    promoted = console.desk(Role.BUREAU_APPROVER, "li.wei")
    assert promoted.post(f"{PAGE}/approve").status_code == 403
    assert campaigns.terms(NIGHT).state == "draft"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("stage=running", 1),
        ("stage=submitted", 0),
        ("name=五一", 1),
        ("stage=running&mode=entry", 0),
    ],
)
def test_the_list_and_its_file_have_the_same_filter(
    city: City, console: Console, query: str, rows: int
) -> None:
    auditor = console.desk(Role.AUDITOR)
    assert f"共 {rows} 条" in auditor.get(f"/console/campaigns?{query}").text or rows == 0
    answer = auditor.get(f"/console/campaigns?{query}&format=xlsx")
    sheet = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0)
    assert len(sheet.to_python()) == rows + 1


def test_a_formula_for_a_name_is_dead_in_the_file(city: City, console: Console) -> None:
    with transaction() as session:
        session.get_one(Campaign, NIGHT).name = "=HYPERLINK(1)"
    answer = console.desk(Role.AUDITOR).get("/console/campaigns?name=HYPERLINK&format=xlsx")
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert rows[1][0] == "'=HYPERLINK(1)"
