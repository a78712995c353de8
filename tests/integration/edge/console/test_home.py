"""The home page tells each person what waits for him, and leads to it."""

import pytest

from backend.domain.staff import Role
from backend.services import partners, refund_proposals
from tests.bank_details import BANK
from tests.console import Console
from tests.factories import City, MovableClock
from tests.integration.services.reconciling import at_the_banks_till, redeemed
from tests.integration.services.refunding import goods
from tests.settling import drafted, redeem


def test_work_is_told_to_who_may_do_it_and_to_nobody_else(
    console: Console, city: City, moment: MovableClock
) -> None:
    drafted(city, moment)
    line = "/console/settlements?state=drafted"
    approver = console.desk(Role.BUREAU_APPROVER)
    home = approver.get("/console/").text
    assert line in home
    assert "结算单待商务局审核" in home
    for role in (Role.FINANCE, Role.BUREAU_OPERATOR, Role.AUDITOR):  # they may see sheets
        assert line not in console.desk(role).get("/console/").text, role
    shown = approver.get(line).text
    assert "TJ0003-20230428-1" in shown
    approver.post("/console/settlements/TJ0003-20230428-1/bureau")
    assert line not in approver.get("/console/").text
    assert "结算单待财政局审核" in console.desk(Role.FINANCE).get("/console/").text


@pytest.mark.parametrize("maker", ["bureau-approver", "li.wei"])
def test_ones_own_proposal_is_no_work_of_ones_own(console: Console, city: City, maker: str) -> None:
    refund_proposals.propose(order_id=redeem(city), goods=goods(100, "T20230428-1"), actor=maker)
    home = console.desk(Role.BUREAU_APPROVER).get("/console/").text
    assert ("退款申请待办理" in home) is (maker == "li.wei")


def test_a_file_that_never_came_is_told_to_finance_with_its_day(
    console: Console, city: City, moment: MovableClock
) -> None:
    partners.add(BANK, name="示例银行", actor="王")
    at_the_banks_till(redeemed(city))
    finance = console.desk(Role.FINANCE)
    assert "未收到的对账文件" not in finance.get("/console/").text
    moment.move(days=4)
    finance = console.desk(Role.FINANCE)
    told = "银行明细（BANK01）2023-04-28 的文件，自 2023-05-02 起逾期"
    for path in ("/console/", "/console/reconciliation"):
        assert told in finance.get(path).text, path
    assert told not in console.desk(Role.MEDIA).get("/console/").text
