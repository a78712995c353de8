"""What a filter finds, read only as far as it is shown or exported."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Select, func, select

from backend.extensions import db

CHUNK_ROWS = 1_000
T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """Rows of one statement. Its order ends with a unique column: pages neither repeat nor miss.

    `read` makes of a row what callers get; by default a row's first column.
    """

    statement: Select[*tuple[Any, ...]]
    read: Callable[[Row[*tuple[Any, ...]]], T] = lambda row: row[0]

    def page(self, number: int, size: int) -> Sequence[T]:
        """Return one page; the first is number 1."""
        wanted = self.statement.limit(size).offset((number - 1) * size)
        return [self.read(row) for row in db.session.execute(wanted)]

    def count(self, *, at_most: int) -> int:
        """Return how many there are, or `at_most`: nobody waits for a million to be counted."""
        some = self.statement.order_by(None).limit(at_most).subquery()
        return db.session.scalar(select(func.count()).select_from(some)) or 0

    def each(self) -> Iterator[T]:
        """Yield all rows of one moment, a thousand in memory at a time."""
        options = {"yield_per": CHUNK_ROWS}
        for row in db.session.execute(self.statement, execution_options=options):
            yield self.read(row)


@dataclass(frozen=True)
class Computed(Generic[T]):
    """Rows that were computed, few enough to stand in memory, read as a Listing is."""

    rows: Sequence[T]

    def page(self, number: int, size: int) -> Sequence[T]:
        """Return one page; the first is number 1."""
        return self.rows[(number - 1) * size : number * size]

    def count(self, *, at_most: int) -> int:
        """Return how many there are, or `at_most`."""
        return min(len(self.rows), at_most)

    def each(self) -> Iterator[T]:
        """Yield all rows."""
        return iter(self.rows)
