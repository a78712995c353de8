"""Whole jobs by a keyboard alone: Tab to what is wanted, then Enter or Space."""

from backend.domain.staff import Role
from backend.services import campaign_approvals, campaigns
from tests import joining
from tests.browser.conftest import PHONE, OpenShop, PageAs
from tests.browser.desk_parts import shown_code
from tests.browser.keyboard import tab_to
from tests.factories import City


def test_a_campaign_is_approved_from_the_home_page_on(city: City, page_as: PageAs) -> None:
    campaign_approvals.submit("Q3-NIGHT", actor="li.wei")
    page = page_as(Role.BUREAU_APPROVER).go("/console/")
    keyboard = page.keyboard
    tab_to(page, "活动")
    keyboard.press("Enter")
    page.wait_for_url("**/console/campaigns")
    tab_to(page, "夜市啤酒节券")
    keyboard.press("Enter")
    page.wait_for_url("**/campaigns/Q3-NIGHT")
    tab_to(page, "批准")
    keyboard.press("Space")
    tab_to(page, "确认批准")
    keyboard.press("Enter")
    page.get_by_text("已批准，活动资金已承诺").wait_for()
    assert campaigns.terms("Q3-NIGHT").state == "approved"


def test_a_shop_is_vetoed_with_a_reason(city: City, page_as: PageAs) -> None:
    shop = joining.reported()
    page = page_as(Role.TAX).go("/console/merchant-work")
    keyboard = page.keyboard
    tab_to(page, f"{shop} {joining.applicant().name}")
    keyboard.press("Enter")
    page.wait_for_url(f"**/merchants/{shop}")
    tab_to(page, "税务否决")
    keyboard.press("Enter")
    tab_to(page, "reason")
    keyboard.type("欠缴税款")
    tab_to(page, "确认税务否决")
    keyboard.press("Enter")
    page.wait_for_selector(".alert")
    assert "被否决" in page.inner_text("h1")
    assert "原因：欠缴税款" in page.inner_text("main")


def test_a_sale_is_made_and_reversed_at_the_desk(city: City, open_shop: OpenShop) -> None:
    shop = open_shop()
    page, keyboard = shop.page, shop.page.keyboard
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.collect()
    page.locator("#today tbody a").wait_for()
    tab_to(page, "小票、退货、冲正")
    keyboard.press("Enter")
    page.wait_for_url("**/desk/records/*")
    tab_to(page, "why-reverse")
    keyboard.type("金额输错")
    tab_to(page, "整笔冲正")
    keyboard.press("Enter")
    page.locator(".notice.good").wait_for()
    assert "已冲正" in page.inner_text("main")


def test_the_menu_of_a_phone_opens_and_closes(city: City, page_as: PageAs) -> None:
    page = page_as(Role.AUDITOR, width=PHONE).go("/console/")
    menu = page.get_by_role("navigation", name="主菜单")
    tab_to(page, "打开菜单")
    page.keyboard.press("Enter")
    menu.wait_for(state="visible")
    tab_to(page, "审计日志")
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.navbar-toggler')"):
            break
    page.keyboard.press("Space")
    menu.wait_for(state="hidden")
