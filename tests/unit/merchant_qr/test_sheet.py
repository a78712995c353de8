"""The printed placard: it scans, it names the shop, and no name breaks it."""

import ctypes
import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import reportlab
from hypothesis import given, settings
from hypothesis import strategies as st

from merchant_qr.image import modules
from merchant_qr.payload import placard_code, placard_url
from merchant_qr.sheet import NOTE, STEPS, PlacardText, Size, placard_pdf, placards_pdf
from tests.unit.merchant_qr.scanning import blurred, rendered, scan

URL = placard_url(
    "https://xfq.example.gov.cn", placard_code(merchant_id="TJ0001", serial=3, key=bytes(32))
)
# A TrueType font that is always here; it has Latin letters and no Chinese ones.
TRUETYPE = (Path(reportlab.__file__).parent / "fonts/Vera.ttf").read_bytes()
# The same, its index of glyphs said to lie past the end of the file.
_INDEX = TRUETYPE.index(b"loca") + 8
LOST_GLYPHS = TRUETYPE[:_INDEX] + b"\x00\xff\xff\xff" + TRUETYPE[_INDEX + 4 :]
LONG_NAME = (
    "同江市三江口街津口赫哲族乡阿依古丽·买买提（个体工商户）特色江鱼、鳇鱼子酱、"
    "手工鱼皮画工艺品综合经营部同江港分店东极路总店"
)


def sheet(merchant_name: str = "街津口赫哲鳇鱼馆", **changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "merchant_id": "TJ0001",
        "serial": 3,
        "programme_name": "同江市政府消费券",
        "url": URL,
    }
    return placard_pdf(merchant_name=merchant_name, **(fields | changed))


def page_text(pdf: bytes) -> str:
    return str(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded())


def fonts_of_characters(pdf: bytes) -> dict[str, str]:
    """Return the name of the font the PDF asks for, character by character."""
    text = pypdfium2.PdfDocument(pdf)[0].get_textpage()
    fonts = {}
    for i in range(text.count_chars()):
        name = ctypes.create_string_buffer(128)
        pypdfium2.raw.FPDFText_GetFontInfo(text, i, name, len(name), None)
        fonts[chr(pypdfium2.raw.FPDFText_GetUnicode(text, i))] = name.value.decode()
    return fonts


@pytest.mark.parametrize(("size", "card_mm"), [("A5", 94), ("A6", 94 * 105 / 148)])
@pytest.mark.parametrize("name", ["老李包子铺", LONG_NAME])
def test_a_print_at_300_dpi_scans_to_exactly_the_url_sharp_and_blurred(
    name: str, size: Size, card_mm: float
) -> None:
    print_ = rendered(sheet(name, size=size), dpi=300)
    assert scan(print_) == [URL]
    module_px = card_mm / 25.4 * 300 / (len(modules(URL)) + 8)
    assert module_px * len(modules(URL)) / 300 * 25.4 >= 30  # the code itself, in millimetres
    assert scan(blurred(print_, module_px=module_px)) == [URL]


def test_the_printed_code_is_at_least_7_cm_wide_in_the_middle_of_its_card() -> None:
    dpi = 100
    page = rendered(sheet(""), dpi=dpi).convert("L")
    black = page.point(lambda level: 255 if level < 20 else 0).getbbox()
    assert black is not None
    left, top, right, bottom = (pixels / dpi * 25.4 for pixels in black)
    assert right - left >= 70
    assert (right - left, bottom - top) == pytest.approx((bottom - top, right - left), abs=0.5)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((74, 44 + 94 / 2), abs=0.5)


@pytest.mark.parametrize(("size", "mm"), [("A5", (148, 210)), ("A6", (105, 148))])
def test_the_sheet_is_one_page_upright(size: Size, mm: tuple[float, float]) -> None:
    document = pypdfium2.PdfDocument(sheet(size=size))
    assert len(document) == 1
    wanted = tuple(side / 25.4 * 72 for side in mm)
    assert document[0].get_size() == pytest.approx(wanted, abs=0.01)


def test_what_has_to_be_typed_when_nothing_scans_is_printed_below_the_code() -> None:
    assert URL.rpartition("/")[2] in page_text(sheet())


def test_a_batch_has_a_page_for_each_placard_and_is_the_same_to_the_byte() -> None:
    def batch() -> bytes:
        out = io.BytesIO()
        texts = (
            PlacardText(
                merchant_name=f"第{n}家店",
                merchant_id=f"TJ{n:04d}",
                serial=1,
                programme_name="同江市政府消费券",
                url=URL.replace("TJ0001", f"TJ{n:04d}"),
            )
            for n in range(1, 6)
        )
        assert placards_pdf(out, texts, title="码牌", size="A6") == 5
        return out.getvalue()

    document = pypdfium2.PdfDocument(batch())
    assert batch() == batch()
    for n, page in enumerate(document, start=1):
        picture = page.render(scale=150 / 72).to_pil()
        assert scan(picture) == [URL.replace("TJ0001", f"TJ{n:04d}")]
        text = page.get_textpage().get_text_bounded()
        assert f"第{n}家店" in text
        assert NOTE in text


def test_the_sheet_says_who_how_and_what_it_is_not() -> None:
    text = page_text(sheet())
    for said in (
        "同江市政府消费券",
        "街津口赫哲鳇鱼馆",
        "商户编号 TJ0001",
        "TJ0001-3",
        NOTE,
        *STEPS,
    ):
        assert said in text


@pytest.mark.parametrize("font", [None, TRUETYPE], ids=["viewer's face", "embedded font"])
def test_rare_characters_and_the_middle_dot_are_in_the_text(font: bytes | None) -> None:
    text = page_text(sheet("街津口赫哲鳇䶮·买买提", cjk_font=font))
    assert "街津口赫哲鳇䶮·买买提" in text


def test_the_middle_dot_is_not_left_to_the_chinese_face() -> None:
    fonts = fonts_of_characters(sheet("买·买"))
    assert "Song" in fonts["买"]
    assert "Song" not in fonts["·"]


def test_a_name_of_64_characters_is_printed_whole() -> None:
    name = (LONG_NAME * 2)[:64]
    assert name in page_text(sheet(name)).replace("\r\n", "")


@pytest.mark.parametrize(
    "name",
    [
        "((()))\\)(\\",
        ") Tj ET Q endstream endobj (",
        "\x00\x01\x1b[31m\x7f老李\x85",
        "\u202e铺子包\u200d\ufeff",
        "李" * 300,
        "x" * 300,
        "🔥🔥👨‍👩‍👧店",
        "\ud800",
        "<b>&amp;</b>",
        "",
        " \t\n",
    ],
)
def test_no_name_breaks_the_sheet(name: str) -> None:
    pdf = sheet(name, programme_name=name)
    assert scan(rendered(pdf, dpi=100)) == [URL]
    assert NOTE in page_text(pdf)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=120))
def test_any_name_leaves_one_page_that_scans(name: str) -> None:
    assert scan(rendered(sheet(name), dpi=75)) == [URL]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert sheet() == sheet()
    assert sheet(cjk_font=TRUETYPE) == sheet(cjk_font=TRUETYPE)
    assert sheet() != sheet("别家")


def test_a_given_font_is_embedded_as_a_subset_and_none_without_one() -> None:
    with_font = sheet("Lao Li", cjk_font=TRUETYPE)
    assert b"/FontFile2" in with_font
    assert len(with_font) < len(TRUETYPE)
    assert b"/FontFile" not in sheet("Lao Li")


@pytest.mark.parametrize(
    "font",
    [b"", b"not a font", b"OTTO" + bytes(200), TRUETYPE[:5000], LOST_GLYPHS],
    ids=["empty", "text", "CFF", "cut off", "glyph index lost"],
)
def test_a_font_that_cannot_be_embedded_is_refused(font: bytes | None) -> None:
    with pytest.raises(ValueError, match="TrueType"):
        sheet(cjk_font=font)


def test_a_url_no_code_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        sheet(url="")
