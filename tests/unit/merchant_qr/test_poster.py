"""A campaign's poster: it scans, it says what and until when, and no text breaks it."""

from dataclasses import replace

import pypdfium2
import pytest
from PIL import Image

from merchant_qr.image import modules
from merchant_qr.poster import STEPS, WARNING, PosterText, Size, poster_pdf
from tests.unit.merchant_qr.scanning import blurred, scan

URL = "https://xfq.example.gov.cn/c/Q2-MAY"
TEXT = PosterText(
    programme_name="2023年同江市消费券",
    campaign_name="五一乐购券",
    dates="2023年4月28日 10:00 至 2023年5月10日 24:00",
    tiers=[("10元", "满50元可用"), ("30元", "满100元可用"), ("90元", "满300元可用")],
    rules="限街津口赫哲族乡的商超、鳇鱼馆",
    hotline="12345",
    url=URL,
)
PAGES_MM: dict[Size, tuple[float, float]] = {"A3": (297, 420), "rollup": (800, 2000)}
CODES_MM: dict[Size, tuple[float, float]] = {"A3": (104, 270), "rollup": (400, 1280)}  # side, top
both = pytest.mark.parametrize("size", PAGES_MM)


def text_of(pdf: bytes) -> str:
    page = pypdfium2.PdfDocument(pdf)[0]
    return str(page.get_textpage().get_text_bounded()).replace("\r\n", "")


def code_of(pdf: bytes, size: Size, dpi: float) -> Image.Image:
    """Return the part of the page around its code: a whole roll-up would be 220 megapixels."""
    page = pypdfium2.PdfDocument(pdf)[0]
    (width, height), (side, top) = PAGES_MM[size], CODES_MM[size]
    away = (width - side) / 2 - 10
    crop = tuple(mm * 72 / 25.4 for mm in (away, height - top - side - 10, away, top - 10))
    picture: Image.Image = page.render(scale=dpi / 72, crop=crop).to_pil()
    return picture


@both
def test_a_print_at_300_dpi_scans_sharp_and_blurred_by_a_fifth_of_a_module(size: Size) -> None:
    print_ = code_of(poster_pdf(TEXT, size=size), size, 300)
    assert scan(print_) == [URL]
    module_px = CODES_MM[size][0] / 25.4 * 300 / (len(modules(URL)) + 8)
    assert scan(blurred(print_, module_px=module_px)) == [URL]


@both
def test_a_poster_is_one_page_of_its_size_that_says_what_when_and_how(size: Size) -> None:
    pdf = poster_pdf(TEXT, size=size)
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    wanted = tuple(side / 25.4 * 72 for side in PAGES_MM[size])
    assert document[0].get_size() == pytest.approx(wanted, abs=0.01)
    said = text_of(pdf)
    for text in (
        *(TEXT.programme_name, TEXT.campaign_name, TEXT.dates, TEXT.rules, TEXT.url),
        *("30元", "满100元可用", "服务热线 12345", WARNING),
        *STEPS,
    ):
        assert text in said, text


@both
def test_the_same_text_gives_the_same_bytes(size: Size) -> None:
    assert poster_pdf(TEXT, size=size) == poster_pdf(TEXT, size=size)


@both
@pytest.mark.parametrize("tiers", [0, 1, 2, 4, 5, 6, 9])
def test_any_number_of_tiers_keeps_off_the_code_and_above_the_rules(size: Size, tiers: int) -> None:
    pdf = poster_pdf(replace(TEXT, tiers=[("减5元", "无门槛")] * tiers), size=size)
    assert scan(code_of(pdf, size, 40)) == [URL]
    assert text_of(pdf).count("无门槛") == min(tiers, 6)


@pytest.mark.parametrize(
    "text", ["", "李" * 300, ") Tj ET Q endstream", "\x00\x1b[31m\x7f", "🔥<b>&amp;", "x" * 300]
)
def test_no_text_breaks_a_poster(text: str) -> None:
    changed = replace(TEXT, campaign_name=text, dates=text, rules=text, tiers=[(text, text)] * 3)
    pdf = poster_pdf(replace(changed, programme_name=text, hotline=text), size="A3")
    assert scan(code_of(pdf, "A3", 80)) == [URL]
    assert WARNING in text_of(pdf)


def test_a_poster_is_printed_in_ink_that_is_read_from_afar() -> None:
    """The name of the campaign is white on red, at least two centimetres high on an A3."""
    page = pypdfium2.PdfDocument(poster_pdf(TEXT, size="A3"))[0]
    picture = page.render(scale=1).to_pil().convert("RGB").crop((100, 110, 740, 270))
    white = picture.convert("L").point(lambda level: 255 if level > 250 else 0).getbbox()
    assert white is not None
    assert (white[3] - white[1]) / 72 * 25.4 >= 20
