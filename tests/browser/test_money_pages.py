"""Pages of money with an id in their path, wide and narrow; a refund proposed by keyboard alone."""

from datetime import date

import pytest

from backend.domain.staff import Role
from backend.services import (
    fund_reports,
    reconciliation,
    refund_proposals,
    settlement_holds,
    settlements,
    spending_imports,
)
from backend.storage.models.reconciliation import ReconciliationItem
from backend.storage.models.refunds import RefundProposal
from tests.bank_details import detail, line, take_detail
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.services import budget_parts
from tests.integration.services.reconciling import name_the_shop
from tests.integration.services.refunding import goods
from tests.settling import redeem, sent


@pytest.fixture
def pages(city: City, moment: MovableClock) -> dict[str, str]:
    """A city's money at every step, and the addresses of its pages."""
    held = redeem(city)
    refund_proposals.propose(order_id=held, goods=goods(100, "T20230428-1"), actor="li.wei")
    settlement_holds.hold(hold_id="H1", redemption_id=held, reason="待核实", actor="li.wei")
    sent(city, moment)
    name_the_shop()
    file = take_detail(detail([line("nobody-1")])).file
    reconciliation.run(file.id)
    budget_parts.propose_quarter("B20230428-1", "Q3", 1_000)
    spending_imports.propose(
        "S20230428-1",
        "凭证号,日期,金额,收款方,备注\nA-1,2023-01-15,1000,家乐购,\n".encode(),
        file_name="x.csv",
        target=spending_imports.Target(fund_id="FUND93", quarter="Q1"),
        reason="启用前支出",
        actor="li.wei",
    )
    report = fund_reports.freeze(date(2023, 4, 28), actor="li.wei")
    [sheet] = [s for s in settlements.sheets() if s.merchant_id == SUPERMARKET]
    return {
        "order": f"/console/orders/{held}",
        "sheet": f"/console/settlements/{sheet.id}",
        "payout": "/console/payouts/B1",
        "budget": "/console/budgets/B20230428-1",
        "spending": "/console/spending/S20230428-1",
        "report": f"/console/fund-reports/{report.as_of}/1",
        "ledger": "/console/ledger?run=1",
        "hold": "/console/settlement-holds/H1",
        "proposal": "/console/refund-proposals/T20230428-1",
        "file": f"/console/reconciliation/{file.id}",
        "item": f"/console/reconciliation-items/{rows(ReconciliationItem)[0].id}",
    }


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_of_one_thing_is_whole_and_legible(
    pages: dict[str, str], page_as: PageAs, width: int
) -> None:
    for role in (Role.FINANCE, Role.BUREAU_OPERATOR):
        eyes = page_as(role, width=width)
        for path in pages.values():
            eyes.open(path)
    wide = page_as(Role.FINANCE, width=width)
    for path in ("orders", "redemptions", "settlements", "payouts", "payout-accounts"):
        assert wide.open(f"/console/{path}").locator("tbody tr").count() > 0, path


def test_a_refund_is_proposed_by_keyboard_alone(pages: dict[str, str], page_as: PageAs) -> None:
    eyes = page_as(Role.BUREAU_OPERATOR)
    page = eyes.open(pages["order"])
    page.focus("[data-dialog=refund]")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog#refund[open]")
    eyes.look()
    page.focus("#amount")
    page.keyboard.press("Control+a")
    page.keyboard.type("32")
    page.keyboard.press("Tab")
    page.keyboard.type("商户已停业")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=已提出退款申请")
    eyes.look()
    assert {row.refund_amount_fen for row in rows(RefundProposal)} == {100, 3_200}
