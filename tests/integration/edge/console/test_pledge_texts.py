"""The pledge's versions at the console."""

from backend.domain.staff import Role
from backend.services import pledges
from tests import joining
from tests.console import Console
from tests.factories import City

PAGE = "/console/pledge-texts"


def test_a_new_version_is_issued_and_the_same_text_again_is_none(
    console: Console, city: City
) -> None:
    approver = console.desk(Role.BUREAU_APPROVER)
    for text in (joining.TEXT, joining.TEXT, "第一条\r\n<script>alert(1)</script>"):
        assert approver.post(PAGE, text=text).status_code == 303
    assert [found.version for found in pledges.texts()] == [2, 1]
    assert "\r" not in pledges.current_text().text
    page = approver.get(PAGE).text
    assert "第 2 版（现行）" in page
    assert "<script>alert" not in page
    assert approver.post(PAGE, text=" ").status_code == 400
    assert console.desk(Role.BANK).post(PAGE, text="x").status_code == 403
    assert "发布新版" not in console.desk(Role.BANK).get(PAGE).text


def test_a_signature_under_the_new_text_is_noted_by_the_bank(console: Console, city: City) -> None:
    shop = joining.pledged()
    pledges.issue_text("第二版", actor="郑审批")
    bank, page = console.desk(Role.BANK), f"/console/merchants/{shop}"
    assert "有 1 家商户签的是旧版" in bank.get(PAGE).text
    assert shop in bank.get("/console/merchants?pledge=outdated").text
    assert "承诺书需重签" in bank.get(page).text
    signed = {"signed_by": "王店主", "signed_on": "2023-04-28"}
    assert console.desk(Role.TAX).post(f"{page}/pledge", **signed).status_code == 403
    assert bank.post(f"{page}/pledge", signed_by="王店主").status_code == 400
    assert bank.post(f"{page}/pledge", **signed).status_code == 303
    assert "重签承诺书" in bank.get(page).text
    assert "承诺书需重签" not in bank.get(page).text
    assert shop not in bank.get("/console/merchants?pledge=outdated").text
