"""A month's statement in a browser, confirmed by keyboard."""

import pytest

from backend.domain.staff import Role
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.entering import GATE, enter, gate
from tests.factories import City, MovableClock


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_month_is_stated_and_confirmed_by_keyboard_alone(
    city: City, moment: MovableClock, page_as: PageAs, width: int
) -> None:
    enter(gate(city), city.resident())
    moment.move(days=4)
    tourism = page_as(Role.TOURISM, width=width)
    page = tourism.open("/console/entries")
    page.locator("a[data-dialog=make]").press("Enter")
    tourism.look()
    page.focus("#month")
    page.keyboard.type("2023-04")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/entries/{GATE}-202304-1")
    tourism.look()
    approver = page_as(Role.BUREAU_APPROVER, width=width)
    page = approver.open(f"/console/entries/{GATE}-202304-1")
    page.locator("a[data-dialog=confirm]").press("Enter")
    approver.look()
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已确认")
    approver.look()


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_an_entry_is_undone_by_keyboard_alone(city: City, page_as: PageAs, width: int) -> None:
    enter(gate(city), city.resident())
    operator = page_as(Role.BUREAU_OPERATOR, width=width)
    page = operator.open("/console/entry-records")
    page.locator("td a").first.press("Enter")
    page.wait_for_url("**/entry-records/*")
    operator.look()
    page.locator("a[data-dialog=undo]").press("Enter")
    operator.look()
    page.focus("#undo-reason")
    page.keyboard.type("重复记录")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已撤销，金额退回活动")
    operator.look()
