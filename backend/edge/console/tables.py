"""A list page: a filter in the address, columns, pages, and the same rows as an Excel file.

Imitate `backend/edge/console/audit_log.py`; docs/recipes/add-a-console-page.md walks through it.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Annotated, Any, ClassVar, Generic, Self, TypeVar
from urllib.parse import urlencode

from flask import Response, render_template, request, send_file, url_for
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.domain.errors import InvalidRequest
from backend.domain.permissions import Permission
from backend.edge.console import access, cells, paging
from backend.edge.console.cells import Cell
from backend.services import exports, workbooks
from backend.services.listings import Computed, Listing

PAGE_ROWS = 50
COUNTED_ROWS = 2_000  # more are not counted for a page
DIRECT_ROWS = 20_000  # more are exported by a job
MAX_PAGE = DIRECT_ROWS // PAGE_ROWS  # of those that are found by number
PROGRESS_ROWS = 5_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Choices = Sequence[tuple[str, str]]  # (value, words)
T = TypeVar("T")


class Filter(BaseModel):
    """What the address of a table asks for. What else an address carries is ignored.

    A field is a form field: its title is its label, a `date` is a day, any other a text, unless the
    table has choices for it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    sort: Annotated[str, Field(max_length=32)] = ""  # a column's, with '-' in front: falling
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    # Places of large listings (`Key`): its pages are found by them, and numbered for people alone.
    after: Annotated[str, Field(pattern="^[0-9A-Za-z-]{0,36}$")] = ""
    before: Annotated[str, Field(pattern="^[0-9A-Za-z-]{0,36}$")] = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Return the filter of an address; the empty text is no wish. Raises InvalidRequest."""
        try:
            return cls.model_validate({name: text for name, text in query.items() if text.strip()})
        except ValidationError as error:
            fields = {".".join(map(str, fault["loc"])): fault["type"] for fault in error.errors()}
            raise InvalidRequest("filter", details={"fields": fields}) from None

    def asked(self) -> dict[str, str]:
        """Return what differs from the bare table, as text; without the page."""
        values = self.model_dump(exclude_defaults=True, exclude={"page", "after", "before"})
        return {name: str(value) for name, value in values.items()}


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column: its title, its cell of a row, the name it is sorted by, its width in Excel."""

    title: str
    cell: Callable[[T], Cell]
    sort: str | None = None
    width: int = 20


@dataclass(frozen=True)
class FieldView:
    """One field of the filter's form."""

    name: str
    title: str
    kind: str  # 'date', 'text' or 'choice'
    value: str
    choices: Choices = ()


@dataclass(frozen=True)
class Heading:
    """A column's head: where a click on it leads, and how the rows stand now."""

    title: str
    url: str | None
    direction: str  # 'ascending', 'descending' or 'none', as aria-sort wants it


@dataclass(frozen=True, kw_only=True)
class TableView:
    """A page of a table, ready for the macros of `_parts.html`."""

    title: str
    fields: Sequence[FieldView]
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    total: str
    page: int
    previous_url: str | None
    next_url: str | None
    export_url: str | None
    filtered: bool


@dataclass(frozen=True, kw_only=True)
class Table(Generic[T]):
    """A list page of one noun; `name` is its name among the exports, never changed."""

    name: str
    title: str
    permission: Permission  # to see it
    export: Permission = Permission.EXPORTS_MAKE  # besides, to take it away
    filter: type[Filter]
    find: Callable[[Any], Listing[T] | Computed[T]]  # of such a filter
    columns: Sequence[Column[T]]
    choices: Mapping[str, Callable[[], Choices]] = field(default_factory=dict)
    progress_rows: ClassVar[int] = PROGRESS_ROWS
    suffix: ClassVar[str] = "xlsx"
    content_type: ClassVar[str] = XLSX

    def answer(self, template: str, **more: Any) -> Response | str:
        """Answer a view: the page, or what `?format=xlsx` asks for with the same filter."""
        wanted = self.filter.read(request.args)
        if request.args.get("format") == "xlsx":
            return self._export(wanted)
        return render_template(template, table=self.view(wanted), wanted=wanted, **more)

    def view(self, wanted: Filter) -> TableView:
        """Return the page that a filter asks for."""
        listing = self.find(wanted)
        total = listing.count(at_most=COUNTED_ROWS + 1)
        part = paging.part_of(listing, wanted, size=PAGE_ROWS, max_page=MAX_PAGE)
        return TableView(
            title=self.title,
            fields=list(self._fields(wanted)),
            headings=[self._heading(column, wanted) for column in self.columns],
            rows=[[column.cell(row) for column in self.columns] for row in part.rows],
            total=f"{total:,} 条" if total <= COUNTED_ROWS else f"超过 {COUNTED_ROWS:,} 条",
            page=part.page,
            previous_url=_beside(wanted, part.previous),
            next_url=_beside(wanted, part.following),
            export_url=_address(wanted, format="xlsx") if access.may(self.export) else None,
            filtered=bool(wanted.asked().keys() - {"sort"}),
        )

    def write(
        self, query: Mapping[str, str], file: IO[bytes], progress: Callable[[int], None]
    ) -> int:
        """Write all rows of a filter as Excel; return how many. Memory stays flat."""
        count = 0
        with workbooks.workbook(file, title=self.title) as book:
            page = workbooks.Page(book, self.title, [column.width for column in self.columns])
            page.row(*(column.title for column in self.columns), bold=True)
            for count, row in enumerate(self.find(self.filter.read(query)).each(), start=1):
                page.row(*(cells.exported(column.cell(row)) for column in self.columns))
                progress(count)
        return count

    def _export(self, wanted: Filter) -> Response | str:
        access.refuse_unless(self.export)
        count = self.find(wanted).count(at_most=DIRECT_ROWS + 1)
        query = wanted.asked()
        if count > DIRECT_ROWS:
            return render_template(
                "console/exports_new.html",
                table=self,
                query=urlencode(query),
                back=_address(wanted),
            )
        file = io.BytesIO()
        rows = self.write(query, file, lambda _: None)
        exports.note_direct(self.name, rows=rows, actor=access.current_staff().name)
        file.seek(0)
        return send_file(file, XLSX, as_attachment=True, download_name=f"{self.title}.xlsx")

    def _fields(self, wanted: Filter) -> Iterator[FieldView]:
        values = wanted.model_dump()
        for name, info in self.filter.model_fields.items():
            if name in Filter.model_fields:
                continue
            choices = self.choices[name]() if name in self.choices else ()
            kind = "choice" if choices else "date" if _is_day(info.annotation) else "text"
            value = "" if values[name] is None else str(values[name])
            yield FieldView(name, info.title or name, kind, value, choices)

    def _heading(self, column: Column[T], wanted: Filter) -> Heading:
        if column.sort is None:
            return Heading(column.title, None, "none")
        now = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(wanted.sort, "none")
        turned = column.sort if now == "descending" else f"-{column.sort}"
        return Heading(column.title, _address(wanted, sort=turned), now)


def _is_day(annotation: Any) -> bool:
    return bool(annotation == date | None)


def _beside(wanted: Filter, page: paging.Query | None) -> str | None:
    return None if page is None else _address(wanted, **page)


def _address(wanted: Filter, **changed: object) -> str:
    """Return the same page's address with the same filter, but for what is changed."""
    query: dict[str, Any] = wanted.asked() | changed
    return url_for(request.endpoint or "", **(request.view_args or {}), **query)
