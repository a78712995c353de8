"""Notices in a browser: written, looked at, sent and released by keyboard alone."""

import pytest

from backend.domain.staff import Role
from tests.browser.conftest import DESK, PHONE, PageAs


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_notice_is_written_and_released_by_keyboard_alone(page_as: PageAs, width: int) -> None:
    eyes = page_as(Role.MEDIA, width=width)
    page = eyes.open("/console/notices")
    page.locator("text=撰写公告").press("Enter")
    page.wait_for_url("**/notices/new")
    eyes.look()
    page.focus("[name=title]")
    page.keyboard.type("五一消费券 4 月 28 日 10 点开抢")
    page.keyboard.press("Tab")
    page.keyboard.type("请提前绑定手机号。\n\n长网址：https://evil.example/" + "x" * 90)
    page.locator("main button[type=submit]").press("Enter")
    page.wait_for_selector("text=已保存草稿")
    eyes.look()
    page.locator("a[data-dialog=submit]").press("Enter")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已送审，由")
    eyes.look()
    path = page.url.removeprefix(eyes.site)

    approver = page_as(Role.BUREAU_APPROVER, width=width)
    page = approver.open("/console/")
    page.locator("text=公告待发布").press("Enter")
    page.wait_for_url("**state=submitted**")
    approver.look()
    page = approver.open(path)
    page.locator("a[data-dialog=publish]").press("Enter")
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_selector("text=已发布，公众")
    approver.look()
