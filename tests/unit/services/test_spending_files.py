"""Files of earlier spending: CSV of two encodings, XLSX, and nothing repaired."""

import io
from datetime import date

import pytest
import xlsxwriter

from backend.domain.spending import COLUMNS, SpendingFileRefused
from backend.services import spending_files
from backend.services.spending_files import read_rows

HEAD = ",".join(COLUMNS)


def workbook(*rows: tuple[object, ...]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for line, row in enumerate((COLUMNS, *rows)):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(line, column, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(line, column, cell)
                else:
                    sheet.write(line, column, cell)
    return out.getvalue()


def reason(content: bytes, name: str = "x.csv") -> str:
    with pytest.raises(SpendingFileRefused) as refused:
        read_rows(content, name)
    return str(refused.value.details["faults"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_csv_is_read_in_each_encoding_with_the_lines_of_the_file(encoding: str) -> None:
    text = f'{HEAD}\r\n1,2023-01-15,85.50,"家乐购,一店",\r\n,,,,\r\n2,2023-01-16,1,x, y \r\n'
    assert read_rows(text.encode(encoding), "x.csv") == [
        (2, ["1", "2023-01-15", "85.50", "家乐购,一店", ""]),
        (4, ["2", "2023-01-16", "1", "x", "y"]),
    ]


def test_an_xlsx_is_read_with_dates_and_amounts_as_numbers() -> None:
    content = workbook(
        ("2023-001", date(2023, 1, 15), 85.5, "家乐购", ""),
        ("", "", "", "", ""),
        ("2", "2023-01-16", 100, "x", "y"),
    )
    assert read_rows(content, "X.XLSX") == [
        (2, ["2023-001", "2023-01-15", "85.5", "家乐购"] + [""]),
        (4, ["2", "2023-01-16", "100", "x", "y"]),
    ]


def test_a_number_that_excel_keeps_as_a_number_is_no_voucher_number() -> None:
    content = workbook((898_000_000_000_000, "2023-01-15", 85.125, "x", ""))
    ((_, cells),) = read_rows(content, "x.xlsx")
    assert cells[0].startswith("（数字格式")
    assert cells[2] == "85.125"  # refused later: more than two decimals


def test_what_is_no_such_file_is_refused() -> None:
    assert "第一行应为" in reason(b"a,b\n1,2\n")
    assert "第一行应为" in reason(b"")
    assert "不可读" in reason(HEAD.encode() + b"\n\0")
    assert "编码" in reason(b"\xff\xff\xff\xff")
    assert "引号" in reason(HEAD.encode() + b'\n"1')
    assert "XLSX" in reason(b"PK\x03\x04broken", "x.xlsx")
    assert "XLSX" in reason(HEAD.encode(), "x.xlsx")


def test_files_beyond_the_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending_files, "MAX_ROWS", 2)
    rows = "\n".join([HEAD, *["1,2,3,4,5"] * 2])
    assert len(read_rows(rows.encode(), "x.csv")) == 2
    assert "行" in reason(f"{rows}\n1,2,3,4,5".encode())
    monkeypatch.setattr(spending_files, "MAX_UNPACKED_BYTES", 100)
    assert "展开" in reason(workbook(), "x.xlsx")
    monkeypatch.setattr(spending_files, "MAX_BYTES", 10)
    assert "MB" in reason(rows.encode())
