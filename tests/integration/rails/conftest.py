"""Both stand-ins as processes, and a city that is told by them at its own address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.devstack import unionpay_keys
from backend.devstack.processes import free_port
from backend.gateways.payments import registry
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.services import merchants
from tests.conftest import OPENING
from tests.factories import SUPERMARKET, City, MovableClock
from tests.integration.rails.rails import UnionPayRail, WeChatRail
from tests.integration.rails.town import Rail, Town, served
from tests.load.proxy import Line
from tests.unionpay_parts import MERCHANT_NUMBER, UnionPayStandin, running_standin
from tests.wechat_pay_parts import ACCOUNT, PayStandin
from tests.wechat_pay_parts import running_standin as running_wechat_pay

RAILS = ("wechat_pay", "unionpay")


@pytest.fixture(scope="session")
def wechat_pay_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayStandin]:
    with running_wechat_pay(tmp_path_factory.mktemp("wechat-pay")) as standin:
        yield standin


@pytest.fixture(scope="session")
def unionpay_keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unionpay_keys.load_or_make(tmp_path_factory.mktemp("unionpay"))


@contextmanager
def running_unionpay_as_of_opening(keys: Path) -> Iterator[UnionPayStandin]:
    offset_s = OPENING.timestamp() - clock.Clock().now_s()
    with running_standin(keys, clock_offset_s=offset_s) as standin:
        yield standin


@pytest.fixture(scope="session")
def unionpay_process(unionpay_keys_dir: Path) -> Iterator[UnionPayStandin]:
    with running_unionpay_as_of_opening(unionpay_keys_dir) as standin:
        yield standin


@pytest.fixture
def line() -> Iterator[Line]:
    """The line to the stand-in; it can be cut."""
    with Line(free_port()) as made:
        yield made


@pytest.fixture(params=RAILS)
def rail_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def rail(rail_name: str, request: pytest.FixtureRequest) -> Rail:
    """One rail after the other, its stand-in as at the beginning."""
    if rail_name == "wechat_pay":
        standin: PayStandin = request.getfixturevalue("wechat_pay_process")
        standin.reset()
        return WeChatRail(standin)
    unionpay: UnionPayStandin = request.getfixturevalue("unionpay_process")
    unionpay.reset()
    return UnionPayRail(unionpay)


def settings_of(rail: Rail, base_url: str) -> dict[str, Any]:
    if isinstance(rail, WeChatRail):
        return {
            "wechat_pay_mchid": ACCOUNT.mchid,
            "wechat_pay_private_key": ACCOUNT.private_key.encode(),
            "wechat_pay_cert_serial": ACCOUNT.cert_serial,
            "wechat_pay_api_v3_key": ACCOUNT.api_v3_key,
            "wechat_pay_public_key": ACCOUNT.public_key.encode(),
            "wechat_pay_public_key_id": ACCOUNT.public_key_id,
            "wechat_pay_base_url": base_url,
        }
    assert isinstance(rail, UnionPayRail)
    keys: Path = rail.standin.keys
    return {
        "unionpay_merchant_number": MERCHANT_NUMBER,
        "unionpay_private_key": (keys / "merchant.key").read_bytes(),
        "unionpay_cert": (keys / "merchant.pem").read_bytes(),
        "unionpay_root_cert": (keys / "root.pem").read_bytes(),
        "unionpay_middle_cert": (keys / "middle.pem").read_bytes(),
        "unionpay_base_url": base_url,
        "unionpay_file_url": base_url,
    }


@pytest.fixture
def town(
    city: City, moment: MovableClock, rail: Rail, line: Line, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    """The supermarket's rest is collected on the rail, as the application's settings say."""
    line.upstream = rail.url
    with served(city.app) as url:
        settings = replace(city.settings, public_base_url=url, **settings_of(rail, line.url))
        monkeypatch.setitem(city.app.extensions, "settings", settings)
        monkeypatch.setitem(city.app.extensions, "payment_providers", {})
        registry.init_app(city.app, settings)
        provider = registry.provider(rail.name)
        if isinstance(rail, WeChatRail):
            assert isinstance(provider, WeChatPay)
            rail.provider = provider
        merchants.set_payment_provider(SUPERMARKET, rail.name, actor="test", reason="开通线上付款")
        made = Town(city, moment, url, rail)
        made.set_time(clock.now())
        yield made
        made.http.close()
        close = getattr(provider, "disconnect", None) or provider.close_connections
        close()
