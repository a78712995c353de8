"""The stand-in of WeChat Pay, and providers that speak to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_http import Account
from tests.wechat_pay_parts import ACCOUNT, PayStandin, Told, running_standin, told_over_http

MakePay = Callable[..., WeChatPay]


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
