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
