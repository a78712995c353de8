"""One page to draw on: millimetres from the top left corner, texts centred, a QR code in vectors.

Only this module turns millimetres into points (1/72 inch, y upwards), as ReportLab has them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from merchant_qr.image import QUIET_ZONE_MODULES, dark_runs
from merchant_qr.lettering import LEADING, Lettering

RED = HexColor(0xC8161D)
RED_LIGHT = HexColor(0xE9482B)
RED_DARK = HexColor(0xA50F17)
GOLD = HexColor(0xFFE2A0)
VEIL = Color(1, 1, 1, alpha=0.07)
CREAM = HexColor(0xFFF7EA)
SHADE = HexColor(0xF1DFC8)
INK = HexColor(0x2B1A17)
SOFT = HexColor(0x6F554C)  # 6.6:1 on cream
_BLACK = HexColor(0x000000)
_TEETH_RADIUS = 0.33  # in pitches: the torn edge of a voucher


class Box(NamedTuple):
    """Where a text goes, centred, and between which sizes (points) it may shrink."""

    middle_mm: float
    top_mm: float
    width_mm: float
    height_mm: float
    largest: int
    smallest: int


class Page:
    """A canvas in millimetres from the top left corner."""

    def __init__(self, canvas: Canvas, letters: Lettering, *, height_mm: float) -> None:
        self.canvas = canvas
        self.letters = letters
        self._height_mm = height_mm

    def rect(  # a box with corners of the given radius
        self, x: float, top: float, width: float, height: float, *, fill: Color, radius: float = 0
    ) -> None:
        self.canvas.setFillColor(fill)
        y = self._height_mm - top - height
        self.canvas.roundRect(
            x * mm, y * mm, width * mm, height * mm, radius * mm, stroke=0, fill=1
        )

    def disc(self, x: float, y: float, radius: float, *, fill: Color) -> None:
        self.canvas.setFillColor(fill)
        self.canvas.circle(x * mm, self._up(y), radius * mm, stroke=0, fill=1)

    def line(  # one line of text, centred on (x, y)
        self, x: float, y: float, text: str, *, size: float, colour: Color, bold: bool = False
    ) -> None:
        self.letters.draw(x * mm, self._up(y), text, size=size, colour=colour, bold=bold)

    def fitted(self, box: Box, text: str, *, colour: Color) -> None:
        """Draw a text as large as its box allows, wrapped, bold."""
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
            self.line(box.middle_mm, first + i * step, line, size=size, colour=colour, bold=True)

    def band(
        self,
        width: float,
        height: float,
        *,
        discs: Sequence[tuple[float, float, float]],
        teeth: int,
    ) -> None:
        """Draw the red band at the top, veiled by discs (x, y, radius), torn below as a voucher."""
        with self._clipped(0, 0, width, height):
            self.canvas.linearGradient(
                0, self._up(0), width * mm, self._up(height), (RED, RED_LIGHT)
            )
            for x, y, radius in discs:
                self.disc(x, y, radius, fill=VEIL)
        pitch = width / teeth
        for i in range(teeth + 1):
            self.disc(i * pitch, height, pitch * _TEETH_RADIUS, fill=CREAM)

    def code(self, x: float, top: float, side: float, text: str) -> None:
        """Draw a QR code black on a white card; its margin of four modules lies inside `side`."""
        edge = side / 94
        self.rect(
            x - edge / 2, top + edge * 0.6, side + edge, side + edge * 0.8, fill=SHADE, radius=5
        )
        self.rect(x, top, side, side, fill=white, radius=4.5)
        modules, runs = dark_runs(text)
        canvas = self.canvas
        canvas.saveState()
        canvas.translate(x * mm, self._up(top))
        # In modules, whole numbers: a quarter of the bytes that points would take.
        scale = side * mm / (modules + 2 * QUIET_ZONE_MODULES)
        canvas.scale(scale, -scale)
        canvas.setFillColor(_BLACK)
        path: PDFPathObject = canvas.beginPath()
        for row, column, length in runs:
            path.rect(column + QUIET_ZONE_MODULES, row + QUIET_ZONE_MODULES, length, 1)
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.restoreState()

    def step(self, x: float, y: float, number: int, text: str, *, scale: float = 1) -> None:
        """Draw a number in a disc, and below it what to do."""
        self.disc(x, y, 4.2 * scale, fill=RED)
        self.line(x, y, str(number), size=13 * scale, colour=white, bold=True)
        self.line(x, y + 9.5 * scale, text, size=12.5 * scale, colour=INK, bold=True)

    def arrow(self, x: float, y: float, *, scale: float = 1) -> None:
        """Draw an arrow to the right, its middle at the point."""
        canvas = self.canvas
        canvas.setStrokeColor(RED_LIGHT)
        canvas.setLineWidth(1.4 * scale)
        canvas.setLineCap(1)
        canvas.setLineJoin(1)
        path: PDFPathObject = canvas.beginPath()
        path.moveTo((x - 6 * scale) * mm, self._up(y))
        path.lineTo((x + 6 * scale) * mm, self._up(y))
        path.moveTo((x + 3.6 * scale) * mm, self._up(y - 2.2 * scale))
        path.lineTo((x + 6 * scale) * mm, self._up(y))
        path.lineTo((x + 3.6 * scale) * mm, self._up(y + 2.2 * scale))
        canvas.drawPath(path, stroke=1, fill=0)

    def _up(self, y: float) -> float:
        return float((self._height_mm - y) * mm)

    @contextmanager
    def _clipped(self, x: float, top: float, width: float, height: float) -> Iterator[None]:
        self.canvas.saveState()
        path: PDFPathObject = self.canvas.beginPath()
        path.rect(x * mm, self._up(top + height), width * mm, height * mm)
        self.canvas.clipPath(path, stroke=0, fill=0)
        yield
        self.canvas.restoreState()
