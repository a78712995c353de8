"""Listings: pages that neither repeat nor miss, counts that stop, all rows a part at a time."""

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from backend.domain.errors import InvalidRequest
from backend.services import audit, listings
from backend.services.listings import Computed, Key, KeyedListing, Listing
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


def keyed(*, falling: bool) -> KeyedListing[AuditEntry]:
    """Entries by their moment, which is the same for all of them, then by their number."""
    columns = (AuditEntry.at, AuditEntry.id)
    return KeyedListing(select(AuditEntry), key=Key(columns, lambda row: row.id, falling=falling))


@pytest.mark.parametrize("falling", [False, True])
def test_from_a_place_pages_neither_repeat_nor_miss_both_ways(app: APIFlask, falling: bool) -> None:
    write(25)
    listing = keyed(falling=falling)
    wanted = [entry.id for entry in listing.each()]
    assert wanted == sorted(wanted, reverse=falling)
    found = [entry.id for entry in listing.page(1, 10)]
    while rows := listing.after(f"{found[-1]}", 10):
        found += [row.id for row in rows]
    assert found == wanted
    assert [row.id for row in listing.before(f"{wanted[20]}", 10)] == wanted[10:20]
    assert [row.id for row in listing.before(f"{wanted[3]}", 10)] == wanted[:3]


def test_rows_that_come_meanwhile_move_no_page_that_follows(app: APIFlask) -> None:
    write(20)
    listing = keyed(falling=True)
    first = listing.page(1, 10)
    following = [row.id for row in listing.after(f"{first[-1].id}", 10)]
    write(5)
    assert [row.id for row in listing.after(f"{first[-1].id}", 10)] == following


@pytest.mark.parametrize("place", ["x", "999999999", "9" * 32])
def test_a_place_that_is_none_is_refused(app: APIFlask, place: str) -> None:
    write(1)
    with pytest.raises(InvalidRequest):
        keyed(falling=True).after(place, 10)
