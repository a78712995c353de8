"""A shop that a provider pays: the third field of its desk, and the wait for the word."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backend import clock
from backend.devstack import unionpay_keys
from backend.gateways.payments import registry
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from backend.services import merchants
from backend.storage.models.orders import Order
from tests.browser.conftest import OpenShop
from tests.browser.desk_parts import shown_code
from tests.conftest import OPENING
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.rails.conftest import settings_of
from tests.integration.rails.rails import UnionPayRail
from tests.integration.rails.town import Town
from tests.unionpay_parts import UnionPayStandin, payer_code, running_standin


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnionPayStandin]:
    """UnionPay's stand-in as a process of its own, at the time of the opening."""
    keys = unionpay_keys.load_or_make(tmp_path_factory.mktemp("unionpay"))
    offset_s = OPENING.timestamp() - clock.Clock().now_s()
    with running_standin(keys, clock_offset_s=offset_s) as made:
        yield made


@pytest.fixture
def town(
    city: City,
    moment: MovableClock,
    desk_site: str,
    standin: UnionPayStandin,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Town]:
    """The supermarket's rest is collected by UnionPay."""
    standin.reset()
    rail = UnionPayRail(standin)
    settings = replace(city.settings, public_base_url=desk_site, **settings_of(rail, rail.url))
    monkeypatch.setitem(city.app.extensions, "settings", settings)
    monkeypatch.setitem(city.app.extensions, "payment_providers", {})
    registry.init_app(city.app, settings)
    merchants.set_payment_provider(SUPERMARKET, "unionpay", actor="test", reason="开通线上付款")
    made = Town(city, moment, desk_site, rail)
    made.set_time(clock.now())
    yield made
    made.http.close()
    registry.provider("unionpay").close_connections()  # type: ignore[attr-defined]  # its own


def test_the_wallet_is_scanned_third_and_the_till_waits_until_the_provider_says_paid(
    city: City, town: Town, standin: UnionPayStandin, open_shop: OpenShop
) -> None:
    standin.behave(takes_s=5)
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    assert shop.focused() == "payer"
    shop.scan(payer_code())
    shop.headline("等待顾客付款")
    assert shop.page.inner_text("#big") == "¥90.00"
    assert shop.page.locator("#confirm").is_disabled()  # only the provider knows
    shop.eyes.look()
    shop.page.reload()  # the same sale goes on
    shop.headline("等待顾客付款")
    (order,) = rows(Order)
    town.ask_until(order.id, "redeemed")
    shop.headline("收款完成")
    assert shop.focused() == "amount"


def test_an_unclear_payment_is_waited_for_and_never_shown_as_failed(
    city: City, town: Town, standin: UnionPayStandin, open_shop: OpenShop
) -> None:
    standin.spoil("lost", path=BACK_PATH)
    standin.fault(QUERY_PATH, "close", times=2)
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    shop.scan(payer_code())
    shop.headline("付款结果待确认，请稍候，不要重复收款")
    shop.eyes.look()
    (order,) = rows(Order)
    town.ask_until(order.id, "redeemed")
    shop.headline("收款完成")


def test_who_collects_himself_leaves_the_third_field_empty(
    city: City, town: Town, open_shop: OpenShop
) -> None:
    shop = open_shop()
    shop.enter("100")
    shop.scan(shown_code(city))
    assert shop.focused() == "payer"
    shop.page.wait_for_timeout(100)  # longer than the two ends of one scan
    shop.page.keyboard.press("Enter")
    shop.collect()
