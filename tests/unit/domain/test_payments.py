"""Who collects, when is asked again, and what is asked."""

from datetime import datetime, timedelta

import pytest

from backend.domain.china import CHINA
from backend.domain.payments import (
    PaymentWayNotOffered,
    act_for,
    case_refund_id,
    chosen_provider,
    next_query_at,
    query_delay,
)

NOW = datetime(2023, 4, 28, 10, 1, tzinfo=CHINA)
END = NOW + timedelta(seconds=300)


@pytest.mark.parametrize(
    ("merchants", "campaigns", "way", "chosen"),
    [
        ("at_till", None, {"at_placard": True}, "at_till"),
        ("wechat_pay", None, {"at_placard": True}, "wechat_pay"),
        ("wechat_pay", "unionpay", {"at_placard": True}, "unionpay"),
        ("wechat_pay", "at_till", {"at_placard": True}, "at_till"),
        ("at_till", "unionpay", {"at_placard": True}, "unionpay"),
        ("wechat_pay", None, {"at_placard": False}, "at_till"),
        ("wechat_pay", "at_till", {"at_placard": False}, "at_till"),
        ("wechat_pay", None, {"at_placard": False, "wallet": "unionpay"}, "unionpay"),
        ("wechat_pay", None, {"at_placard": False, "wallet": "wechat"}, "wechat_pay"),
        ("at_till", "unionpay", {"at_placard": False, "wallet": "unionpay"}, "unionpay"),
        ("wechat_pay", None, {"at_placard": False, "code_wanted": True}, "wechat_pay"),
        ("at_till", None, {"at_placard": False, "wallet": "wechat"}, None),
        ("wechat_pay", "at_till", {"at_placard": False, "wallet": "wechat"}, None),
        ("wechat_pay", "unionpay", {"at_placard": False, "wallet": "wechat"}, None),
        ("wechat_pay", None, {"at_placard": False, "wallet": "alipay"}, None),
        ("at_till", None, {"at_placard": False, "code_wanted": True}, None),
        ("wechat_pay", "unionpay", {"at_placard": False}, None),
    ],
)
def test_the_campaigns_provider_wins_and_a_wallet_decides_by_itself(
    merchants: str, campaigns: str | None, way: dict[str, object], chosen: str | None
) -> None:
    def choose() -> str:
        return chosen_provider(merchants=merchants, campaigns=campaigns, **way)  # type: ignore[arg-type]

    if chosen is None:
        with pytest.raises(PaymentWayNotOffered):
            choose()
    else:
        assert choose() == chosen


def test_a_provider_is_asked_after_1_2_4_8_16_32_seconds_and_then_each_minute() -> None:
    waits = [query_delay(attempts, every_s=60).total_seconds() for attempts in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert query_delay(5, every_s=10).total_seconds() == 10


def test_the_next_question_is_never_later_than_the_locks_end() -> None:
    at = END - timedelta(seconds=59)
    assert next_query_at(at, attempts=9, every_s=60, lock_expires_at=END) == END
    late = next_query_at(END, attempts=9, every_s=60, lock_expires_at=END)
    assert late == END + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("after_s", "scanned", "end", "act"),
    [
        (299.9, False, False, "query"),
        (300, False, False, "close"),
        (1, False, True, "close"),
        (299.9, True, False, "query"),
        (300, True, False, "reverse"),
        (14.9, True, True, "query"),
        (15, True, True, "reverse"),
    ],
)
def test_an_open_charge_is_queried_until_its_lock_ends_and_a_scanned_one_is_reversed_after_15_s(
    after_s: float, scanned: bool, end: bool, act: str
) -> None:
    at = NOW + timedelta(seconds=after_s)
    asked = act_for(at, lock_expires_at=END, scanned=scanned, charged_at=NOW, end=end)
    assert asked == act


def test_the_refunds_of_one_order_have_different_numbers_that_every_provider_takes() -> None:
    order_id = "0" * 32
    kinds = ("wrong_amount", "paid_after_release", "merchant_disqualified", "foreign_refund")
    numbers = {case_refund_id(order_id, kind) for kind in kinds}  # type: ignore[arg-type]
    assert len(numbers | {order_id}) == 5
    assert all(number.isalnum() and len(number) == 32 for number in numbers)
