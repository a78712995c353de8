"""Partner banks in a browser: a key made and confirmed by keyboard alone."""

import pytest

from backend.domain.staff import Role
from backend.services import live, partners
from tests.bank_details import BANK
from tests.bank_parts import Bank, propose_one_merchant, refuse_one_file
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import City, MovableClock
from tests.integration.services.reconciling import at_the_banks_till, redeemed


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_partner_gets_its_key_by_keyboard_alone(city: City, page_as: PageAs, width: int) -> None:
    operator = page_as(Role.BUREAU_OPERATOR, width=width)
    page = operator.open("/console/partners")
    page.locator("a[data-dialog=add]").press("Enter")
    operator.look()
    page.focus("#partner_id")
    page.keyboard.type("BANK01")
    page.keyboard.press("Tab")
    page.keyboard.type("示例银行")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=已登记，接下来")
    operator.look()
    page.locator("a[data-dialog=new-key]").press("Enter")
    page.focus("#key_id")
    page.keyboard.type("BANK01-2023A")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=请现在抄存")
    operator.look()
    approver = page_as(Role.BUREAU_APPROVER, width=width)
    page = approver.open("/console/partners/BANK01")
    page.locator("a[data-dialog=confirm-1]").press("Enter")
    approver.look()
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=即刻有效")
    approver.look()
    assert [key.state for key in partners.get("BANK01").keys] == ["active"]


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_what_went_wrong_of_late_is_whole_and_legible(
    city: City, page_as: PageAs, moment: MovableClock, width: int
) -> None:
    propose_one_merchant()
    refuse_one_file()
    Bank(secret="f" * 64).ask(city.app, "GET", "/bank/v1/time")
    Bank(partner_id="BANK77").ask(city.app, "GET", "/bank/v1/time")
    live.flush()
    at_the_banks_till(redeemed(city))
    moment.move(days=4)
    eyes = page_as(Role.BUREAU_APPROVER, width=width)
    told = eyes.open("/console/partners/BANK01").inner_text("main")
    assert "签名无效" in told
    assert "BANK01_20230401.csv" in told
    assert "未登记机构号的请求" in eyes.open("/console/partners").inner_text("main")
    assert eyes.open("/console/partner-proposals").locator("tbody tr").count() == 1
    for path in ("/console/", "/console/reconciliation"):
        assert f"银行明细（{BANK}）" in eyes.open(path).inner_text("main"), path
