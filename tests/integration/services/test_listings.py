"""Listings: pages that neither repeat nor miss, counts that stop, all rows a part at a time."""

from apiflask import APIFlask
from sqlalchemy import select

from backend.services import audit, listings
from backend.services.listings import Computed, Listing
from backend.storage.models.audit import AuditEntry
from backend.storage.sql import transaction


def write(count: int) -> None:
    with transaction() as session:
        for number in range(count):
            audit.record(session, actor="a", action="clerk.add", subject=f"{number}")


def subjects() -> Listing[str]:
    by_id = select(AuditEntry.subject).order_by(AuditEntry.id)
    return Listing(by_id, lambda row: str(row.subject))


def test_pages_neither_repeat_nor_miss(app: APIFlask) -> None:
    write(25)
    pages = [subjects().page(number, 10) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [subject for page in pages for subject in page] == [str(n) for n in range(25)]


def test_counting_stops_at_what_is_asked(app: APIFlask) -> None:
    write(25)
    assert subjects().count(at_most=100) == 25
    assert subjects().count(at_most=25) == 25
    assert subjects().count(at_most=24) == 24


def test_all_rows_come_in_parts(app: APIFlask) -> None:
    write(listings.CHUNK_ROWS + 1)
    assert list(subjects().each()) == [str(n) for n in range(listings.CHUNK_ROWS + 1)]


def test_computed_rows_are_read_as_those_of_a_statement() -> None:
    rows = Computed(range(25))
    assert [list(rows.page(number, 10)) for number in (2, 3, 4)] == [
        list(range(10, 20)),
        list(range(20, 25)),
        [],
    ]
    assert (rows.count(at_most=100), rows.count(at_most=24)) == (25, 24)
    assert list(rows.each()) == list(range(25))
