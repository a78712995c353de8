"""A resident's page in a browser: by keyboard to the whole number, and back without it."""

import pytest

from backend.domain.staff import Role
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import City


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_resident_is_found_unmasked_and_blocked_by_keyboard_alone(
    city: City, page_as: PageAs, width: int
) -> None:
    person = city.resident("13800001111")
    city.claim(person)
    eyes = page_as(Role.BUREAU_OPERATOR, width=width)
    page = eyes.open("/console/residents")
    page.focus("[name=last4]")
    page.keyboard.type("1111")
    page.keyboard.press("Enter")
    page.wait_for_url("**last4=1111**")
    page.locator("tbody a").press("Enter")
    page.wait_for_url(f"**/residents/{person.id}")
    eyes.look()
    page.locator("a[data-dialog=unmask]").press("Enter")
    page.keyboard.type("核实投诉")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=13800001111")
    eyes.look()
    page.locator("a[data-dialog=block]").press("Enter")
    page.keyboard.type("刷券")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已停用：")
    assert "13800001111" not in page.inner_text("main")
    eyes.look()
