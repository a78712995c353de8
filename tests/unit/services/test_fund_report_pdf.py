"""The fund report as a PDF, read back by another library."""

import pypdfium2

from backend.services.fund_report_pdf import COLUMNS_MM, WIDTH_MM, document
from tests.unit.services.report_sample import sample


def texts(campaigns: int) -> list[str]:
    pdf = pypdfium2.PdfDocument(document(sample(campaigns)))
    try:
        return [page.get_textpage().get_text_bounded() for page in pdf]
    finally:
        pdf.close()


def test_a_page_holds_its_rows_the_floor_and_the_boxes_to_sign() -> None:
    (page,) = texts(3)
    for wanted in ("合计", "1105000.00", "85000.01", "12.5%", "未达到", "编制人", "财政部门"):
        assert wanted in page


def test_more_rows_go_on_another_page_with_the_headings_again_and_none_is_lost() -> None:
    pages = texts(60)
    assert len(pages) == 3
    assert all("过期退回" in page for page in pages[:2])
    assert sum(page.count("年货大集券") for page in pages) == 20
    assert sum(page.count("编制人") for page in pages) == 1


def test_the_columns_fit_the_page() -> None:
    assert sum(COLUMNS_MM) <= WIDTH_MM - 16


def test_the_same_report_gives_the_same_bytes() -> None:
    assert document(sample()) == document(sample())
