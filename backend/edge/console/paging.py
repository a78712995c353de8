"""Which page of a listing an address asks for, and what leads to the pages beside it.

A listing with a key is read from a place in it, however deep: its address says after or before
which row. Any other is read by the page's number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from backend.domain.errors import InvalidRequest
from backend.services.listings import Computed, Key, KeyedListing, Listing

T = TypeVar("T")
Query = Mapping[str, object]


class Asked(Protocol):
    """What an address says of the page: its number, and a place of a keyed listing or none."""

    @property
    def page(self) -> int: ...

    @property
    def after(self) -> str: ...

    @property
    def before(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Part(Generic[T]):
    """The rows of a page, its number, and what the addresses of its neighbours add."""

    rows: Sequence[T]
    page: int
    previous: Query | None
    following: Query | None


def part_of(
    listing: Listing[T] | Computed[T], asked: Asked, *, size: int, max_page: int
) -> Part[T]:
    """Return the page that an address asks for.

    :param max_page: the last one that is found by its number
    Raises InvalidRequest for a page beyond it, and for a place that is none.
    """
    if isinstance(listing, KeyedListing):
        return _keyed(listing, asked, size, max_page)
    rows, more = _by_number(listing, asked.page, size, max_page)
    return Part(
        rows=rows,
        page=asked.page,
        previous={"page": asked.page - 1} if asked.page > 1 else None,
        following={"page": asked.page + 1} if more and asked.page < max_page else None,
    )


def _by_number(
    listing: Listing[T] | Computed[T], page: int, size: int, max_page: int
) -> tuple[Sequence[T], bool]:
    """Return the rows of a page, and whether there are more."""
    if page > max_page:
        raise InvalidRequest("filter", details={"fields": {"page": "less_than_equal"}})
    found = listing.page(page, size, beyond=1)
    return found[:size], len(found) > size


def _keyed(listing: KeyedListing[T], asked: Asked, size: int, max_page: int) -> Part[T]:
    page = asked.page
    if asked.after:
        found = listing.after(asked.after, size + 1)
        return _beside_places(listing.key, found[:size], page, more=len(found) > size)
    if asked.before:
        rows = listing.before(asked.before, size)
        if len(rows) == size:
            return _beside_places(listing.key, rows, page, more=True)
        page = 1  # rows went since: what is left before that place is on the first page
    rows, more = _by_number(listing, page, size, max_page)
    return _beside_places(listing.key, rows, page, more=more)


def _beside_places(key: Key[T], rows: Sequence[T], page: int, *, more: bool) -> Part[T]:
    """Name the neighbours by the first and last row; the first page is always the newest rows."""
    previous: Query | None = None
    if page > 1:
        by_place = page > 2 and bool(rows)
        previous = {"before": key.place_of(rows[0]), "page": page - 1} if by_place else {}
    following = {"after": key.place_of(rows[-1]), "page": page + 1} if more else None
    return Part(rows=rows, page=page, previous=previous, following=following)
