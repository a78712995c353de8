"""The pages of analytics, wide and narrow: pictures are drawn, days are chosen by keyboard."""

import pytest

from backend.domain.staff import Role
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import City
from tests.settling import redeem


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_every_view_is_drawn_and_legible(city: City, page_as: PageAs, width: int) -> None:
    redeem(city)
    eyes = page_as(Role.FINANCE, width=width)
    page = eyes.open("/console/analytics")
    views = page.locator("nav.views a")
    for number in range(views.count()):
        views.nth(number).click()
        page.wait_for_load_state("networkidle")
        eyes.look()
        assert page.locator(".chart-picture canvas").first.is_visible(), page.url
        assert page.locator("nav.views [aria-current=page]").count() == 1, page.url


def test_days_are_chosen_by_keyboard_and_kept_from_view_to_view(
    city: City, page_as: PageAs
) -> None:
    redeem(city)
    page = page_as(Role.FINANCE).open("/console/analytics/merchants")
    page.focus("[name=since]")
    page.keyboard.type("04282023")
    page.keyboard.press("Enter")
    page.wait_for_url("**since=2023-04-28**")
    assert "家乐购" in page.inner_text("main")
    page.focus("nav.views a >> nth=3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/analytics/hours?since=2023-04-28**")
    assert "2023-04-28 至 2023-04-28" in page.inner_text("main")
