"""A refund's two parts: pro rata, half up, and never more than what is left."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import InvalidRequest
from backend.domain.money import MAX_AMOUNT_FEN
from backend.domain.refunds import (
    Paid,
    RefundAboveOrder,
    RefundTooLate,
    check_number,
    refund_id,
    refuse_late,
    restores_voucher,
    reversal_payback_id,
    split,
)

AT = datetime(2023, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("order_fen", "payable_fen", "refund_fen", "customer_fen"),
    [
        (1000, 700, 900, 630),  # 9 × 7 ÷ 10 = 6.3 yuan
        (10_000, 8_000, 5_000, 4_000),  # 50 × 80 ÷ 100 = 40 yuan
        (2, 1, 1, 1),  # half a fen goes up, to the customer
        (1000, 1, 499, 0),
        (1000, 1, 500, 1),
        (100, 0, 40, 0),  # the voucher paid it all
    ],
)
def test_the_customer_gets_his_part_pro_rata_half_up(
    order_fen: int, payable_fen: int, refund_fen: int, customer_fen: int
) -> None:
    parts = split(Paid(order_amount_fen=order_fen, payable_fen=payable_fen), refund_fen)
    assert (parts.customer_fen, parts.subsidy_fen) == (customer_fen, refund_fen - customer_fen)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[int, int, list[int]]:
    """An order, what of it the customer paid, and refunds that together are the whole of it."""
    order_fen = draw(st.one_of(st.integers(1, 200), st.integers(1, MAX_AMOUNT_FEN)))
    payable_fen = draw(st.integers(0, order_fen))
    few = st.one_of(st.integers(0, order_fen), st.integers(0, min(order_fen, 3)))
    cuts = sorted(draw(st.lists(few, max_size=49)))
    amounts = [b - a for a, b in zip([0, *cuts], [*cuts, order_fen], strict=True)]
    return order_fen, payable_fen, [fen for fen in amounts if fen]


@given(sequences())
def test_all_parts_of_an_order_sum_exactly_to_what_each_side_paid(
    case: tuple[int, int, list[int]],
) -> None:
    order_fen, payable_fen, amounts = case
    refunded_fen = customer_fen = 0
    for number, fen in enumerate(amounts, start=1):
        paid = Paid(
            order_amount_fen=order_fen,
            payable_fen=payable_fen,
            refunded_fen=refunded_fen,
            customer_refunded_fen=customer_fen,
        )
        parts = split(paid, fen)
        assert min(parts.customer_fen, parts.subsidy_fen) >= 0
        assert parts.customer_fen + parts.subsidy_fen == fen
        refunded_fen += fen
        customer_fen += parts.customer_fen
        assert customer_fen <= payable_fen
        assert refunded_fen - customer_fen <= order_fen - payable_fen
        if number == 1 and fen < order_fen:
            assert abs(2 * (parts.customer_fen * order_fen - fen * payable_fen)) <= order_fen
    assert (refunded_fen, customer_fen) == (order_fen, payable_fen)


@pytest.mark.parametrize("fen", [-1, 0, 801])
def test_neither_nothing_nor_more_than_is_left_is_refunded(fen: int) -> None:
    paid = Paid(order_amount_fen=1000, payable_fen=700, refunded_fen=200, customer_refunded_fen=140)
    with pytest.raises(RefundAboveOrder):
        split(paid, fen)
    assert split(paid, 800).customer_fen == 560


def test_a_refund_is_in_time_for_365_days_and_not_a_moment_more() -> None:
    refuse_late(redeemed_at=AT, now=AT + timedelta(days=365))
    with pytest.raises(RefundTooLate):
        refuse_late(redeemed_at=AT, now=AT + timedelta(days=365, microseconds=1))


@pytest.mark.parametrize(
    ("policy", "whole", "early", "restored"),
    [
        ("restore_within_validity", True, True, True),
        ("restore_within_validity", True, False, False),
        ("restore_within_validity", False, True, False),
        ("voucher_stays_used", True, True, False),
    ],
)
def test_only_a_whole_refund_within_validity_restores_and_where_the_policy_says_so(
    policy: str, whole: bool, early: bool, restored: bool
) -> None:
    until = AT + timedelta(seconds=1 if early else 0)
    found = restores_voucher(policy=policy, whole_at_once=whole, valid_until=until, now=AT)
    assert found is restored


def test_a_refunds_number_at_a_provider_is_32_letters_and_digits_and_always_the_same() -> None:
    ids = {refund_id("merchant:TJ0003", "r-1"), refund_id("staff", "r-1"), reversal_payback_id("o")}
    assert len(ids) == 3
    assert all(len(id_) == 32 and id_.isalnum() for id_ in ids)
    assert refund_id("staff", "r-1") in ids


@pytest.mark.parametrize("number", ["1234567", "x" * 65, "refund 1", "退款单号一二三四"])
def test_a_number_of_another_form_is_refused(number: str) -> None:
    with pytest.raises(InvalidRequest):
        check_number(number)
    check_number("refund-1")
