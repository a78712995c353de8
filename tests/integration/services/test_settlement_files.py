"""A sheet as Excel and PDF: read back as the merchant's own programs read it."""

import io
from typing import Any

import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from backend.domain.errors import NotFound
from backend.services import settlement_files, settlements
from backend.storage.models.merchants import Merchant
from backend.storage.sql import transaction
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock
from tests.settling import approved, drafted


def pages(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_excel_has_sums_and_every_line_with_its_order_number(
    city: City, moment: MovableClock
) -> None:
    sheet = approved(drafted(city, moment, count=3))
    content = settlement_files.excel(sheet.id)
    assert content == settlement_files.excel(sheet.id)
    read = pages(content)
    facts = {row[0]: row[1] for row in read["结算单"]}
    assert facts["结算单号"] == sheet.id
    assert facts["结算金额"] == "30.00 元"
    assert facts["明细摘要"] == sheet.digest
    assert ["2023-04-28", "五一乐购券", 3.0, 30.0] in read["结算单"]
    assert ["合计", "", 3.0, 30.0] in read["结算单"]
    assert "财政局审核" in facts
    lines = settlements.lines(sheet.id, page=1, page_size=9)
    assert read["明细"][1:-1] == [
        [f"{x.occurred_at:%Y-%m-%d %H:%M:%S}", "核销", x.order_id, "五一乐购券", 320.0, 10.0]
        for x in lines
    ]
    assert read["明细"][-1] == ["合计", "", "", "", "", 30.0]


def test_a_pdf_says_the_same_and_is_the_same_each_time(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment, count=2)
    content = settlement_files.pdf(sheet.id)
    assert content == settlement_files.pdf(sheet.id)
    text = text_of(content)
    for wanted in ("消费券结算单", sheet.id, sheet.digest, "五一乐购券", "20.00 元", "家乐购"):
        assert wanted in text
    for line in settlements.lines(sheet.id, page=1, page_size=9):
        assert line.order_id in text


def test_a_long_sheet_prints_its_first_lines_and_names_the_excel_file(
    city: City, moment: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = drafted(city, moment, count=3)
    monkeypatch.setattr(settlement_files, "PDF_LINES", 2)
    text = text_of(settlement_files.pdf(sheet.id))
    shown = [line.order_id in text for line in settlements.lines(sheet.id, page=1, page_size=9)]
    assert shown == [True, True, False]
    assert "共 3 笔，此处列前 2 笔" in text
    assert len(pages(settlement_files.excel(sheet.id))["明细"]) == 5


def test_no_resident_and_no_formula_is_in_a_file(city: City, moment: MovableClock) -> None:
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).name = "=HYPERLINK(1)"
    sheet = drafted(city, moment, count=1)
    read = str(pages(settlement_files.excel(sheet.id))) + text_of(settlement_files.pdf(sheet.id))
    assert "138" not in read.replace(sheet.digest, "").replace(
        settlements.lines(sheet.id, page=1, page_size=1)[0].order_id, ""
    )
    assert "=HYPERLINK(1)（TJ0003）" in read


def test_another_merchants_sheet_is_not_found(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment, count=1)
    for make in (settlement_files.excel, settlement_files.pdf):
        with pytest.raises(NotFound):
            make(sheet.id, merchant_id=RESTAURANT)
