"""The page of placards and posters, and a placard that the browser prints."""

from backend.domain.staff import Role
from tests.browser.conftest import PageAs
from tests.factories import SUPERMARKET, City


def test_posters_are_offered_and_a_placard_prints_on_one_a5_page(
    city: City, page_as: PageAs
) -> None:
    eyes = page_as(Role.BUREAU_OPERATOR)
    assert "五一乐购券 A3 海报" in eyes.go("/console/placards/batch").inner_text("main")
    page = eyes.go(f"/console/placards/{SUPERMARKET}/print")
    assert page.locator("img").evaluate("picture => picture.naturalWidth") > 0
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.count(b"/Type /Page\n") == 1
