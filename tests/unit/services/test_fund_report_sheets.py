"""The fund report as a workbook, read back by another library."""

import io
from typing import Any

import pytest
from python_calamine import load_workbook

from backend.services.fund_report_sheets import HEADINGS, workbook
from tests.unit.services.report_sample import sample


def cells(report: dict[str, Any] | None = None) -> list[list[object]]:
    book = load_workbook(io.BytesIO(workbook(report or sample())))
    return book.get_sheet_by_index(0).to_python()


def test_amounts_are_numbers_in_yuan_and_ids_are_text() -> None:
    found = cells()
    assert tuple(found[3]) == HEADINGS
    total = dict(zip(HEADINGS, found[4], strict=True))
    assert (total["拨付（承诺）"], total["消费券"]) == (1_105_000, 85_000.01)
    assert (total["份数"], total["领取率"], total["使用率"]) == (5000, "12.5%", "6.0%")
    assert found[7][0] == "Q1-00"


def test_the_floor_and_the_reason_of_a_new_edition_are_told() -> None:
    told = " ".join(str(cell) for row in cells() for cell in row)
    assert "发放下限 200,000.00 元：按已用 85,000.01 元，未达到" in told
    assert "改版原因：迟到的记录" in told
    assert "ab" * 32 in told


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_no_text_becomes_a_formula(first: str) -> None:
    report = sample()
    report["rows"][0] |= {"name": f"{first}1+1"}
    report["reason"] = f"{first}1"
    told = [cell for row in cells(report) for cell in row]
    assert f"'{first}1+1" in told
    assert f"{first}1+1" not in told


def test_the_same_report_gives_the_same_bytes() -> None:
    assert workbook(sample()) == workbook(sample())
