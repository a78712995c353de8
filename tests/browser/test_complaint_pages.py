"""Complaints in a browser: assigned, answered, called back and closed by keyboard alone."""

import pytest

from backend.domain.staff import Role
from backend.services import complaints
from tests.browser.conftest import DESK, PHONE, Eyes, PageAs
from tests.complaining import PHONE as MOBILE
from tests.complaining import file_one, words
from tests.subsidising import picture


def confirm(eyes: Eyes, dialog: str, typed: str, told: str) -> None:
    """Open a dialog, type into where its focus is, send it, and look at what it led to."""
    page = eyes.page
    page.locator(f"a[data-dialog={dialog}]").press("Enter")
    eyes.look()
    page.keyboard.type(typed)
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector(f"text={told}")
    eyes.look()


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_complaint_is_worked_on_by_keyboard_alone(page_as: PageAs, width: int) -> None:
    long = words(text="店里不收券\n" + "长" * 200, shop="店" * 60, order_number="0" * 32)
    number = complaints.file(long, photo=picture()).number
    file_one()
    operator = page_as(Role.BUREAU_OPERATOR, width=width)
    page = operator.open("/console/")
    page.locator("text=投诉待交办").press("Enter")
    page.wait_for_url("**state=received")
    operator.look()
    page.locator(f"text={number}").press("Enter")
    page.wait_for_url(f"**/complaints/{number}")
    operator.look()
    confirm(operator, "phone", "问清楚是哪家店", f"完整手机号：{MOBILE}")
    page = operator.open(f"/console/complaints/{number}")
    page.locator("a[data-dialog=assign]").press("Enter")
    page.focus("#note")
    page.keyboard.type("请到店核实")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已交商务部门办理")
    page.focus("#text")
    page.keyboard.type("已请商户改正，您可以再去用券。")
    page.locator("text=答复投诉人").press("Enter")
    page.wait_for_selector("text=已答复，投诉人")
    approver = page_as(Role.BUREAU_APPROVER, width=width)
    approver.open(f"/console/complaints/{number}")
    confirm(approver, "close", "", "已办结")
