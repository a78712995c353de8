"""Selling at a desk with a scanner gun, by keyboard alone, whatever the network does."""

import pytest
from playwright.sync_api import Browser

from backend.services import amount_codes, desk_sessions, standings
from backend.storage.models.amount_codes import AmountCode
from tests.browser.conftest import PHONE, Eyes, OpenShop
from tests.browser.desk_parts import End, shown_code, statuses
from tests.factories import SUPERMARKET, City, MovableClock, rows

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.parametrize("end", ["CR", "LF", "Tab", "CRLF"])
def test_a_sale_by_scanner_gun_whatever_it_ends_with(
    city: City, open_shop: OpenShop, end: End
) -> None:
    shop = open_shop()
    assert shop.focused() == "amount"
    shop.enter("128.5")
    shop.scan(shown_code(city), end)
    shop.headline("请收")
    assert shop.page.inner_text("#big") == "¥118.50"
    assert "券抵 ¥10.00" in shop.page.inner_text("#say")
    assert statuses() == ["locked"]  # the gun's second line end has confirmed nothing
    shop.eyes.look()
    shop.collect()
    assert (statuses(), shop.focused()) == (["redeemed"], "amount")


def test_three_sales_in_a_row_and_the_same_code_is_refused(city: City, open_shop: OpenShop) -> None:
    shop, code = open_shop(), ""
    for _ in range(3):
        shop.enter("100")
        code = shown_code(city)
        shop.scan(code)
        shop.collect()
    shop.page.locator("#today dd", has_text="¥300.00").wait_for()
    shop.enter("100")
    shop.scan(code)
    shop.headline("没有成功")
    assert "请顾客刷新付款码" in shop.page.inner_text("#say")
    assert (statuses(), shop.focused()) == (["redeemed"] * 3, "code")


def test_full_width_digits_under_an_input_method_are_mapped_back(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("１２８。５")
    code = shown_code(city).translate(FULL_WIDTH)
    method = shop.page.context.new_cdp_session(shop.page)
    for length in range(1, len(code) + 1):
        composed = {"text": code[:length], "selectionStart": length, "selectionEnd": length}
        method.send("Input.imeSetComposition", composed)
    method.send("Input.insertText", {"text": code})
    shop.page.keyboard.press("Enter")
    shop.headline("请收")
    assert shop.page.inner_text("#big") == "¥118.50"


def test_an_enter_that_comes_while_the_input_method_composes_ends_the_scan(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("128.50")
    code = shown_code(city)
    method = shop.page.context.new_cdp_session(shop.page)
    method.send("Input.imeSetComposition", {"text": code, "selectionStart": 20, "selectionEnd": 20})
    enter = {"type": "rawKeyDown", "code": "Enter", "key": "Process", "windowsVirtualKeyCode": 229}
    method.send("Input.dispatchKeyEvent", enter)
    method.send("Input.insertText", {"text": code})
    shop.headline("请收")


@pytest.mark.parametrize(
    ("scanned", "name"),
    [
        ("134567890123456789", "微信"),
        ("281234567890123456", "支付宝"),
        ("6212345678901234567", "云闪付"),
        ("wxp://f2f0abcdefghijklmnop", "微信收款码"),
        ("https://qr.alipay.com/fkx12345", "支付宝收款码"),
    ],
)
def test_another_systems_code_is_named_and_nothing_sold(
    open_shop: OpenShop, scanned: str, name: str
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(scanned)
    shop.headline("没有成功")
    assert f"扫到的是{name}" in shop.page.inner_text("#say")
    assert "消费券付款码" in shop.page.inner_text("#say")
    assert (statuses(), shop.page.input_value("#code")) == ([], "")
    assert scanned not in shop.page.evaluate("JSON.stringify(sessionStorage)")


def test_what_is_typed_twice_sells_once(city: City, open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    for _ in range(5):
        shop.page.keyboard.press("Enter")
    shop.headline("请收")
    assert statuses() == ["locked"]
    shop.page.wait_for_timeout(650)
    for _ in range(3):
        shop.page.keyboard.press("F9")
    shop.headline("收款完成")
    assert statuses() == ["redeemed"]


def test_an_order_is_given_up_by_f4_and_the_next_begun_by_f2(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.headline("请收")
    shop.page.keyboard.press("F4")
    shop.headline("这一单没有成交")
    assert (statuses(), shop.focused()) == (["released"], "amount")
    shop.enter("88")
    shop.page.keyboard.press("F2")
    assert (shop.page.input_value("#amount"), shop.focused()) == ("", "amount")


def test_a_code_scanned_into_the_amount_sells_nothing(city: City, open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.scan(shown_code(city))
    shop.headline("请先输入金额")
    assert (shop.page.input_value("#amount"), statuses()) == ("", [])


def test_a_phones_order_waits_below_and_is_confirmed_there(city: City, open_shop: OpenShop) -> None:
    buyer = city.resident()
    city.claim(buyer)
    placard = next(iter(city.placard.values()))
    body = {"placard": placard, "order_amount_fen": 20_000, "request_id": "request-of-phone"}
    assert city.post("/api/v1/resident/orders", buyer, **body).status_code == 201
    shop = open_shop()
    shop.eyes.look()
    shop.page.get_by_role("button", name="已收款", exact=True).focus()
    shop.page.keyboard.press("Enter")
    shop.headline("收款完成")
    assert statuses() == ["redeemed"]


def test_a_customer_scans_the_amount_and_the_till_goes_on_by_itself(
    city: City, open_shop: OpenShop
) -> None:
    buyer, shop = city.resident(), open_shop()
    city.claim(buyer)
    shop.page.keyboard.type("128.5")
    shop.page.keyboard.press("F8")
    shop.headline("请顾客扫码")
    assert shop.page.evaluate("document.querySelector('#qr').decode()") is None  # it is a picture
    shop.eyes.look()
    shop.page.reload()  # the same code goes on
    shop.headline("请顾客扫码")
    (code,) = rows(AmountCode)
    url = amount_codes.get(code.number, merchant_id=SUPERMARKET).url
    made = city.post("/api/v1/resident/orders", buyer, placard=url, request_id="of-the-phone")
    assert made.status_code == 201
    shop.headline("请收")
    assert shop.page.inner_text("#big") == "¥118.50"
    assert not shop.page.locator("#qr").is_visible()
    shop.collect()
    assert (statuses(), shop.focused()) == (["redeemed"], "amount")


def test_a_code_with_an_amount_that_nobody_scanned_ends(
    open_shop: OpenShop, moment: MovableClock
) -> None:
    shop = open_shop()
    shop.page.keyboard.type("128.5")
    shop.page.keyboard.press("F8")
    shop.headline("请顾客扫码")
    moment.move(minutes=5)
    shop.headline("金额码已过期")
    assert (shop.page.input_value("#amount"), shop.focused()) == ("", "amount")


def test_a_redemption_is_reversed_by_keyboard_with_its_reason(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.collect()
    link = shop.page.locator("#today tbody a")
    link.wait_for()
    link.focus()
    shop.page.keyboard.press("Enter")
    shop.page.wait_for_url("**/desk/records/*")
    shop.eyes.look()
    shop.page.focus("#why-reverse")
    shop.page.keyboard.type("金额输错")
    shop.page.keyboard.press("Enter")
    shop.page.locator(".notice.good").wait_for()
    assert "已冲正" in shop.page.inner_text("main")
    assert statuses() == ["reversed"]


def test_a_disqualification_in_mid_order_closes_the_desk_and_says_what_of_the_money(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.headline("请收")
    standings.propose_disqualification(SUPERMARKET, actor="孙经办", reason="套现")
    standings.confirm_disqualification(SUPERMARKET, actor="郑审批", reason="属实")
    shop.page.wait_for_timeout(650)  # after the moment in which an Enter counts as the gun's
    shop.page.keyboard.press("Enter")
    shop.page.wait_for_url("**/desk/sign-in?sale=open")
    assert "已收的钱请退给顾客" in shop.page.get_by_role("alert").inner_text()
    assert statuses() == ["released"]
    shop.eyes.look()


def test_a_desk_whose_session_ends_in_mid_order_asks_for_its_result_when_it_is_open_again(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.headline("请收")
    shop.page.context.clear_cookies()
    shop.page.wait_for_timeout(650)
    shop.page.keyboard.press("Enter")
    shop.page.wait_for_url("**/desk/sign-in?sale=open")
    shop.page.keyboard.type(desk_sessions.issue(shop.clerk.id).number)
    shop.page.keyboard.press("Enter")
    shop.collect()
    assert statuses() == ["redeemed"]


def test_the_till_fits_an_old_screen_without_scrolling(open_shop: OpenShop) -> None:
    shop = open_shop(width=1024, height=600)
    bottom = shop.page.evaluate("document.querySelector('#till').getBoundingClientRect().bottom")
    assert bottom <= 600


def test_a_desk_is_opened_by_the_number_that_a_gun_reads_from_the_phone(
    city: City, browser: Browser, desk_site: str
) -> None:
    number = city.post("/api/v1/merchant/desk-codes", city.clerk()).json["number"]
    context = browser.new_context(viewport={"width": PHONE, "height": 844})
    eyes = Eyes(context.new_page(), desk_site)
    page = eyes.open("/desk/sign-in")
    page.keyboard.type("00000000")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    eyes.look()
    page.keyboard.type(number, delay=2)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/")
    context.close()
    eyes.finish()
