"""The stand-ins of WeChat Pay and UnionPay, and providers that speak to them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.devstack import unionpay_keys
from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_http import Account
from tests.conftest import OPENING
from tests.unionpay_parts import UnionPayStandin, provider_of
from tests.unionpay_parts import running_standin as running_unionpay
from tests.wechat_pay_parts import ACCOUNT, PayStandin, Told, running_standin, told_over_http

MakePay = Callable[..., WeChatPay]
MakeUnionPay = Callable[..., UnionPay]


@pytest.fixture(scope="session")
def pay_standin_process(workspace: Path) -> Iterator[PayStandin]:
    with running_standin(workspace) as standin:
        yield standin


@pytest.fixture
def pay_standin(pay_standin_process: PayStandin) -> PayStandin:
    pay_standin_process.reset()
    return pay_standin_process


@pytest.fixture
def told() -> Iterator[Told]:
    with told_over_http() as place:
        yield place


@pytest.fixture
def make_pay(pay_standin: PayStandin, told: Told) -> Iterator[MakePay]:
    made: list[WeChatPay] = []

    def make(account: Account = ACCOUNT, **changed: Any) -> WeChatPay:
        given: dict[str, Any] = {
            "base_url": pay_standin.base_url,
            "notify_url": told.url,
            "timeout_s": (1.0, 3.0),
        }
        made.append(WeChatPay(account, **{**given, **changed}))
        return made[-1]

    yield make
    for provider in made:
        provider.disconnect()


@pytest.fixture
def pay(make_pay: MakePay, told: Told) -> WeChatPay:
    told.provider = make_pay()
    return told.provider


@pytest.fixture(scope="session")
def unionpay_keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unionpay_keys.load_or_make(tmp_path_factory.mktemp("unionpay"))


@pytest.fixture(scope="session")
def clock_offset_s() -> float:
    """To a forenoon, so that no test meets midnight."""
    return OPENING.timestamp() - clock.Clock().now_s()


@pytest.fixture
def same_clock(clock_offset_s: float) -> Iterator[Callable[[timedelta], datetime]]:
    """Our clock runs as the stand-in's; call it to move ours on."""
    clock.use(clock.Clock(clock_offset_s))

    def move(by: timedelta) -> datetime:
        clock.use(clock.Clock(clock_offset_s + by.total_seconds()))
        return clock.now()

    yield move
    clock.use(clock.Clock())


@pytest.fixture(scope="session")
def unionpay_process(unionpay_keys_dir: Path, clock_offset_s: float) -> Iterator[UnionPayStandin]:
    with running_unionpay(unionpay_keys_dir, clock_offset_s=clock_offset_s) as standin:
        yield standin


@pytest.fixture
def unionpay_standin(
    unionpay_process: UnionPayStandin, same_clock: Callable[[timedelta], datetime]
) -> UnionPayStandin:
    unionpay_process.reset()
    return unionpay_process


@pytest.fixture
def make_unionpay(unionpay_standin: UnionPayStandin) -> Iterator[MakeUnionPay]:
    made: list[UnionPay] = []

    def make(**changed: Any) -> UnionPay:
        given = {"base_url": unionpay_standin.base_url, **changed}
        made.append(provider_of(unionpay_standin.keys, **given))
        return made[-1]

    yield make
    for one in made:
        one.close_connections()


@pytest.fixture
def unionpay(make_unionpay: MakeUnionPay) -> UnionPay:
    return make_unionpay()
