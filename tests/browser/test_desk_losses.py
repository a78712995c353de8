"""The till when answers are lost, or the page is loaded anew in the middle of a sale."""

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import OpenShop
from tests.browser.desk_parts import shown_code, statuses
from tests.factories import City

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def test_a_lost_network_says_so_and_the_sale_goes_on_under_its_number(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.page.context.set_offline(True)
    shop.scan(shown_code(city))
    shop.page.locator("#network", has_text="网络中断").wait_for()
    assert statuses() == []
    shop.page.context.set_offline(False)
    shop.headline("请收")
    assert not shop.page.locator("#network").is_visible()
    shop.collect()
    assert statuses() == ["redeemed"]


def test_an_answer_that_is_lost_is_asked_for_again_and_sells_once(
    city: City, open_shop: OpenShop
) -> None:
    shop, lost = open_shop(), []

    def lose(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    shop.page.route("**/desk/sales**", lose)
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.headline("请收")
    shop.collect()
    assert (lost, statuses()) == ([201, 201], ["redeemed"])


def test_a_reload_in_the_middle_shows_the_same_sale(city: City, open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.page.reload()
    assert shop.page.input_value("#amount") == "100"
    shop.scan(shown_code(city))
    shop.headline("请收")
    shop.page.reload()
    shop.collect()
    assert statuses() == ["redeemed"]


def test_a_reload_before_the_request_arrived_asks_and_never_guesses(
    city: City, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.page.route("**/desk/sales", lambda route: route.abort())
    shop.scan(shown_code(city))
    shop.page.locator("#network", has_text="网络中断").wait_for()
    shop.page.unroute("**/desk/sales")
    shop.page.reload()
    shop.headline("上一笔没有成交")
    assert statuses() == []
    shop.scan(shown_code(city))
    shop.collect()


@pytest.mark.parametrize(
    ("status", "told"), [(404, "上一笔没有成交"), (403, "暂时不能查询")], ids=["absent", "refused"]
)
def test_a_sale_that_the_page_asked_for_in_vain_is_found_by_the_next_scan_and_not_sold_again(
    city: City, open_shop: OpenShop, status: int, told: str
) -> None:
    shop = open_shop()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    shop.enter("100")
    shop.page.route("**/desk/sales", lose, times=1)
    answer = {"status": status, "json": {"error": {"code": "x", "message": "暂时不能查询"}}}
    shop.page.route("**/of-request/*", lambda route: route.fulfill(**answer), times=1)
    shop.scan(shown_code(city))
    shop.page.locator("#network", has_text="网络中断").wait_for()
    shop.page.reload()
    shop.page.locator("#result", has_text=told).wait_for()
    shop.scan(shown_code(city))
    shop.headline("请收")
    assert statuses() == ["locked"]
    shop.collect()
    assert statuses() == ["redeemed"]
