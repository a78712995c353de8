"""Reconciliation's own rules: what is late, what wants a reason, how faults are told."""

from datetime import date, datetime, timedelta

import pytest

from backend.domain.china import CHINA
from backend.domain.reconciliation import (
    DIFFERENCE_NAMES,
    FILE_KINDS,
    KIND_NAMES,
    LATE_AFTER_DAYS,
    PROVIDER_OF,
    RESULT_NAMES,
    RESULTS,
    Fault,
    FileKind,
    OutsideFileRefused,
    OutsideRecord,
    ReasonNeeded,
    RecordType,
    bounds_of_file,
    checked_reason,
    differs_text,
    is_late,
)

DAY = date(2023, 4, 28)


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_file_is_in_time_to_the_end_of_its_last_day_and_late_from_the_next(
    kind: FileKind,
) -> None:
    last = DAY + timedelta(days=LATE_AFTER_DAYS[kind])
    assert not is_late(kind, DAY, taken=last)
    assert is_late(kind, DAY, taken=last + timedelta(days=1))


def test_unionpays_day_runs_from_23_to_23_and_every_other_from_midnight_to_midnight() -> None:
    midnight = datetime(2023, 4, 28, tzinfo=CHINA)
    assert bounds_of_file("wechat_bill", DAY) == (midnight, midnight + timedelta(days=1))
    start, end = bounds_of_file("unionpay_zm", DAY)
    assert (start, end) == (midnight - timedelta(hours=1), midnight + timedelta(hours=23))


def test_every_kind_and_result_has_its_chinese_name_and_providers_differ() -> None:
    assert set(KIND_NAMES) == set(FILE_KINDS)
    assert set(RESULT_NAMES) == set(RESULTS)
    assert len(set(PROVIDER_OF.values())) == len(PROVIDER_OF)


def test_faults_are_told_by_line_whatever_their_order() -> None:
    refused = OutsideFileRefused(
        [Fault(line=7, where="商户号", reason="b"), Fault(line=2, where="终端号", reason="a")]
    )
    faults = refused.details["faults"]
    assert faults == [
        {"line": 2, "where": "终端号", "reason": "a"},
        {"line": 7, "where": "商户号", "reason": "b"},
    ]


@pytest.mark.parametrize("text", [None, "", "  ", "\n"])
def test_a_reason_is_more_than_blanks(text: str | None) -> None:
    with pytest.raises(ReasonNeeded):
        checked_reason(text)
    assert checked_reason(" 银行更正 ") == "银行更正"


def test_what_differs_is_told_in_chinese() -> None:
    assert differs_text("amount day") == "金额、日期"
    assert differs_text("") == ""
    assert differs_text(" ".join(DIFFERENCE_NAMES)).count("、") == len(DIFFERENCE_NAMES) - 1


@pytest.mark.parametrize(("kind", "sign"), [("payment", 1), ("refund", -1), ("reversal", -1)])
def test_a_sum_counts_what_went_back_as_negative(kind: RecordType, sign: int) -> None:
    record = OutsideRecord(
        line=2, type=kind, our_number="n", at=datetime(2023, 4, 28, tzinfo=CHINA), amount_fen=5
    )
    assert record.signed_fen == 5 * sign
