"""A statement as a file: the same bytes, every entry, and of a visitor four digits alone."""

import io
import time
from pathlib import Path

import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from backend.domain.entries import EntryStatementDecided
from backend.services import entry_files, entry_statements
from tests.entering import enter, gate, stated
from tests.factories import City, MovableClock


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def test_the_same_statement_gives_the_same_bytes(city: City, moment: MovableClock) -> None:
    statement = stated(city, moment)
    first = entry_files.excel(statement.id), entry_files.pdf(statement.id)
    time.sleep(1.1)  # a file that held the time of its making would differ now
    assert (entry_files.excel(statement.id), entry_files.pdf(statement.id)) == first


def test_excel_and_pdf_hold_every_entry_and_no_phone(city: City, moment: MovableClock) -> None:
    visitor = city.resident()
    enter(gate(city), visitor)
    statement = stated(city, moment, visitors=1)
    book = CalamineWorkbook.from_filelike(io.BytesIO(entry_files.excel(statement.id)))
    lines = book.get_sheet_by_name("明细").to_python()
    assert len(lines) == 4  # titles, two entries, the sum
    assert [line[4] for line in lines[1:]] == [35.0, 35.0, 70.0]
    assert visitor.phone[-4:] in [line[3] for line in lines]
    pdf = text_of(entry_files.pdf(statement.id))
    for text in (str(lines), pdf):
        assert visitor.phone not in text
    assert "70.00" in pdf
    assert statement.id in pdf


def test_a_refused_statement_has_no_file(city: City, moment: MovableClock) -> None:
    statement = stated(city, moment)
    entry_statements.refuse(statement_id=statement.id, reason="x", actor="文旅局乙")
    for make in (entry_files.excel, entry_files.pdf):
        with pytest.raises(EntryStatementDecided):
            make(statement.id)


def test_a_print_is_drawn(city: City, moment: MovableClock, tmp_path: Path) -> None:
    statement = stated(city, moment, visitors=3)
    page = pypdfium2.PdfDocument(entry_files.pdf(statement.id))[0].render(scale=2).to_pil()
    page.save(tmp_path / "statement.png")
    dark = sum(page.convert("L").histogram()[:128])
    assert dark > 5_000  # letters, not an empty page
