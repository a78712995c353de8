"""A campaign's poster: A3 for a shop window, and a roll-up of 80 × 200 cm in its real size.

Measures are in millimetres from the top left corner. The same input gives the same bytes.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reportlab.lib.colors import white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from merchant_qr.lettering import Lettering
from merchant_qr.page import CREAM, GOLD, INK, RED, RED_DARK, SHADE, SOFT, Box, Page

Size = Literal["A3", "rollup"]
MAX_TIERS = 6  # more do not fit; the campaign's page names them all
STEPS = ("微信扫码看活动", "到点打开小程序领券", "到参与商户付款用券")
WARNING = "领券不收任何费用，凡要求转账、索要验证码的都是诈骗"


@dataclass(frozen=True, kw_only=True)
class PosterText:
    """What a poster says, in words for people.

    `tiers` are (what it takes off, from what amount), such as ("30元", "满100元可用"); `rules` is
    one line on where it counts; `url` leads to the campaign's public page.
    """

    programme_name: str
    campaign_name: str
    dates: str
    tiers: Sequence[tuple[str, str]]
    rules: str
    hotline: str
    url: str


@dataclass(frozen=True)
class _Layout:
    """One size: where its parts begin, how large they are; `scale` is against the A5's letters."""

    width: float
    height: float
    scale: float
    band: float
    title: Box
    dates: Box
    tickets_top: float
    tickets_height: float
    columns: int
    rules: Box
    steps: float
    code_top: float
    code_side: float
    foot_top: float


_LAYOUTS: dict[Size, _Layout] = {
    "A3": _Layout(
        width=297,
        height=420,
        scale=1.75,
        band=150,
        title=Box(148.5, 40, 260, 52, 84, 20),
        dates=Box(148.5, 96, 250, 18, 30, 12),
        tickets_top=122,
        tickets_height=88,
        columns=3,
        rules=Box(148.5, 216, 255, 18, 20, 9),
        steps=244,
        code_top=270,
        code_side=104,
        foot_top=398,
    ),
    # Read standing: the code is held below the eyes, and the feet of passers-by hide nothing.
    "rollup": _Layout(
        width=800,
        height=2000,
        scale=5,
        band=620,
        title=Box(400, 150, 700, 240, 300, 60),
        dates=Box(400, 420, 680, 80, 90, 36),
        tickets_top=540,
        tickets_height=500,
        columns=2,
        rules=Box(400, 1060, 690, 70, 60, 26),
        steps=1180,
        code_top=1280,
        code_side=400,
        foot_top=1840,
    ),
}


def poster_pdf(text: PosterText, *, size: Size, cjk_font: bytes | None = None) -> bytes:
    """Return a one-page PDF.

    :param cjk_font: a TrueType font or collection to embed; without one, whatever opens the PDF
        supplies the Chinese face
    No text can break the page. Raises ValueError for a url or a font that cannot be used.
    """
    layout = _LAYOUTS[size]
    out = io.BytesIO()
    pagesize = (layout.width * mm, layout.height * mm)
    canvas = Canvas(out, pagesize=pagesize, invariant=1, pageCompression=1)
    letters = Lettering(canvas, cjk_font=cjk_font)
    page = Page(canvas, letters, height_mm=layout.height)
    canvas.setTitle(letters.tidy(text.campaign_name, max_chars=64))
    _draw_ground(page, layout)
    _draw_heading(page, layout, text)
    _draw_tickets(page, layout, text.tiers[:MAX_TIERS])
    page.fitted(layout.rules, letters.tidy(text.rules, max_chars=120), colour=INK)
    _draw_steps(page, layout)
    _draw_code(page, layout, text)
    _draw_foot(page, layout, letters.tidy(text.hotline, max_chars=32))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_ground(page: Page, layout: _Layout) -> None:
    width, band = layout.width, layout.band
    page.rect(0, 0, width, layout.height, fill=CREAM)
    discs = (
        (0.05 * width, 0.86 * band, 0.23 * width),
        (0.96 * width, 0.1 * band, 0.27 * width),
        (0.9 * width, 0.8 * band, 0.11 * width),
    )
    page.band(width, band, discs=discs, teeth=24)


def _draw_heading(page: Page, layout: _Layout, text: PosterText) -> None:
    middle, tidy = layout.width / 2, page.letters.tidy
    height = layout.title.top_mm * 0.45
    eyebrow = Box(middle, layout.title.top_mm * 0.4, 0.86 * layout.width, height, 90, 12)
    page.fitted(
        eyebrow._replace(largest=round(14 * layout.scale)),
        tidy(text.programme_name, max_chars=40),
        colour=GOLD,
    )
    page.fitted(layout.title, tidy(text.campaign_name, max_chars=40), colour=white)
    page.fitted(layout.dates, tidy(text.dates, max_chars=80), colour=white)


def _draw_tickets(page: Page, layout: _Layout, tiers: Sequence[tuple[str, str]]) -> None:
    """The tiers as white tickets in rows that fill their place, the last row in the middle."""
    columns, gap = min(layout.columns, max(len(tiers), 1)), layout.width * 0.03
    rows = -(-len(tiers) // columns)
    width = (layout.width * 0.9 - gap * (columns - 1)) / columns
    height = layout.tickets_height / max(rows, 1) - gap / 2
    for n, (off, threshold) in enumerate(tiers):
        row, column = divmod(n, columns)
        in_row = min(columns, len(tiers) - row * columns)
        left = (layout.width - in_row * width - (in_row - 1) * gap) / 2 + column * (width + gap)
        top = layout.tickets_top + row * (height + gap / 2)
        _draw_ticket(page, (left, top, width, height), off, threshold)


def _draw_ticket(
    page: Page, place: tuple[float, float, float, float], off: str, threshold: str
) -> None:
    left, top, width, height = place
    tidy = page.letters.tidy
    page.rect(left, top + height * 0.02, width, height, fill=SHADE, radius=height * 0.1)
    page.rect(left, top, width, height, fill=white, radius=height * 0.1)
    middle, largest = left + width / 2, round(height * 1.4)
    upper = Box(middle, top + height * 0.08, width * 0.86, height * 0.56, largest, 8)
    lower = Box(middle, top + height * 0.66, width * 0.86, height * 0.26, round(height * 0.5), 6)
    page.fitted(upper, tidy(off, max_chars=16), colour=RED)
    page.fitted(lower, tidy(threshold, max_chars=24), colour=INK)


def _draw_steps(page: Page, layout: _Layout) -> None:
    places = [layout.width * part for part in (0.2, 0.5, 0.8)]
    scale = layout.scale * 0.95
    for number, (x, text) in enumerate(zip(places, STEPS, strict=True), start=1):
        page.step(x, layout.steps, number, text, scale=scale)
    for x in (layout.width * 0.35, layout.width * 0.65):
        page.arrow(x, layout.steps, scale=scale)


def _draw_code(page: Page, layout: _Layout, text: PosterText) -> None:
    middle, side = layout.width / 2, layout.code_side
    page.code(middle - side / 2, layout.code_top, side, text.url)
    below = layout.code_top + side
    link = Box(middle, below + side * 0.03, layout.width * 0.9, side * 0.08, 40, 6)
    shown = page.letters.tidy(text.url, max_chars=120)
    page.fitted(link._replace(largest=round(9 * layout.scale)), shown, colour=SOFT)


def _draw_foot(page: Page, layout: _Layout, hotline: str) -> None:
    top = layout.foot_top
    page.rect(0, top, layout.width, layout.height - top, fill=RED_DARK)
    size = layout.scale
    middle = layout.width / 2
    page.line(
        middle, top + 4.6 * size, f"服务热线 {hotline}", size=13 * size, colour=white, bold=True
    )
    page.line(middle, top + 9.6 * size, WARNING, size=8 * size, colour=GOLD)
