"""A campaign's page in a browser: sent by one, approved by another, by keyboard alone."""

import pytest

from backend.domain.staff import Role
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import City

PAGE = "/console/campaigns/Q3-NIGHT"


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_campaign_is_sent_and_approved_by_two_people_by_keyboard(
    city: City, page_as: PageAs, width: int
) -> None:
    maker = page_as(Role.BUREAU_OPERATOR, width=width)
    page = maker.open(PAGE)
    page.get_by_role("button", name="送审", exact=True).press("Enter")
    page.get_by_role("button", name="确认送审").press("Enter")
    page.get_by_text("已送审，请审批人处理").wait_for()
    maker.look()
    checker = page_as(Role.BUREAU_APPROVER, width=width)
    page = checker.open(PAGE)
    page.get_by_role("button", name="批准", exact=True).press("Enter")
    checker.look()
    page.get_by_role("button", name="确认批准").press("Enter")
    page.get_by_text("已批准，活动资金已承诺").wait_for()
    assert page.locator("h1 .state").inner_text() == "已批准"
    checker.look()
