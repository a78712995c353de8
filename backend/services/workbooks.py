"""Excel files: text that no spreadsheet runs, amounts as exact numbers of yuan, flat memory.

The same cells give the same bytes: the file's dates are a fixed one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import IO

import xlsxwriter

from backend.domain.china import CHINA

_CREATED = datetime(2023, 1, 1, tzinfo=CHINA)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: quoted with an apostrophe if need be."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def yuan(amount_fen: int) -> Decimal:
    """Return an amount of fen in yuan, exactly."""
    return Decimal(amount_fen).scaleb(-2)


class Page:
    """One worksheet, written from the top; a written row stays."""

    def __init__(
        self,
        book: xlsxwriter.Workbook,
        name: str,
        widths: Sequence[int],
        *,
        typed_as_text: bool = False,
    ) -> None:
        """Begin a sheet.

        :param typed_as_text: what people type in it stays as they typed it, zeros and all
        """
        self._sheet = book.add_worksheet(name)
        self._bold = book.add_format({"bold": True})
        self._text = book.add_format({"num_format": "@"})
        self._money = book.add_format({"num_format": "#,##0.00"})
        self._next = 0
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width, self._text if typed_as_text else None)

    def row(self, *cells: str | int | Decimal | None, bold: bool = False) -> None:
        """Write a row: text as text, int as a count, Decimal as an amount in yuan."""
        style = self._bold if bold else None
        for column, cell in enumerate(cells):
            if isinstance(cell, Decimal):
                self._sheet.write_number(self._next, column, cell, self._money)
            elif isinstance(cell, int):
                self._sheet.write_number(self._next, column, cell, style)
            elif cell is not None:
                self._sheet.write_string(self._next, column, inert(cell), style)
        self._next += 1


@contextmanager
def workbook(file: IO[bytes], *, title: str) -> Iterator[xlsxwriter.Workbook]:
    """Write a workbook into a file, row after row, without keeping the rows in memory."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    book.set_properties({"title": title, "created": _CREATED})
    try:
        yield book
    finally:
        book.close()
