"""Orders and redemptions at the console: lists by their filters, and one order's whole story."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend import clock
from backend.domain.staff import Role
from backend.services import reconciliation, refund_proposals, settlement_holds, settlements
from backend.services.refunds import Goods
from backend.storage.models.merchants import Merchant
from backend.storage.models.refunds import RefundProposal
from backend.storage.models.settlements import SettlementHold
from backend.storage.sql import transaction
from tests.console import Console
from tests.factories import SUPERMARKET, City, MovableClock, new_request, rows
from tests.settling import MALL, redeem


@pytest.fixture
def sold(city: City) -> tuple[str, str]:
    """One redemption in each of two shops."""
    return redeem(city), redeem(city, MALL)


def test_lists_find_by_shop_state_payment_day_and_amount(
    console: Console, sold: tuple[str, str]
) -> None:
    desk = console.desk(Role.FINANCE)
    day = f"{clock.today():%Y-%m-%d}"
    for path in ("/console/orders", "/console/redemptions"):
        for query, expected in (
            ("", "共 2 条"),
            (f"merchant={SUPERMARKET}", "共 1 条"),
            ("merchant=没有这家店", "没有符合条件的记录"),
            ("campaign=Q2-MAY&state=redeemed&provider=at_till", "共 2 条"),
            ("state=part_refunded", "没有符合条件的记录"),
            ("provider=unionpay", "没有符合条件的记录"),
            (f"since={day}&through={day}", "共 2 条"),
            ("through=2023-04-01", "没有符合条件的记录"),
            ("at_least=320&at_most=320.00", "共 2 条"),
            ("at_least=320.01", "没有符合条件的记录"),
        ):
            assert expected in desk.get(f"{path}?{query}").text, (path, query)
        assert desk.get(f"{path}?at_least=abc").status_code == 400


def test_the_same_filter_is_exported_with_amounts_in_yuan_and_dead_formulas(
    console: Console, sold: tuple[str, str]
) -> None:
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).name = "=1+1"
    desk = console.desk(Role.AUDITOR)
    answer = desk.get(f"/console/redemptions?merchant={SUPERMARKET}&format=xlsx")
    cells = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [row[1:4] + row[6:9] for row in cells[1:]] == [
        [sold[0], SUPERMARKET, "'=1+1", 320.0, 10.0, 310.0]
    ]


def test_a_story_tells_who_when_where_which_rule_which_sheet_and_which_movements(
    console: Console, city: City, sold: tuple[str, str], moment: MovableClock
) -> None:
    number = new_request()
    goods = Goods(number=number, refund_amount_fen=3_200, reason="<script>alert(1)</script>")
    refund_proposals.propose(order_id=sold[0], goods=goods, actor="li.wei")
    refund_proposals.make(number, actor="wang.fang")
    moment.move(days=1)
    [sheet_id] = [id_ for id_ in settlements.draft(actor="li.wei").sheet_ids if SUPERMARKET in id_]
    page = console.desk(Role.AUDITOR).get(f"/console/orders/{sold[0]}").text
    for expected in (
        *("王店员", SUPERMARKET, "五一乐购券", "元减 10.00 元", "扫码牌", "商户收款"),
        *("领取消费券", "下单，锁定消费券", "核销", "提出退款申请", "第 1 次退款", "部分退款"),
        *("领券锁定", "Q2-MAY 已用", "退款退回活动", sheet_id, "待商务局审核"),
        "&lt;script&gt;alert(1)",
    ):
        assert expected in page, expected
    assert "<script>alert(1)" not in page
    assert console.desk(Role.AUDITOR).get(f"/console/orders/{'0' * 32}").status_code == 404


def test_a_story_shows_what_kept_it_from_settlement_and_what_an_outside_file_says(
    console: Console, city: City, sold: tuple[str, str]
) -> None:
    settlement_holds.hold(hold_id="H1", redemption_id=sold[1], reason="待核实", actor="li.wei")
    page = console.desk(Role.AUDITOR).get(f"/console/orders/{sold[1]}").text
    assert "暂缓结算" in page
    assert "待核实" in page
    assert "尚无对方文件提到这笔订单" in page
    assert reconciliation.list_files() == []


def test_a_refund_is_proposed_from_the_story_once_however_often_it_is_sent(
    console: Console, sold: tuple[str, str]
) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    form = {"number": "T20230428-1001-abcdef", "amount": "32.00", "reason": "商户已停业"}
    for _ in range(2):
        assert desk.post(f"/console/orders/{sold[0]}/refund", **form).status_code == 303
    [proposal] = rows(RefundProposal)
    assert (proposal.refund_amount_fen, proposal.proposed_by) == (3_200, desk.name)
    for wrong in ({"amount": "1,5x"}, {"reason": " "}, {"amount": "99999"}, {"number": "1"}):
        refused = desk.post(f"/console/orders/{sold[0]}/refund", **{**form, **wrong})
        assert refused.status_code in (400, 409, 422), wrong
    assert len(rows(RefundProposal)) == 1


def test_a_redemption_is_held_from_the_story_with_a_reason(
    console: Console, sold: tuple[str, str]
) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    form = {"number": "H20230428-1001-abcdef", "reason": "疑似套现"}
    assert desk.post(f"/console/orders/{sold[0]}/hold", number=form["number"]).status_code == 400
    assert desk.post(f"/console/orders/{sold[0]}/hold", **form).status_code == 303
    [hold] = rows(SettlementHold)
    assert (hold.redemption_id, hold.reason, hold.held_by) == (sold[0], "疑似套现", desk.name)
