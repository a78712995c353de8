"""Files that people take away: no cell is a formula, and no text makes a line of its own."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator

from icalendar import Calendar
from python_calamine import CalamineWorkbook

from tests.proof import poison
from tests.proof.conftest import Site
from tests.proof.hostile_texts import FORMULAS

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RUN = re.compile(
    r"^[=+\-@\t\r＝＋－＠]"
)  # what a spreadsheet may run, from a cell's first character
NUMBER = re.compile(r"^-[0-9][0-9,.]*$")
ACTIVE = re.compile(rb"<f[ >]|<hyperlink|<externalReference|<ddeLink")
FORGED = "活动\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:假活动;X=1,2\\n"


def of_kind(site: Site, mimetype: str) -> list[str]:
    """Return the addresses of a site's files of a kind."""
    found = site.found
    tables = found.tables.values() if mimetype == XLSX else ()
    return [*tables, *(at for at, a in found.answers.items() if a.mimetype == mimetype)]


def texts(data: bytes) -> Iterator[str]:
    """Go through the texts of a workbook, as a reader has them."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for name in book.sheet_names:
        for row in book.get_sheet_by_name(name).to_python():
            yield from (cell for cell in row if isinstance(cell, str))


def test_every_cell_of_every_excel_file_is_text_or_number_and_keeps_what_was_written(
    sites: list[Site],
) -> None:
    addresses = [(site, address) for site in sites for address in of_kind(site, XLSX)]
    assert len(addresses) > 30
    for formula in FORMULAS:
        poison.everywhere(formula)
        kept = 0
        for site, address in addresses:
            answer = site.get(address)
            assert answer.mimetype == XLSX, address
            with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
                for name in parts.namelist():
                    assert not ACTIVE.search(parts.read(name)), (address, name)
            for text in texts(answer.data):
                assert not RUN.match(text), (address, text)
                kept += formula.strip() in text
        assert kept > 30, formula


def test_every_cell_of_every_csv_is_inert_and_keeps_what_was_written(sites: list[Site]) -> None:
    addresses = [(site, address) for site in sites for address in of_kind(site, "text/csv")]
    assert len(addresses) >= 2
    for formula in FORMULAS:
        poison.everywhere(formula)
        kept = 0
        for site, address in addresses:
            content = site.get(address).data.decode("utf-8-sig")
            for row in csv.reader(io.StringIO(content, newline="")):
                assert not [c for c in row if RUN.match(c) and not NUMBER.match(c)], address
                kept += sum(formula.strip() in cell for cell in row)
        assert kept > 5, formula


def test_a_calendar_says_a_hostile_name_within_its_own_event(sites: list[Site]) -> None:
    [public] = [site for site in sites if of_kind(site, "text/calendar")]
    [address] = of_kind(public, "text/calendar")
    events = len(Calendar.from_ical(public.get(address).data).walk("VEVENT"))
    assert events >= 3
    poison.everywhere(FORGED)
    data = public.get(address).data
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not [line for line in lines if b"\r" in line or b"\n" in line]
    found = Calendar.from_ical(data).walk("VEVENT")
    assert len(found) == events
    assert all("假活动" in str(event["SUMMARY"]) for event in found)
    assert not any(str(event["SUMMARY"]).startswith("假活动") for event in found)
