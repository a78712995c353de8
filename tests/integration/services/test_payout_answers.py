"""Reading a bank's answer: exactly, or refused with the line."""

import io
from dataclasses import replace
from datetime import date

import pytest
import xlsxwriter

from backend.domain.payouts import ReturnFileRefused, ReturnLayout
from backend.services import payout_answers, payout_layouts
from backend.services.payout_answers import UNEXPLAINED

LAYOUT = payout_layouts.read(payout_layouts.SAMPLE.read_bytes()).answer
HEAD = "序号|结算单号|金额|结果|流水号|日期|原因\n"
GOOD = "1|S-1|10.00|成功|2023050300017|20230503|\n"


def faults(content: bytes, layout: ReturnLayout = LAYOUT) -> list[tuple[object, object]]:
    with pytest.raises(ReturnFileRefused) as refused:
        payout_answers.read(layout, content)
    return [(f["line"], f["where"]) for f in refused.value.details["faults"]]  # type: ignore[attr-defined]


def test_paid_and_failed_lines_are_read_and_empty_ones_left_out() -> None:
    text = HEAD + GOOD + "\r\n2|S-2|8.5|失败|||户名不符\n3|S-3|7|失败|||\n"
    paid, failed, unexplained = payout_answers.read(LAYOUT, text.encode("gbk"))
    assert (paid.amount_fen, paid.serial, paid.day) == (1000, "2023050300017", date(2023, 5, 3))
    assert (failed.file_line, failed.amount_fen, failed.reason) == (4, 850, "户名不符")
    assert (failed.serial, failed.day, unexplained.reason) == (None, None, UNEXPLAINED)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("1|S-1|1,000.00|成功|9|20230503|", "金额"),
        ("1|S-1|10.005|成功|9|20230503|", "金额"),
        ("1|S-1|1E+3|成功|9|20230503|", "金额"),
        ("1|S-1|-10.00|成功|9|20230503|", "金额"),
        ("1|S-1|10.00|已受理|9|20230503|", "结果"),
        ("1|S-1|10.00|成功|9|2023-13-03|", "日期"),
        ("x|S-1|10.00|成功|9|20230503|", "序号"),
        ("１|S-1|10.00|成功|9|20230503|", "序号"),
        ("1|S-1|10.00|成功|9", "列数"),
        ("1|S-1|10.00|成功|9|20230503||more", "列数"),
    ],
)
def test_a_line_that_is_not_exact_is_refused_by_its_number(line: str, where: str) -> None:
    assert faults((HEAD + GOOD + line + "\n").encode("gbk")) == [(3, where)]


def test_a_file_in_another_encoding_or_without_lines_is_refused() -> None:
    assert (1, "编码") in faults((HEAD + GOOD).encode())
    assert faults(HEAD.encode("gbk")) == [(1, "文件")]
    assert faults(b"no workbook", replace(LAYOUT, format="xlsx")) == [(1, "文件")]


def test_excel_is_read_and_a_serial_that_became_a_number_is_refused() -> None:
    layout = replace(LAYOUT, format="xlsx")

    def book(serial: object) -> bytes:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as made:
            sheet = made.add_worksheet()
            sheet.write_row(0, 0, HEAD.strip().split("|"))
            sheet.write_row(1, 0, [1, "S-1", 10.5, "成功", serial, 20230503, ""])
        return out.getvalue()

    (outcome,) = payout_answers.read(layout, book("008980000000000001"))
    assert (outcome.amount_fen, outcome.serial) == (1050, "008980000000000001")
    assert (2, "serial") in faults(book(8.98e14), layout)
