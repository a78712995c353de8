"""The pages on which administrators keep accounts, in a browser."""

import pytest

from backend.domain.staff import Role
from backend.services import staff_resets
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.console import sign_in
from tests.staffing import add


def test_an_account_is_asked_for_and_confirmed_by_keyboard_alone(page_as: PageAs) -> None:
    zhao, qian = page_as(Role.ADMINISTRATOR, name="zhao"), page_as(Role.ADMINISTRATOR, name="qian")
    page = zhao.open("/console/staff/new")
    page.focus("#login_name")
    for typed in ("li.wei", "李伟", "商务和口岸局"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/staff")
    assert "待另一位管理员复核" in page.inner_text("main")
    page = qian.open("/console/staff/checks")
    page.locator("a[data-dialog^=confirm]").press("Enter")
    qian.look()
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("code")
    assert "li.wei 的一次性密码后半" in page.inner_text("h1")
    qian.look()
    page = zhao.open("/console/staff/checks")
    page.locator("a[data-dialog^=half]").press("Enter")
    zhao.look()
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("code")
    assert "li.wei 的一次性密码前半" in page.inner_text("h1")
    zhao.look()


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_persons_page_and_what_waits_are_whole_and_legible(page_as: PageAs, width: int) -> None:
    sign_in(Role.TAX, "li.wei")
    add("wang.fang")
    staff_resets.request("li.wei", reason="<b>手机遗失</b>" * 10, actor="zhao")
    eyes = page_as(Role.ADMINISTRATOR, width=width)
    page = eyes.open("/console/staff/accounts/li.wei")
    page.locator("a[data-dialog=lock]").press("Enter")
    eyes.look()
    page.fill("dialog[open] textarea", "外出学习")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=账号已停用")
    eyes.look()
    eyes.open("/console/staff/checks")
