"""The bank's form: delimited or fixed, nothing cut, amounts exact."""

from dataclasses import replace
from datetime import date

import pytest

from backend.domain.merchant_steps import STATUS_NAMES
from backend.domain.payouts import (
    Column,
    Layout,
    PayoutFileUnwritable,
    PayoutOrder,
    ReturnLayout,
    fen_of,
    frame_faults,
    text_file,
    waits_when_returned,
)

DAY = date(2023, 5, 3)
ORDER = PayoutOrder(
    line_number=1,
    sheet_id="TJ0003-20230502-1",
    holder="家乐购",
    bank="同江支行",
    account_number="62220003",
    amount_fen=123_456,
)
ANSWER = ReturnLayout(
    format="delimited",
    encoding="gbk",
    delimiter="|",
    skip_first=0,
    skip_last=0,
    columns=("line_number", "outcome", "amount_fen"),
    paid=("S",),
    failed=("F",),
    day_format="%Y%m%d",
)
FIXED = Layout(
    name="fixed",
    format="fixed",
    encoding="gbk",
    delimiter="|",
    line_end="\n",
    titles=False,
    header="H{count:06d}{sum_fen:015d}",
    footer=None,
    remark="",
    columns=(
        Column(field="line_number", title="", width=4, align="right", pad="0"),
        Column(field="holder", title="", width=8),
        Column(field="amount_fen", title="", width=10, align="right", pad="0"),
        Column(field="account_number", title="", width=10),
    ),
    answer=ANSWER,
)


def test_a_fixed_file_counts_width_in_bytes_of_its_encoding() -> None:
    made = text_file(FIXED, [ORDER], number="B1", day=DAY)
    assert made == "H000001000000000123456\n0001家乐购  000012345662220003  \n".encode("gbk")
    assert made == text_file(FIXED, [ORDER], number="B1", day=DAY)


def test_what_is_longer_than_its_field_is_refused_and_never_cut() -> None:
    for change in ({"holder": "家乐购店"}, {"account_number": "6" * 10}):
        text_file(FIXED, [replace(ORDER, **change)], number="B1", day=DAY)  # type: ignore[arg-type]
    for change in ({"holder": "家乐购店a"}, {"account_number": "6" * 11}):
        with pytest.raises(PayoutFileUnwritable):
            text_file(FIXED, [replace(ORDER, **change)], number="B1", day=DAY)  # type: ignore[arg-type]


@pytest.mark.parametrize("holder", ["家|乐", "家\n乐", "家\u2028乐", "𠮷"])
def test_a_field_that_would_break_its_line_is_refused(holder: str) -> None:
    delimited = replace(FIXED, format="delimited")
    with pytest.raises(PayoutFileUnwritable):
        text_file(delimited, [replace(ORDER, holder=holder)], number="B1", day=DAY)


def test_a_number_is_in_no_text_of_an_order() -> None:
    assert ORDER.account_number not in repr(ORDER)


@pytest.mark.parametrize(
    ("text", "yuan", "fen"),
    [
        ("85.5", True, 8550),
        ("85.50", True, 8550),
        ("85", True, 8500),
        ("85.500", True, 8550),
        ("8550", False, 8550),
        ("0.01", True, 1),
    ],
)
def test_an_amount_is_read_exactly(text: str, yuan: bool, fen: int) -> None:
    assert fen_of(text, yuan=yuan) == fen


@pytest.mark.parametrize("text", ["85.505", "1,000", "8.55E+1", "", "-1", "+1", "８５", " 1", "1."])
def test_an_amount_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"plain|fen"):
        fen_of(text, yuan=True)


def test_a_header_or_remark_that_names_something_unknown_is_a_fault() -> None:
    assert frame_faults(FIXED) == []
    wrong = replace(FIXED, header="{nobody}", footer="{count", remark="{day}")
    assert len(frame_faults(wrong)) == 3


def test_only_a_disqualified_merchants_returned_payment_waits_for_a_look() -> None:
    assert [each for each in STATUS_NAMES if waits_when_returned(each)] == ["disqualified"]  # type: ignore[arg-type]  # its keys are statuses
