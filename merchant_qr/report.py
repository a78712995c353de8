"""A4 pages of Chinese text and tables: a heading, facts, rows that go on over pages.

Measures are in millimetres from the top left corner. The same input gives the same bytes.
"""

import io
from collections.abc import Iterable, Sequence

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from merchant_qr.lettering import Lettering

WIDTH_MM, HEIGHT_MM = A4[0] / mm, A4[1] / mm
_LEFT_MM, _TOP_MM, _BOTTOM_MM = 20.0, 18.0, 275.0
_ROW_MM = 6.0
_MAX_CHARS = 80

_INK = HexColor(0x222222)
_SOFT = HexColor(0x777777)
_BAND = HexColor(0xF2F2F2)


class Report:
    """Pages written from the top; a page that is full is followed by the next.

    :param title: shown by viewers, and at the foot of every page
    :param cjk_font: a TrueType font to embed; without one, the viewer supplies the Chinese face
    """

    def __init__(self, *, title: str, cjk_font: bytes | None = None) -> None:
        self._out = io.BytesIO()
        self._canvas = Canvas(self._out, pagesize=A4, invariant=1, pageCompression=1)
        self._letters = Lettering(self._canvas, cjk_font=cjk_font)
        self._title = self._letters.tidy(title, max_chars=_MAX_CHARS)
        self._canvas.setTitle(self._title)
        self._y, self._page = _TOP_MM, 1
        self._first_amount = 0

    def heading(self, text: str, facts: Iterable[str] = ()) -> None:
        """Write a large centred line, and facts below it, a line each."""
        self._centred(WIDTH_MM / 2, self._y + 4, text, size=18, bold=True)
        self._y += 16
        for fact in facts:
            self.note(fact)
        self._y += 3

    def note(self, text: str) -> None:
        """Write one line at the left."""
        self._room(1)
        self._at(_LEFT_MM, self._y, text, size=9.5)
        self._y += _ROW_MM

    def table(
        self,
        titles: Sequence[str],
        widths_mm: Sequence[float],
        rows: Iterable[Sequence[str]],
        *,
        amounts: int = 0,
    ) -> None:
        """Write rows below their titles, which stand on every page; a long text ends in …

        :param amounts: how many of the last columns stand at the right
        """
        self._first_amount = len(titles) - amounts
        self._room(2)
        self._titles(titles, widths_mm)
        for row in rows:
            if self._full(1):
                self._turn()
                self._titles(titles, widths_mm)
            self._row(row, widths_mm, size=9)
        self._y += 4

    def finish(self) -> bytes:
        """Return the PDF."""
        self._foot()
        self._canvas.showPage()
        self._canvas.save()
        return self._out.getvalue()

    def _titles(self, titles: Sequence[str], widths_mm: Sequence[float]) -> None:
        self._canvas.setFillColor(_BAND)
        top = (HEIGHT_MM - self._y - _ROW_MM / 2) * mm
        self._canvas.rect(_LEFT_MM * mm, top, sum(widths_mm) * mm, _ROW_MM * mm, stroke=0, fill=1)
        self._row(titles, widths_mm, size=9, bold=True)

    def _row(
        self, cells: Sequence[str], widths_mm: Sequence[float], *, size: float, bold: bool = False
    ) -> None:
        x = _LEFT_MM
        for place, (cell, width) in enumerate(zip(cells, widths_mm, strict=True)):
            room = width - 2
            shown = self._fitted(cell, size=size, bold=bold, width_mm=room)
            spare = room - self._letters.width(shown, size, bold=bold) / mm
            indent = 1 + (spare if place >= self._first_amount else 0)
            self._at(x + indent, self._y, shown, size=size, bold=bold)
            x += width
        self._y += _ROW_MM

    def _at(self, x: float, y: float, text: str, *, size: float, bold: bool = False) -> None:
        width_mm = WIDTH_MM - 2 * _LEFT_MM
        shown = self._fitted(text, size=size, bold=bold, width_mm=width_mm)
        middle = x + self._letters.width(shown, size, bold=bold) / mm / 2
        self._centred(middle, y, shown, size=size, bold=bold)

    def _fitted(self, text: str, *, size: float, bold: bool, width_mm: float) -> str:
        shown = self._letters.tidy(text, max_chars=_MAX_CHARS)
        while shown and self._letters.width(shown, size, bold=bold) > width_mm * mm:
            shown = shown[:-2] + "…" if len(shown) > 2 else ""
        return shown

    def _centred(
        self, x: float, y: float, text: str, *, size: float, bold: bool = False, ink: Color = _INK
    ) -> None:
        point = (x * mm, (HEIGHT_MM - y) * mm)
        self._letters.draw(*point, text, size=size, colour=ink, bold=bold)

    def _full(self, rows: int) -> bool:
        return self._y + rows * _ROW_MM > _BOTTOM_MM

    def _room(self, rows: int) -> None:
        if self._full(rows):
            self._turn()

    def _turn(self) -> None:
        self._foot()
        self._canvas.showPage()
        self._y, self._page = _TOP_MM, self._page + 1

    def _foot(self) -> None:
        foot = f"{self._title}  第 {self._page} 页"
        self._centred(WIDTH_MM / 2, 285, foot, size=8, ink=_SOFT)
