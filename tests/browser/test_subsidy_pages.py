"""Subsidies in a browser: an application through both reviews and out by keyboard alone."""

import pytest

from backend.domain.staff import Role
from backend.services import subsidy_payouts
from backend.storage.models.subsidies import Subsidy
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import City, rows
from tests.subsidising import car, sent_back, submitted


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_subsidy_goes_through_two_reviews_and_is_paid_by_keyboard_alone(
    city: City, page_as: PageAs, width: int
) -> None:
    car(city)
    made = submitted(city.resident())
    path = f"/console/subsidies/{made.id}"
    for role, dialog, told in (
        (Role.BUREAU_OPERATOR, "first", "初审已通过"),
        (Role.BUREAU_APPROVER, "grant", "复审已通过"),
    ):
        eyes = page_as(role, width=width)
        page = eyes.open(path)
        page.locator(f"a[data-dialog={dialog}]").press("Enter")
        eyes.look()
        page.locator("dialog[open] button").press("Enter")
        page.wait_for_selector(f"text={told}")
        eyes.look()
    maker = page_as(Role.FINANCE, width=width, name="maker")
    page = maker.open("/console/subsidy-payouts")
    page.locator("a[data-dialog=make]").press("Enter")
    maker.look()
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已生成 1 笔")
    maker.look()
    other = page_as(Role.FINANCE, width=width, name="other")
    page = other.open(page.url.removeprefix(other.site))
    page.locator("a[data-dialog=paid-1]").press("Enter")
    other.look()
    page.focus("#proof-1")
    page.keyboard.type("20230428000001")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=已登记发放")
    other.look()
    assert [line.state for line, _ in subsidy_payouts.attempts(rows(Subsidy)[0].id)] == ["paid"]


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_doubtful_and_a_returned_application_are_whole_and_legible(
    city: City, page_as: PageAs, width: int
) -> None:
    car(city)
    returned = sent_back(city.resident())
    doubtful = submitted(city.resident(), 2)
    eyes = page_as(Role.BUREAU_APPROVER, width=width)
    assert "银行退回" in eyes.open(f"/console/subsidies/{returned.id}").inner_text("main")
    page = eyes.open(f"/console/subsidies/{doubtful.id}")
    assert "材料文件完全相同" in page.inner_text("main")
    assert eyes.open("/console/subsidies").locator("tbody tr").count() == 2
    eyes.open("/console/subsidy-payouts/P1")
