"""Placards as shops get them."""

import io

import pypdfium2
import pytest
import resvg_py
import zxingcpp
from PIL import Image

from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.services import audit, merchants, placards
from tests.factories import SUPERMARKET, City


def read(picture: Image.Image) -> str:
    (found,) = zxingcpp.read_barcodes(picture)
    return found.text


def test_png_svg_and_printed_pdf_all_decode_to_the_placards_link(city: City) -> None:
    url = placards.current(SUPERMARKET).url
    png = Image.open(io.BytesIO(placards.draw(SUPERMARKET, "png")))
    assert read(png.convert("L")) == url
    svg = placards.draw(SUPERMARKET, "svg").decode()
    drawn = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=600, background="white"))
    assert read(Image.open(io.BytesIO(drawn)).convert("L")) == url
    page = pypdfium2.PdfDocument(placards.draw(SUPERMARKET, "pdf"))[0]
    assert read(page.render(scale=300 / 72).to_pil().convert("L")) == url
    printed = page.get_textpage().get_text_range()
    assert "家乐购" in printed
    assert "2023年同江市消费券" in printed


def test_re_issued_placards_count_up_and_the_newest_is_shown(city: City) -> None:
    assert placards.current(SUPERMARKET).serial == 1
    assert placards.issue(SUPERMARKET, actor="test").serial == 2
    assert placards.current(SUPERMARKET).serial == 2
    placards.revoke(SUPERMARKET, 2, actor="test", reason="印错")
    placards.revoke(SUPERMARKET, 2, actor="test", reason="印错")  # again is the same
    with pytest.raises(NotFound):
        placards.current(SUPERMARKET)


def test_a_shop_without_a_placard_has_nothing_to_show(city: City) -> None:
    with pytest.raises(NotFound):
        placards.draw("TJ0001", "png")
    with pytest.raises(NotFound):
        placards.issue("TJ9999", actor="test")
    with pytest.raises(NotFound):
        placards.revoke(SUPERMARKET, 9, actor="test", reason="x")


def test_a_re_issue_revokes_all_before_it_at_once_and_says_why(city: City) -> None:
    first = city.placard[SUPERMARKET]
    second = placards.issue(SUPERMARKET, actor="test").url
    third = placards.reissue(SUPERMARKET, actor="li.wei", reason="搬迁换新")
    assert third.serial == 3
    for old in (first, second):
        with pytest.raises(refusals.PlacardRevoked):
            merchants.of_placard(old)
    assert merchants.of_placard(third.url) == SUPERMARKET
    (act,) = audit.entries(actor="li.wei").each()
    assert (act.action, act.subject) == ("placard.reissue", f"{SUPERMARKET}-3")
    assert act.details == {"revoked": [1, 2], "reason": "搬迁换新"}
    with pytest.raises(NotFound):
        placards.reissue("TJ9999", actor="li.wei", reason="x")


def test_a_shop_prints_its_placard_on_a6_too(city: City) -> None:
    page = pypdfium2.PdfDocument(placards.draw(SUPERMARKET, "pdf", size="A6"))[0]
    assert page.get_size() == pytest.approx((105 / 25.4 * 72, 148 / 25.4 * 72), abs=0.01)
    assert read(page.render(scale=300 / 72).to_pil().convert("L")) == city.placard[SUPERMARKET]
