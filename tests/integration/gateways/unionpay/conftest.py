"""UnionPay's stand-in as a process, both on one clock of development, and providers to it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.devstack import unionpay_keys
from backend.gateways.payments.unionpay import UnionPay
from tests.conftest import OPENING
from tests.unionpay_parts import UnionPayStandin, provider_of, running_standin

MakeUnionPay = Callable[..., UnionPay]


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
    with running_standin(unionpay_keys_dir, clock_offset_s=clock_offset_s) as standin:
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
