"""What a filter finds, read only as far as it is shown or exported."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, tuple_

from backend.domain.errors import InvalidRequest
from backend.extensions import db

CHUNK_ROWS = 1_000
MAX_NUMBER = 2**31 - 1  # of the columns that number rows
T = TypeVar("T")
Columns = tuple[Any, ...]


@dataclass(frozen=True)
class Key(Generic[T]):
    """The order of a large listing: columns of one table that never change, the last one unique.

    A place in it is a row's value of the last column, as text (`place_of`): the rows beside it are
    found in an index, however deep it lies.
    """

    columns: Columns
    place_of: Callable[[T], object]
    falling: bool = True

    def order(self, *, turned: bool = False) -> Columns:
        """Return what to order by."""
        falling = self.falling != turned
        return tuple(column.desc() if falling else column for column in self.columns)

    def beyond(self, place: str, *, turned: bool = False) -> ColumnElement[bool]:
        """Return the condition of what comes after a place; before it when turned.

        Raises InvalidRequest for a place that is none.
        """
        here = self._at(place)
        if here is None:
            raise InvalidRequest("place")
        values = (literal(value, c.type) for value, c in zip(here, self.columns, strict=True))
        row, there = tuple_(*self.columns), tuple_(*values)
        return row < there if self.falling != turned else row > there

    def _at(self, place: str) -> Row[*tuple[Any, ...]] | None:
        unique = self.columns[-1]
        try:
            wanted = unique.type.python_type(place)
        except ValueError:
            return None
        if isinstance(wanted, int) and wanted > MAX_NUMBER:
            return None
        return db.session.execute(select(*self.columns).where(unique == wanted)).one_or_none()


@dataclass(frozen=True)
class Listing(Generic[T]):
    """Rows of one statement. Its order ends with a unique column: pages neither repeat nor miss.

    `read` makes of a row what callers get; by default a row's first column.
    """

    statement: Select[*tuple[Any, ...]]
    read: Callable[[Row[*tuple[Any, ...]]], T] = lambda row: row[0]

    def page(self, number: int, size: int, *, beyond: int = 0) -> Sequence[T]:
        """Return one page, and up to so many rows beyond it; the first is number 1."""
        offset = (number - 1) * size
        return self._some(self._ordered().limit(size + beyond).offset(offset))

    def count(self, *, at_most: int) -> int:
        """Return how many there are, or `at_most`: nobody waits for a million to be counted."""
        some = self._counted().order_by(None).limit(at_most).subquery()
        return db.session.scalar(select(func.count()).select_from(some)) or 0

    def each(self) -> Iterator[T]:
        """Yield all rows of one moment, a thousand in memory at a time."""
        options = {"yield_per": CHUNK_ROWS}
        for row in db.session.execute(self._ordered(), execution_options=options):
            yield self.read(row)

    def _ordered(self) -> Select[*tuple[Any, ...]]:
        return self.statement

    def _counted(self) -> Select[*tuple[Any, ...]]:
        return self.statement

    def _some(self, wanted: Select[*tuple[Any, ...]]) -> Sequence[T]:
        return [self.read(row) for row in db.session.execute(wanted)]


@dataclass(frozen=True, kw_only=True)
class KeyedListing(Listing[T]):
    """Rows of a large table, in the order of `key`: the statement has none.

    `counted` is a narrower statement with as many rows, where there is one.
    """

    key: Key[T]
    counted: Select[*tuple[Any, ...]] | None = None

    def after(self, place: str, size: int) -> Sequence[T]:
        """Return the rows next to a place of the key. Raises InvalidRequest for none."""
        return self._some(self._ordered().where(self.key.beyond(place)).limit(size))

    def before(self, place: str, size: int) -> Sequence[T]:
        """Return the rows just before a place, in the listing's order."""
        beyond, order = self.key.beyond(place, turned=True), self.key.order(turned=True)
        return self._some(self.statement.where(beyond).order_by(*order).limit(size))[::-1]

    def _ordered(self) -> Select[*tuple[Any, ...]]:
        return self.statement.order_by(*self.key.order())

    def _counted(self) -> Select[*tuple[Any, ...]]:
        return self.statement if self.counted is None else self.counted


@dataclass(frozen=True)
class Computed(Generic[T]):
    """Rows that were computed, few enough to stand in memory, read as a Listing is."""

    rows: Sequence[T]

    def page(self, number: int, size: int, *, beyond: int = 0) -> Sequence[T]:
        """Return one page, and up to so many rows beyond it; the first is number 1."""
        return self.rows[(number - 1) * size : number * size + beyond]

    def count(self, *, at_most: int) -> int:
        """Return how many there are, or `at_most`."""
        return min(len(self.rows), at_most)

    def each(self) -> Iterator[T]:
        """Yield all rows."""
        return iter(self.rows)
