"""The provider's own record of a day, fetched by the job and laid beside our books."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backend import clock
from backend.clock import CHINA
from backend.gateways.standins.wechat_pay_api import DOWNLOAD
from backend.services import payment_states, reconciliation
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from tests.factories import rows
from tests.integration.rails.conftest import running_unionpay_as_of_opening
from tests.integration.rails.rails import WeChatRail
from tests.integration.rails.test_refunds import until_paid_back
from tests.integration.rails.town import BILL_JOBS, PAYABLE_FEN, Town
from tests.load.proxy import Line
from tests.providers import paid
from tests.unionpay_parts import UnionPayStandin
from tests.wechat_pay_parts import PayStandin
from tests.wechat_pay_parts import running_standin as running_wechat_pay

HALF_FEN, HALF_OF_CUSTOMER_FEN = 16_000, 11_500


def to_next_morning(town: Town) -> None:
    """To half past ten of the next day, when bills are asked for."""
    now = clock.now().astimezone(CHINA)
    town.set_time((now + timedelta(days=1)).replace(hour=10, minute=30, second=0, microsecond=0))
    town.run(*BILL_JOBS)


def sums_of_yesterday() -> dict[str, tuple[int, int, int]]:
    day = clock.today() - timedelta(days=1)
    (file,) = [one for one in rows(OutsideFile) if one.day == day]
    return {
        one.result: (one.count, one.our_fen, one.their_fen)
        for one in reconciliation.sums_of(file.id)
    }


def differences() -> list[tuple[str, str, str]]:
    return sorted((one.our_number, one.result, one.state) for one in rows(ReconciliationItem))


def paid_and_refunded(town: Town) -> str:
    order_id, clerk = town.redeemed()
    town.refund(order_id, clerk, HALF_FEN)
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    return order_id


@pytest.fixture
def wechat_pay_process(tmp_path: Path) -> Iterator[PayStandin]:
    """A stand-in for each test: a bill tells of all that happened on its day."""
    with running_wechat_pay(tmp_path) as standin:
        yield standin


@pytest.fixture
def unionpay_process(unionpay_keys_dir: Path) -> Iterator[UnionPayStandin]:
    with running_unionpay_as_of_opening(unionpay_keys_dir) as standin:
        yield standin


def test_the_bill_of_a_day_is_fetched_by_the_job_and_agrees(town: Town) -> None:
    paid_and_refunded(town)
    to_next_morning(town)
    assert sums_of_yesterday() == {
        "matched": (2, PAYABLE_FEN - HALF_OF_CUSTOMER_FEN, PAYABLE_FEN - HALF_OF_CUSTOMER_FEN)
    }
    assert differences() == []


def test_what_only_the_provider_knows_and_what_only_we_know_is_on_the_work_list(
    town: Town,
) -> None:
    known, _ = town.redeemed()
    number, fen = town.rail.unheard_of_payment()
    ours = town.at_placard(town.buyer())["order_id"]
    payment_states.record(ours, town.rail.name, paid(PAYABLE_FEN))  # nobody there took it
    to_next_morning(town)
    assert sums_of_yesterday() == {
        "matched": (1, PAYABLE_FEN, PAYABLE_FEN),
        "only_theirs": (1, 0, fen),
        "only_ours": (1, PAYABLE_FEN, 0),
    }
    assert differences() == sorted([(number, "only_theirs", "open"), (ours, "only_ours", "open")])
    assert known not in {number for number, _, _ in differences()}


def test_a_bill_that_cannot_be_had_today_is_fetched_when_the_provider_is_back(
    town: Town, line: Line
) -> None:
    paid_and_refunded(town)
    line.turn("502")
    to_next_morning(town)
    assert rows(OutsideFile) == []
    line.turn("pass")
    town.move(600)
    town.run(*BILL_JOBS)
    assert list(sums_of_yesterday()) == ["matched"]


@pytest.mark.parametrize("rail_name", ["wechat_pay"])
def test_a_file_that_is_not_the_one_announced_is_refused_and_fetched_again(town: Town) -> None:
    assert isinstance(town.rail, WeChatRail)
    paid_and_refunded(town)
    town.rail.standin.mood(DOWNLOAD, "tampered", times=1)
    to_next_morning(town)
    yesterday = clock.today() - timedelta(days=1)
    assert yesterday not in {one.day for one in rows(OutsideFile)}
    town.run(*BILL_JOBS)
    assert list(sums_of_yesterday()) == ["matched"]


@pytest.mark.parametrize("rail_name", ["unionpay"])
def test_a_payment_after_23_oclock_is_of_the_next_days_file_and_no_difference(
    town: Town,
) -> None:
    town.set_time(clock.now().astimezone(CHINA).replace(hour=23, minute=30))
    order_id, _ = town.redeemed()
    to_next_morning(town)
    assert (sums_of_yesterday(), differences()) == ({}, [])
    to_next_morning(town)
    assert sums_of_yesterday() == {"matched": (1, PAYABLE_FEN, PAYABLE_FEN)}
    assert (town.order(order_id).status, differences()) == ("redeemed", [])
