"""The page of placards and posters, and a placard that the browser prints."""

import pytest

from backend.domain.staff import Role
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import SUPERMARKET, City


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_placards_and_posters_are_legible_and_a_placard_prints_on_one_a5_page(
    city: City, page_as: PageAs, width: int
) -> None:
    eyes = page_as(Role.BUREAU_OPERATOR, width=width)
    assert "五一乐购券 A3 海报" in eyes.open("/console/placards/batch").inner_text("main")
    page = eyes.open(f"/console/placards/{SUPERMARKET}/print")
    assert page.locator("img").evaluate("picture => picture.naturalWidth") > 0
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.count(b"/Type /Page\n") == 1
