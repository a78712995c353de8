"""The fund report as a PDF to be signed: A4 across, as many pages as it needs.

Measures are in millimetres from the top left corner; `_Pages` turns them into points.
"""

import io
from collections.abc import Mapping
from typing import Any

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from backend.domain.fund_reports import AMOUNTS, UNITS, rate_text
from backend.domain.money import yuan_text
from backend.services.fund_report_sheets import LEVELS, SIGNATURES, floor_text
from merchant_qr.lettering import Lettering

WIDTH_MM, HEIGHT_MM = 297.0, 210.0
_LEFT_MM, _TOP_MM, _ROW_MM = 8.0, 34.0, 6.0
_LAST_ROW_MM = 192.0
_NAME_MM, _YUAN_MM, _UNITS_MM, _RATE_MM = 46.0, 15.2, 7.6, 7.2
WIDTHS_MM = (_NAME_MM, *(_YUAN_MM for _ in AMOUNTS), *(_UNITS_MM for _ in UNITS))
COLUMNS_MM = (*WIDTHS_MM, _RATE_MM, _RATE_MM)
HEADINGS = ("项目", *(h for _, h in (*AMOUNTS, *UNITS)), "领取率", "使用率")
_INK, _LINE = HexColor(0x202020), HexColor(0x999999)
_GROUND = {"programme": HexColor(0xDDE6F0), "fund": HexColor(0xE8EEF5), "pot": HexColor(0xF3F6FA)}
_FOOT_MM = 36.0  # floors and signatures


def document(report: Mapping[str, Any], *, cjk_font: bytes | None = None) -> bytes:
    """Return the PDF of a report; the same report gives the same bytes.

    :param cjk_font: a TrueType font to embed, as for placards
    """
    out = io.BytesIO()
    size = (WIDTH_MM * mm, HEIGHT_MM * mm)
    canvas = Canvas(out, pagesize=size, invariant=1, pageCompression=1)
    canvas.setTitle(f"funds-{report['as_of']}-v{report['edition']}")
    pages = _Pages(canvas, Lettering(canvas, cjk_font=cjk_font), report)
    pages.begin()
    for row in report["rows"]:
        pages.row(row)
    pages.foot()
    canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Pages:
    """The canvas in millimetres, and where the next row goes."""

    def __init__(self, canvas: Canvas, letters: Lettering, report: Mapping[str, Any]) -> None:
        self.canvas, self.letters, self.report = canvas, letters, report
        self.number, self.top = 0, _TOP_MM

    def begin(self) -> None:
        """Begin a page: heading, day, the columns' names."""
        self.number += 1
        self.top = _TOP_MM
        day, edition = self.report["as_of"], self.report["edition"]
        self._text(
            _LEFT_MM, 12, WIDTH_MM - 16, f"{self.report['programme']} 资金汇总表", 15, bold=True
        )
        about = f"截至 {day} 24:00　第 {edition} 版　单位：元　第 {self.number} 页"
        self._text(_LEFT_MM, 20, WIDTH_MM - 16, about, 8)
        if reason := self.report.get("reason"):
            self._text(_LEFT_MM, 25, WIDTH_MM - 16, f"改版原因：{reason}", 8)
        self._cells(list(HEADINGS), None, bold=True, middle=True)

    def row(self, row: Mapping[str, Any]) -> None:
        """Draw one row, on a new page when this one is full."""
        if self.top + _ROW_MM > _LAST_ROW_MM:
            self._next()
        cells = ["　" * LEVELS[row["kind"]] + row["name"]]
        cells += [yuan_text(row[field]) for field, _ in AMOUNTS]
        cells += [str(row[field]) for field, _ in UNITS]
        cells += [rate_text(row[n], row["units"]) for n in ("units_claimed", "units_used")]
        self._cells(cells, _GROUND.get(row["kind"]), bold=LEVELS[row["kind"]] < 2)

    def foot(self) -> None:
        """Draw the floors, the boxes for signatures and the digest; together, on one page."""
        need_mm = _FOOT_MM + 6 * len(self.report["floors"])
        if self.top + need_mm > HEIGHT_MM - 6:
            self._next()
        self.top += 5
        for floor in self.report["floors"]:
            self._text(_LEFT_MM, self.top, WIDTH_MM - 16, floor_text(floor), 8.5, left=True)
            self.top += 6
        width = (WIDTH_MM - 16) / len(SIGNATURES)
        for column, name in enumerate(SIGNATURES):
            x = _LEFT_MM + column * width
            self._box(x, self.top, width, 18)
            self._text(x + 2, self.top + 4, width - 4, f"{name}：", 8, left=True)
            self._text(x + 2, self.top + 14, width - 4, "日期：　　　年　　月　　日", 8, left=True)
        digest = f"数据校验码 {self.report['digest']}"
        self._text(_LEFT_MM, self.top + 22, WIDTH_MM - 16, digest, 6.5, left=True)

    def _next(self) -> None:
        self.canvas.showPage()
        self.begin()

    def _cells(
        self, texts: list[str], ground: Color | None, *, bold: bool, middle: bool = False
    ) -> None:
        x = _LEFT_MM
        for column, (text, width) in enumerate(zip(texts, COLUMNS_MM, strict=True)):
            self._box(x, self.top, width, _ROW_MM, ground)
            self._text(
                *(x + 0.6, self.top + _ROW_MM / 2, width - 1.2),
                text,
                6.5,
                bold=bold,
                left=column == 0 and not middle,
                right=column > 0 and not middle,
            )
            x += width
        self.top += _ROW_MM

    def _box(
        self, x: float, top: float, width: float, height: float, ground: Color | None = None
    ) -> None:
        self.canvas.setStrokeColor(_LINE)
        self.canvas.setLineWidth(0.4)
        if ground is not None:
            self.canvas.setFillColor(ground)
        y = (HEIGHT_MM - top - height) * mm
        fill = int(ground is not None)
        self.canvas.rect(x * mm, y, width * mm, height * mm, stroke=1, fill=fill)

    def _text(
        self,
        x: float,
        middle: float,
        width: float,
        text: str,
        size: float,
        *,
        bold: bool = False,
        left: bool = False,
        right: bool = False,
    ) -> None:
        """Draw one line in its width, smaller where it must be: centred, or at one side."""
        indent = len(text) - len(text.lstrip("　")) if left else 0
        shown = self.letters.tidy(text.lstrip("　"), max_chars=90)
        room = (width - indent * 2.2) * mm
        size = min(size, size * room / max(self.letters.width(shown, size, bold=bold), 0.01))
        drawn = self.letters.width(shown, size, bold=bold)
        at = (x + width / 2) * mm
        if left:
            at = (x + indent * 2.2) * mm + drawn / 2
        elif right:
            at = (x + width) * mm - drawn / 2
        y = (HEIGHT_MM - middle) * mm
        self.letters.draw(at, y, shown, size=size, colour=_INK, bold=bold)
