"""The placard a shop hangs at its till: A5 or A6 upright, drawn in vectors, in Chinese.

A page for each shop; the A6 is the A5 made smaller, its code still 5 cm wide. Measures are in
millimetres of the A5 from the top left corner.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Literal

from reportlab.lib.colors import white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from merchant_qr.lettering import Lettering
from merchant_qr.page import CREAM, GOLD, INK, RED_DARK, SOFT, Box, Page

Size = Literal["A5", "A6"]
SIZES_MM: dict[Size, tuple[float, float]] = {"A5": (148, 210), "A6": (105, 148)}
MAX_NAME_CHARS = 64
STEPS = ("微信扫一扫", "输入金额", "自动使用最大优惠")
NOTE = "本码仅用于消费券核销，不是收款码"

WIDTH_MM, HEIGHT_MM = SIZES_MM["A5"]
CARD_MM = 94.0  # the white card of the code, its margin included
_CARD_TOP_MM = 44.0
_MIDDLE_MM = WIDTH_MM / 2
_BAND_MM = 88.0  # height of the coloured band
_FOOT_TOP_MM = 195.0
_FRAME = "frame"

_PROGRAMME_BOX = Box(_MIDDLE_MM, 19, 128, 21, 36, 11)
_NAME_BOX = Box(_MIDDLE_MM, 145, 130, 18, 27, 9)


@dataclass(frozen=True, kw_only=True)
class PlacardText:
    """What one placard says.

    `serial` is which issue of this merchant's placard it is; `url` is what the code says, at most
    512 bytes, and its last part is printed below for who has to type it.
    """

    merchant_name: str
    merchant_id: str
    serial: int
    programme_name: str
    url: str


def placard_pdf(
    *,
    merchant_name: str,
    merchant_id: str,
    serial: int,
    programme_name: str,
    url: str,
    size: Size = "A5",
    cjk_font: bytes | None = None,
) -> bytes:
    """Return a one-page PDF; the parameters are those of `PlacardText` and `placards_pdf`."""
    text = PlacardText(
        merchant_name=merchant_name,
        merchant_id=merchant_id,
        serial=serial,
        programme_name=programme_name,
        url=url,
    )
    out = io.BytesIO()
    title = f"{merchant_id[:16]}-{serial} {merchant_name}"
    placards_pdf(out, [text], title=title, size=size, cjk_font=cjk_font)
    return out.getvalue()


def placards_pdf(
    out: IO[bytes],
    placards: Iterable[PlacardText],
    *,
    title: str,
    size: Size = "A5",
    cjk_font: bytes | None = None,
) -> int:
    """Write a PDF with a page for each placard; return how many. The same input, the same bytes.

    :param placards: a name is shrunk and wrapped to fit; beyond 64 characters it ends in `…`
    :param cjk_font: a TrueType font or collection to embed; without one, whatever opens the PDF
        supplies the Chinese face
    No text can break a page. Raises ValueError for a url or a font that cannot be used.
    """
    width_mm, height_mm = SIZES_MM[size]
    canvas = Canvas(out, pagesize=(width_mm * mm, height_mm * mm), invariant=1, pageCompression=1)
    letters = Lettering(canvas, cjk_font=cjk_font)
    canvas.setTitle(letters.tidy(title, max_chars=MAX_NAME_CHARS + 24))
    page = Page(canvas, letters, height_mm=HEIGHT_MM)
    canvas.beginForm(_FRAME, 0, 0, WIDTH_MM * mm, HEIGHT_MM * mm)
    _draw_frame(page)
    canvas.endForm()
    count = 0
    for count, text in enumerate(placards, start=1):  # noqa: B007 - told to the caller
        # By the width; A6 is a millimetre less high than that, which the foot can spare.
        scale = width_mm / WIDTH_MM
        canvas.translate(0, (height_mm - HEIGHT_MM * scale) * mm)
        canvas.scale(scale, scale)
        _draw_paper(page)
        canvas.doForm(_FRAME)
        _draw_text(page, text)
        canvas.showPage()
    canvas.save()
    return count


def _draw_text(page: Page, text: PlacardText) -> None:
    letters = page.letters
    number = letters.tidy(text.merchant_id, max_chars=16)
    programme = letters.tidy(text.programme_name, max_chars=40)
    page.fitted(_PROGRAMME_BOX, programme, colour=white)
    page.code(_MIDDLE_MM - CARD_MM / 2, _CARD_TOP_MM, CARD_MM, text.url)
    typed = letters.tidy(text.url.rpartition("/")[2], max_chars=32)
    page.line(_MIDDLE_MM, 142.2, f"扫不了码可输入：{typed}", size=9.5, colour=INK)
    name = letters.tidy(text.merchant_name, max_chars=MAX_NAME_CHARS)
    page.fitted(_NAME_BOX, name, colour=INK)
    page.line(_MIDDLE_MM, 167, f"商户编号 {number}", size=11, colour=SOFT)
    foot = f"码牌序号 {number}-{text.serial}"
    page.line(_MIDDLE_MM, _FOOT_TOP_MM + 11, foot, size=8, colour=GOLD)


def _draw_paper(page: Page) -> None:
    """Cream paper and the red band; on each page anew, as a form holds no gradient."""
    page.rect(0, 0, WIDTH_MM, HEIGHT_MM, fill=CREAM)
    page.band(WIDTH_MM, _BAND_MM, discs=((8, 76, 34), (142, 8, 40), (132, 70, 16)), teeth=20)


def _draw_frame(page: Page) -> None:
    """What is the same on all placards: the heading between golden rules, three steps, the foot."""
    page.rect(0, _FOOT_TOP_MM, WIDTH_MM, HEIGHT_MM - _FOOT_TOP_MM, fill=RED_DARK)
    page.line(_MIDDLE_MM, _FOOT_TOP_MM + 5.5, NOTE, size=12.5, colour=white, bold=True)
    page.line(_MIDDLE_MM, 12, "消费券参与商户", size=13, colour=GOLD)
    for x in (_MIDDLE_MM - 38, _MIDDLE_MM + 20):
        page.rect(x, 11.8, 18, 0.35, fill=GOLD)
    for x in (_MIDDLE_MM - 20, _MIDDLE_MM + 20):
        page.disc(x, 12, 0.8, fill=GOLD)
    centres = (27.0, _MIDDLE_MM, WIDTH_MM - 27.0)
    for number, (x, text) in enumerate(zip(centres, STEPS, strict=True), start=1):
        page.step(x, 177.5, number, text)
    for x in ((centres[0] + centres[1]) / 2, (centres[1] + centres[2]) / 2):
        page.arrow(x, 177.5)
