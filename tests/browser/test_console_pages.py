"""Signing in by hand, a filter and a dialog by keyboard, a refusal as a page."""

import pyotp

from backend import clock
from backend.domain.staff import Role
from backend.services import audit
from backend.storage.sql import transaction
from tests.browser.conftest import PHONE, PageAs
from tests.browser.keyboard import tab_to
from tests.staffing import add

PASSWORD = "mo-Li7hua_kai4le"


def some_acts() -> None:
    for number in range(60):
        with transaction() as session:
            audit.record(
                session,
                actor="li.wei",
                action="campaign.pause" if number % 3 else "clerk.add",
                subject=f"TJ{number:04d}",
                reason="<script>alert(1)</script>" * 3,
            )


def test_pages_turn_by_keyboard_and_by_the_browsers_way_back(page_as: PageAs) -> None:
    some_acts()
    some_acts()
    eyes = page_as(Role.AUDITOR)
    page = eyes.open("/console/audit?actor=li.wei")
    for number in (2, 3):
        page.get_by_role("link", name="下一页").focus()
        page.keyboard.press("Enter")
        page.get_by_text(f"第 {number} 页").wait_for()
        eyes.look()
    page.go_back()
    page.get_by_text("第 2 页").wait_for()
    page.get_by_role("link", name="上一页").click()
    page.get_by_text("第 1 页").wait_for()
    assert page.get_by_label("经办人").input_value() == "li.wei"


def test_a_refusal_is_a_page_too(page_as: PageAs) -> None:
    eyes = page_as(Role.TAX)
    assert "没有权限" in eyes.open("/console/audit", status=403).inner_text("h1")
    eyes.open("/console/nowhere", status=404)


def test_somebody_new_signs_in_by_keyboard_alone(page_as: PageAs) -> None:
    first = add("li.wei", Role.AUDITOR)
    eyes = page_as(width=PHONE)
    page = eyes.open("/console/audit?actor=li.wei")
    keyboard = page.keyboard
    keyboard.type("li.wei")
    keyboard.press("Tab")
    keyboard.type(first)
    keyboard.press("Enter")
    page.wait_for_url("**/sign-in/enrol**")
    eyes.look()
    secret = page.locator("code").inner_text()
    keyboard.type(pyotp.TOTP(secret).at(int(clock.now().timestamp())))
    keyboard.press("Enter")
    page.wait_for_url("**/account")
    eyes.look()
    page.focus("#old")
    for typed in (first, PASSWORD, PASSWORD):
        keyboard.type(typed)
        keyboard.press("Tab")
    keyboard.press("Enter")
    page.wait_for_url("**/console/")
    assert "密码已修改" in page.inner_text("main")
    eyes.look()


def test_the_audit_log_is_turned_over_and_filtered_by_keyboard_alone(
    page_as: PageAs,
) -> None:
    some_acts()
    eyes = page_as(Role.AUDITOR)
    page = eyes.open("/console/audit")
    tab_to(page, "下一页")
    page.keyboard.press("Enter")
    page.wait_for_url("**page=2**")
    tab_to(page, "上一页")
    page.keyboard.press("Enter")
    page.get_by_text("第 1 页").wait_for()
    tab_to(page, "subject")
    page.keyboard.type("TJ0007")
    page.keyboard.press("Enter")
    page.wait_for_url("**subject=TJ0007**")
    assert page.locator("tbody tr").filter(has_text="TJ0007").count() == 1
    assert "共 1 条" in page.inner_text("main")
    assert page.locator(".chart-picture canvas").count() == 1
    eyes.look()


def test_a_dialog_opens_and_closes_by_keyboard_and_works_without_scripts(page_as: PageAs) -> None:
    there, here = page_as(Role.AUDITOR), page_as(Role.AUDITOR)
    page = here.open("/console/account")
    assert not page.locator("dialog").is_visible()
    opener = page.locator("a[data-dialog]")
    opener.focus()
    page.keyboard.press("Space")
    dialog = page.locator("dialog[open]")
    assert dialog.count() == 1
    here.look()
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    here.open(f"/console/account{opener.get_attribute('href')}")  # as without scripts
    page.locator("dialog[open] button").press("Enter")
    page.wait_for_url("**/console/account")
    assert "已退出" in page.inner_text("main")
    assert "登录" in there.open("/console/audit").inner_text("h1")
