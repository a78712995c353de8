"""Excel files: inert text, exact amounts, the same bytes for the same cells."""

import io
from decimal import Decimal

import pytest
from python_calamine import CalamineWorkbook

from backend.services import workbooks


def made(*cells: str | int | Decimal | None) -> bytes:
    out = io.BytesIO()
    with workbooks.workbook(out, title="表") as book:
        workbooks.Page(book, "页", [10, 10]).row(*cells)
    return out.getvalue()


def read(content: bytes) -> list[object]:
    page = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    return list(page.to_python()[0])


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "＝1", "＋1", "－1", "＠a"]
)
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert workbooks.inert(text) == f"'{text}"
    assert workbooks.inert(f"a{text}") == f"a{text}"


def test_ids_stay_text_and_amounts_are_exact_numbers() -> None:
    assert workbooks.yuan(8550) == Decimal("85.50")
    assert read(made("0062", 3, workbooks.yuan(8551))) == ["0062", 3.0, 85.51]
    assert read(made("=1+1")) == ["'=1+1"]
    assert read(made("https://example.com"))[0] == "https://example.com"


def test_the_same_cells_are_the_same_bytes() -> None:
    assert made("a", 1) == made("a", 1)
    assert made("a", 1) != made("a", 2)
