"""Records of earlier spending: read whole, or every fault named by its line."""

from datetime import date

import pytest

from backend.domain.spending import Bounds, SpendingFileRefused, read_records

BOUNDS = Bounds(years=frozenset([2023]), today=date(2023, 4, 28), quarter="Q1")
GOOD = ("2023-001", "2023-01-15", "85.5", "家乐购", "")


def faults(*rows: tuple[str, ...]) -> list[tuple[int, str]]:
    with pytest.raises(SpendingFileRefused) as refused:
        read_records(enumerate(rows, start=2), BOUNDS)
    found = refused.value.details["faults"]
    return [(fault["line"], fault["where"]) for fault in found]  # type: ignore[attr-defined]


def test_a_record_keeps_its_own_day_and_is_read_into_fen() -> None:
    (record,) = read_records([(2, GOOD)], BOUNDS)
    assert (record.business_day, record.amount_fen) == (date(2023, 1, 15), 8550)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *((0, text) for text in ("", "8.98E+14", "（数字格式 1.0）", "a b", "=1", "x" * 65)),
        *((1, text) for text in ("2023/1/15", "2023-02-30", "45000", "2022-03-31", "2023-04-01")),
        *((2, text) for text in ("0", "-1", "1,000", "1.005", "1000000.01", "1e3", "")),
        *((3, text) for text in ("", "店\n名", "长" * 101)),
        (4, "\x00"),
    ],
)
def test_a_cell_that_is_not_plainly_right_is_refused_with_its_line(column: int, text: str) -> None:
    row = (*GOOD[:column], text, *GOOD[column + 1 :])
    names = ("凭证号", "日期", "金额", "收款方", "备注")
    assert faults(GOOD, row if column == 0 else ("OTHER", *row[1:])) == [(3, names[column])]


def test_all_faults_of_a_file_are_named_at_once() -> None:
    other = ("2023-002", "x", "y", "家乐购", "")
    assert faults(GOOD, other, GOOD, ("short",)) == [
        *((3, "日期"), (3, "金额")),
        *((4, "凭证号"), (5, "列")),
    ]


def test_the_last_day_of_the_quarter_and_today_are_allowed_and_an_empty_file_is_not() -> None:
    read_records([(2, ("1", "2023-03-31", "1", "x", ""))], BOUNDS)
    whole_year = Bounds(years=BOUNDS.years, today=BOUNDS.today, quarter=None)
    read_records([(2, ("1", "2023-04-28", "1000000", "x", ""))], whole_year)
    with pytest.raises(SpendingFileRefused):
        read_records([(2, ("1", "2023-04-29", "1", "x", ""))], whole_year)
    assert faults() == [(1, "文件")]
