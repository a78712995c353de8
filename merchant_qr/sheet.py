"""The placard a shop hangs at its till: one A5 page, drawn in vectors, in Chinese.

Measures are in millimetres from the top left corner; only `_Page` turns them into points.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from merchant_qr.image import QUIET_ZONE_MODULES, dark_runs
from merchant_qr.lettering import LEADING, Lettering

WIDTH_MM, HEIGHT_MM = 148.0, 210.0
MAX_NAME_CHARS = 64
STEPS = ("微信扫一扫", "输入金额", "自动使用最大优惠")
NOTE = "本码仅用于消费券核销，不是收款码"

_MIDDLE_MM = WIDTH_MM / 2
_BAND_MM = 88.0  # height of the coloured band
_CARD_TOP_MM, _CARD_MM = 44.0, 94.0  # the white card; its code is 7 cm and more without the margin
_FOOT_TOP_MM = 195.0

_RED = HexColor(0xC8161D)
_RED_LIGHT = HexColor(0xE9482B)
_RED_DARK = HexColor(0xA50F17)
_GOLD = HexColor(0xFFE2A0)
_VEIL = Color(1, 1, 1, alpha=0.07)
_CREAM = HexColor(0xFFF7EA)
_SHADE = HexColor(0xF1DFC8)
_INK = HexColor(0x2B1A17)
_SOFT = HexColor(0x86695F)


class _Box(NamedTuple):
    """Where a text goes, centred, and between which sizes (points) it may shrink."""

    top_mm: float
    height_mm: float
    width_mm: float
    largest: int
    smallest: int


_PROGRAMME_BOX = _Box(19, 21, 128, 36, 11)
_NAME_BOX = _Box(142, 21, 130, 27, 9)


def placard_pdf(
    *,
    merchant_name: str,
    merchant_id: str,
    serial: int,
    programme_name: str,
    url: str,
    cjk_font: bytes | None = None,
) -> bytes:
    """Return a one-page PDF, A5 upright; the same input gives the same bytes.

    :param merchant_name: shrunk and wrapped to fit; beyond 64 characters it ends in `…`
    :param serial: which issue of this merchant's placard it is
    :param url: what the code says, at most 512 bytes
    :param cjk_font: a TrueType font or collection to embed; without one, whatever opens the PDF
        supplies the Chinese face
    No text can break the page. Raises ValueError for a url or a font that cannot be used.
    """
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH_MM * mm, HEIGHT_MM * mm), invariant=1, pageCompression=1)
    letters = Lettering(canvas, cjk_font=cjk_font)
    page = _Page(canvas, letters)
    name = letters.tidy(merchant_name, max_chars=MAX_NAME_CHARS)
    number = letters.tidy(merchant_id, max_chars=16)
    canvas.setTitle(f"{number}-{serial} {name}")
    _draw_ground(page)
    _draw_heading(page)
    page.fitted(_PROGRAMME_BOX, letters.tidy(programme_name, max_chars=40), colour=white)
    _draw_code(page, url)
    page.fitted(_NAME_BOX, name, colour=_INK)
    page.line(_MIDDLE_MM, 167, f"商户编号 {number}", size=11, colour=_SOFT)
    _draw_steps(page)
    page.line(_MIDDLE_MM, _FOOT_TOP_MM + 5.5, NOTE, size=12.5, colour=white, bold=True)
    page.line(_MIDDLE_MM, _FOOT_TOP_MM + 11, f"码牌序号 {number}-{serial}", size=8, colour=_GOLD)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Page:
    """The canvas in millimetres from the top left corner."""

    def __init__(self, canvas: Canvas, letters: Lettering) -> None:
        self.canvas = canvas
        self.letters = letters

    def rect(  # a box with corners of the given radius
        self, x: float, top: float, width: float, height: float, *, fill: Color, radius: float = 0
    ) -> None:
        self.canvas.setFillColor(fill)
        y = HEIGHT_MM - top - height
        self.canvas.roundRect(
            x * mm, y * mm, width * mm, height * mm, radius * mm, stroke=0, fill=1
        )

    def disc(self, x: float, y: float, radius: float, *, fill: Color) -> None:
        self.canvas.setFillColor(fill)
        self.canvas.circle(x * mm, (HEIGHT_MM - y) * mm, radius * mm, stroke=0, fill=1)

    def line(  # one line of text, centred on (x, y)
        self, x: float, y: float, text: str, *, size: float, colour: Color, bold: bool = False
    ) -> None:
        self.letters.draw(x * mm, (HEIGHT_MM - y) * mm, text, size=size, colour=colour, bold=bold)

    def fitted(self, box: _Box, text: str, *, colour: Color) -> None:
        size, lines = self.letters.fit(
            text,
            width=box.width_mm * mm,
            height=box.height_mm * mm,
            largest=box.largest,
            smallest=box.smallest,
        )
        step = LEADING * size / mm
        first = box.top_mm + box.height_mm / 2 - step * (len(lines) - 1) / 2
        for i, line in enumerate(lines):
            self.line(_MIDDLE_MM, first + i * step, line, size=size, colour=colour, bold=True)

    @contextmanager
    def clipped(self, x: float, top: float, width: float, height: float) -> Iterator[None]:
        self.canvas.saveState()
        path: PDFPathObject = self.canvas.beginPath()
        path.rect(x * mm, (HEIGHT_MM - top - height) * mm, width * mm, height * mm)
        self.canvas.clipPath(path, stroke=0, fill=0)
        yield
        self.canvas.restoreState()


def _draw_ground(page: _Page) -> None:
    """Cream paper, the red band with the torn edge of a voucher, the red foot."""
    page.rect(0, 0, WIDTH_MM, HEIGHT_MM, fill=_CREAM)
    with page.clipped(0, 0, WIDTH_MM, _BAND_MM):
        top, bottom = HEIGHT_MM * mm, (HEIGHT_MM - _BAND_MM) * mm
        page.canvas.linearGradient(0, top, WIDTH_MM * mm, bottom, (_RED, _RED_LIGHT))
        for x, y, radius in ((8, 76, 34), (142, 8, 40), (132, 70, 16)):
            page.disc(x, y, radius, fill=_VEIL)
    teeth = 20
    pitch = WIDTH_MM / teeth
    for i in range(teeth + 1):
        page.disc(i * pitch, _BAND_MM, pitch * 0.33, fill=_CREAM)
    page.rect(0, _FOOT_TOP_MM, WIDTH_MM, HEIGHT_MM - _FOOT_TOP_MM, fill=_RED_DARK)


def _draw_heading(page: _Page) -> None:
    """What the shop is, between two golden rules."""
    page.line(_MIDDLE_MM, 12, "消费券参与商户", size=13, colour=_GOLD)
    for x in (_MIDDLE_MM - 38, _MIDDLE_MM + 20):
        page.rect(x, 11.8, 18, 0.35, fill=_GOLD)
    for x in (_MIDDLE_MM - 20, _MIDDLE_MM + 20):
        page.disc(x, 12, 0.8, fill=_GOLD)


def _draw_code(page: _Page, url: str) -> None:
    """The QR code on its white card; the margin of four modules lies inside the card."""
    x = _MIDDLE_MM - _CARD_MM / 2
    page.rect(x - 0.5, _CARD_TOP_MM + 0.6, _CARD_MM + 1, _CARD_MM + 0.8, fill=_SHADE, radius=5)
    page.rect(x, _CARD_TOP_MM, _CARD_MM, _CARD_MM, fill=white, radius=4.5)
    side, runs = dark_runs(url)
    module = _CARD_MM / (side + 2 * QUIET_ZONE_MODULES)
    left, top = x + QUIET_ZONE_MODULES * module, _CARD_TOP_MM + QUIET_ZONE_MODULES * module
    canvas = page.canvas
    canvas.setFillColor(HexColor(0x000000))
    path = canvas.beginPath()
    for row, column, length in runs:
        y = HEIGHT_MM - top - (row + 1) * module
        path.rect((left + column * module) * mm, y * mm, length * module * mm, module * mm)
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_steps(page: _Page) -> None:
    """Three numbered steps side by side, an arrow between them."""
    centres = (27.0, _MIDDLE_MM, WIDTH_MM - 27.0)
    for number, (x, text) in enumerate(zip(centres, STEPS, strict=True), start=1):
        page.disc(x, 177.5, 4.2, fill=_RED)
        page.line(x, 177.5, str(number), size=13, colour=white, bold=True)
        page.line(x, 187, text, size=12.5, colour=_INK, bold=True)
    for x in ((centres[0] + centres[1]) / 2, (centres[1] + centres[2]) / 2):
        _draw_arrow(page, x, 177.5)


def _draw_arrow(page: _Page, x: float, y: float) -> None:
    canvas = page.canvas
    canvas.setStrokeColor(_RED_LIGHT)
    canvas.setLineWidth(1.4)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    path = canvas.beginPath()
    up = HEIGHT_MM - y
    path.moveTo((x - 6) * mm, up * mm)
    path.lineTo((x + 6) * mm, up * mm)
    path.moveTo((x + 3.6) * mm, (up + 2.2) * mm)
    path.lineTo((x + 6) * mm, up * mm)
    path.lineTo((x + 3.6) * mm, (up - 2.2) * mm)
    canvas.drawPath(path, stroke=1, fill=0)
