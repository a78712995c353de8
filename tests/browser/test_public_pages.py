"""What the public does without a sign-in, by a keyboard alone."""

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext
from werkzeug.serving import make_server

from backend.domain.staff import Role
from backend.services import merchant_lists, placards
from tests import joining
from tests.browser.conftest import DESK, PHONE, SMALLEST, Eyes, PageAs
from tests.complaining import PHONE as MOBILE
from tests.factories import MAY, City

Visitor = Callable[..., Eyes]


@pytest.fixture
def visitor(browser: Browser, city: City) -> Iterator[Visitor]:
    """Give a page of the public application to somebody whose browser runs no scripts."""
    server = make_server("127.0.0.1", 0, city.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    contexts: list[BrowserContext] = []
    eyes: list[Eyes] = []

    def give(*, width: int = DESK) -> Eyes:
        context = browser.new_context(
            viewport={"width": width, "height": 844}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        contexts.append(context)
        eyes.append(Eyes(context.new_page(), f"http://127.0.0.1:{server.port}"))
        return eyes[-1]

    yield give
    for context in contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    for one in eyes:
        one.finish()


def test_a_visitor_finds_a_campaigns_rules_by_keyboard_alone(city: City, visitor: Visitor) -> None:
    page = visitor(width=PHONE).open("/calendar")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "跳到正文"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "五一乐购券":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/c/{MAY}")
    assert "退款后券算已经使用" in page.inner_text("main")


def test_a_visitor_complains_and_follows_it_by_keyboard_alone(visitor: Visitor) -> None:
    eyes = visitor(width=SMALLEST)
    page = eyes.open("/complaints")
    keyboard = page.keyboard
    page.focus("#category")
    keyboard.press("ArrowDown")
    for typed in ("店里说不收券，让我付全款。", MOBILE, "家乐购"):
        keyboard.press("Tab")
        keyboard.type(typed)
    keyboard.press("Enter")
    page.wait_for_selector(".big-number")
    eyes.look()
    number = page.inner_text(".big-number")
    page.focus("main .main-button")
    keyboard.press("Enter")
    page.wait_for_url("**/complaints/track")
    page.focus("#number")
    keyboard.type(number)
    keyboard.press("Tab")
    keyboard.type(MOBILE[-4:])
    keyboard.press("Enter")
    page.wait_for_selector(".progress")
    assert "已收到" in page.inner_text("h1")
    eyes.look()


def test_a_form_with_faults_is_legible_too(visitor: Visitor) -> None:
    eyes = visitor(width=PHONE)
    page = eyes.open("/complaints")
    page.evaluate("document.querySelector('form').noValidate = true")
    page.fill("#phone", "123")
    page.click("button[type=submit]")
    page.wait_for_selector("#phone-fault")
    eyes.look()


def test_rare_characters_are_found_listed_and_printed_as_they_are_written(
    city: City, visitor: Visitor, page_as: PageAs
) -> None:
    name = "街津口赫哲鳇鱼馆（䶮记）"
    shop = joining.reported(name=name)
    joining.passed(shop)
    merchant_lists.publish(actor=joining.APPROVER)
    placard = placards.issue(shop, actor=joining.BUREAU)
    eyes = visitor(width=PHONE)
    page = eyes.open("/merchants")
    page.focus("#q")
    page.keyboard.type("䶮")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    assert page.locator("tbody tr").count() == 1
    assert name in page.inner_text("tbody")
    eyes.look()
    page = eyes.open(f"/m/{placard.code}")
    assert page.inner_text("h1") == name
    staff = page_as(Role.BUREAU_OPERATOR)
    assert staff.go(f"/console/placards/{shop}/print").inner_text("h1") == name
