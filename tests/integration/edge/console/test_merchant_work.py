"""What waits at merchants, by office."""

from backend.domain.staff import Role
from tests import joining
from tests.console import Console
from tests.factories import City


def test_each_office_sees_what_waits_for_it_here_and_on_its_home_page(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    joining.pledged(2)
    for role, step in (
        (Role.TAX, "税务筛选通过"),
        (Role.MARKET_REGULATOR, "市场监管筛选通过"),
        (Role.SUPERIOR_BANK, "上级银行确认"),
        (Role.BUREAU_OPERATOR, "商务局确认"),
    ):
        desk = console.desk(role)
        page = desk.get("/console/merchant-work").text
        assert f"/console/merchants/{shop}" in page
        assert f"去办理{step}" in page
        assert "商户等您办理" in desk.get("/console/").text
    assert "去办理申请 POS 机或码牌" in console.desk(Role.BANK).get("/console/merchant-work").text


def test_who_has_nothing_to_do_is_told_so_and_sees_how_far_the_others_are(
    console: Console, city: City
) -> None:
    joining.reported()
    page = console.desk(Role.AUDITOR).get("/console/merchant-work").text
    assert "您的角色不办理商户" in page
    assert "各单位待办" in page
    assert "目前没有等您办理" in console.desk(Role.PARTNER).get("/console/merchant-work").text
    assert "商户等您办理" not in console.desk(Role.PARTNER).get("/console/").text
