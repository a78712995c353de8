"""One value says how a cell is shown and how a spreadsheet keeps it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from backend.edge.console import cells
from backend.edge.console.cells import Badge, Cell, Link, Money, Ratio


@pytest.mark.parametrize(
    ("cell", "shown", "exported"),
    [
        (Money(123_456_705), "1,234,567.05", Decimal("1234567.05")),
        (Money(5), "0.05", Decimal("0.05")),
        (Money(-100_050), "-1,000.50", Decimal("-1000.50")),
        (Ratio(1, 3, 100), "33.33", Decimal("33.33")),
        (Ratio(5_000, 4), "1,250.00", Decimal("1250.00")),
        (Ratio(1, 0), "—", None),
        (12_345, "12,345", 12_345),
        (0, "0", 0),
        ("", "—", "—"),
        (None, "—", None),
        ("=1+1", "=1+1", "=1+1"),  # dead in a file: workbooks.inert
        (datetime(2023, 4, 28, 2, 0, 1, tzinfo=UTC), "2023-04-28 10:00:01", "2023-04-28 10:00:01"),
        (date(2023, 4, 28), "2023-04-28", "2023-04-28"),
        (Badge("已停用", "bad"), "已停用", "已停用"),
        (Link("家乐购", "home.page"), "家乐购", "家乐购"),
    ],
)
def test_a_cell(cell: Cell, shown: str, exported: object) -> None:
    assert cells.shown(cell) == shown
    assert cells.exported(cell) == exported


def test_amounts_and_counts_stand_at_the_right() -> None:
    assert [cells.is_number(c) for c in (Money(1), 1, "1", None)] == [True, True, False, False]
