"""QR pictures, read back by a real decoder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import resvg_py
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from merchant_qr.image import modules, png, svg
from merchant_qr.payload import placard_code, placard_url
from tests.unit.merchant_qr.scanning import blurred, opened, scan

VECTORS = json.loads(
    (Path(__file__).parents[2] / "contracts/vectors/barcodes.json").read_text(encoding="utf-8")
)
URL = placard_url(
    "https://xfq.example.gov.cn", placard_code(merchant_id="TJ0001", serial=3, key=bytes(32))
)


@pytest.mark.parametrize("case", [case for case in VECTORS["qr"] if case["ec"] == "M"])
def test_the_code_is_of_the_expected_version(case: dict[str, Any]) -> None:
    assert len(modules(case["text"])) == 17 + 4 * case["expect_version"]


@pytest.mark.parametrize("module_px", [1, 3, 10, 64])
def test_a_png_says_exactly_the_text(module_px: int) -> None:
    picture = opened(png(URL, module_px=module_px))
    assert scan(picture) == [URL]
    assert picture.width == (len(modules(URL)) + 8) * module_px


def test_a_png_survives_a_blur_of_a_fifth_of_a_module() -> None:
    assert scan(blurred(opened(png(URL, module_px=10)), module_px=10)) == [URL]


def test_an_svg_says_exactly_the_text_sharp_and_blurred() -> None:
    drawn = opened(resvg_py.svg_to_bytes(svg_string=svg(URL).decode(), width=410))
    assert scan(drawn) == [URL]
    assert scan(blurred(drawn, module_px=10)) == [URL]


def test_png_and_svg_show_the_same_modules() -> None:
    of_svg = opened(resvg_py.svg_to_bytes(svg_string=svg(URL).decode(), width=410)).convert("1")
    assert of_svg.tobytes() == opened(png(URL, module_px=10)).convert("1").tobytes()


def test_error_correction_is_m() -> None:
    (code,) = zxingcpp.read_barcodes(opened(png(URL)).convert("L"))
    assert code.ec_level == "M"


def test_the_quiet_zone_is_four_modules_and_no_more() -> None:
    picture = opened(png(URL, module_px=2)).convert("L")
    dark = picture.point(lambda level: 255 - level).getbbox()
    assert dark == (8, 8, picture.width - 8, picture.height - 8)


def test_a_hostile_text_leaves_the_svg_well_formed() -> None:
    hostile = "</path><script>alert('\"&amp;')</script>]]>同江"
    root = ET.fromstring(svg(hostile))  # noqa: S314 - our own output
    assert [child.tag for child in root] == ["{http://www.w3.org/2000/svg}path"] * 2
    assert b"script" not in svg(hostile)
    assert scan(opened(resvg_py.svg_to_bytes(svg_string=svg(hostile).decode(), width=600))) == [
        hostile
    ]


def test_the_same_text_gives_the_same_bytes() -> None:
    assert png(URL) == png(URL)
    assert svg(URL) == svg(URL)


@pytest.mark.parametrize("draw", [modules, png, svg])
def test_a_text_is_1_to_512_bytes(draw: Callable[[str], object]) -> None:
    assert draw("同" * 170 + "aa")
    for text in ("", "同" * 170 + "aaa"):
        with pytest.raises(ValueError, match="512"):
            draw(text)


@pytest.mark.parametrize("module_px", [0, -1, 65])
def test_a_module_is_1_to_64_pixels(module_px: int) -> None:
    with pytest.raises(ValueError, match="64"):
        png(URL, module_px=module_px)


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_any_printable_text_reads_back(text: str) -> None:
    assert scan(opened(png(text, module_px=4))) == [text]
