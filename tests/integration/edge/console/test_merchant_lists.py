"""The published list at the console: what would change, what did, and whom a version names."""

from io import BytesIO

from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.services import merchant_lists, standings
from backend.storage.models.merchants import MerchantListVersion
from tests import joining
from tests.console import Console
from tests.factories import SUPERMARKET, City, rows

PAGE = "/console/merchant-lists"


def test_what_is_published_is_the_difference_that_was_looked_at(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    joining.passed(shop)
    approver = console.desk(Role.BUREAU_APPROVER)
    assert "公布第 2 版" in approver.get(PAGE).text
    looked_at = merchant_lists.preview().digest
    standings.suspend(SUPERMARKET, actor=joining.MARKET, reason="异常核销")
    refused = approver.post(PAGE, digest=looked_at)
    assert (refused.status_code, "刚刚有变化" in refused.text) == (409, True)
    assert approver.post(PAGE).status_code == 409  # a form that looked at nothing
    assert len(rows(MerchantListVersion)) == 1
    assert approver.post(PAGE, digest=merchant_lists.preview().digest).status_code == 303
    page = approver.get(f"{PAGE}/2").text
    for words in (shop, "新增", SUPERMARKET, "移出"):
        assert words in page
    assert "没有需要公布的变化" in approver.get(PAGE).text


def test_any_two_versions_are_compared(console: Console, city: City) -> None:
    standings.suspend(SUPERMARKET, actor=joining.MARKET, reason="异常核销")
    merchant_lists.publish(actor="郑审批")
    standings.resume(SUPERMARKET, actor="郑审批", reason="查清")
    merchant_lists.publish(actor="郑审批")
    desk = console.desk(Role.AUDITOR)
    assert "新增" in desk.get(f"{PAGE}/3").text
    assert "没有差异" in desk.get(f"{PAGE}/3?since=1").text
    assert desk.get(f"{PAGE}/3?since=9").status_code == 404
    assert desk.get(f"{PAGE}/3?since=x").status_code == 400
    assert desk.get(f"{PAGE}/9").status_code == 404
    assert desk.post(PAGE, digest="x").status_code == 403


def test_a_version_is_searched_by_name_and_exported(console: Console, city: City) -> None:
    desk = console.desk(Role.AUDITOR)
    page = desk.get(f"{PAGE}/entries?version=1").text
    assert SUPERMARKET in page
    answer = desk.get(f"{PAGE}/entries?format=xlsx")
    sheet = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert len(sheet) - 1 == len(merchant_lists.publication().merchants)
    assert "没有符合条件的记录" in desk.get(f"{PAGE}/entries?version=7").text
