"""A4 pages of tables: titles on every page, nothing over the edge."""

import pypdfium2

from merchant_qr.report import Report


def made(rows: int, text: str = "家乐购") -> bytes:
    report = Report(title="结算单 S-1")
    report.heading("消费券结算单", ["商户：家乐购"])
    report.table(("序号", "名称"), (20, 60), [(str(n), text) for n in range(rows)])
    return report.finish()


def texts(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_range() for page in document]


def test_a_table_goes_on_over_pages_with_its_titles_and_page_numbers() -> None:
    pages = texts(made(100))
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert "名称" in page
        assert f"第{number}页" in "".join(page.split())
    assert "商户：家乐购" in pages[0]
    assert sum(page.count("家乐购") for page in pages) == 101


def test_the_same_rows_are_the_same_bytes() -> None:
    assert made(3) == made(3)
    assert made(3) != made(4)


def test_a_text_wider_than_its_column_ends_in_dots() -> None:
    (page,) = texts(made(1, "很长的名称" * 12))
    assert "…" in page
    assert "很长的名称" * 12 not in page
