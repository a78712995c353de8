"""`make pictures` photographs every page of the walk, too, into .state/pictures/, to look at them.

Run by pytest for its fixtures, and named so that no test run collects it.
"""

from pathlib import Path

import pytest

from backend.edge.console.access import COOKIE
from backend.edge.console.sign_in import COOKIE as BEGUN_COOKIE
from backend.edge.merchant_web.access import COOKIE as DESK_COOKIE
from tests.browser.conftest import DESK, PHONE, Eyes
from tests.proof.conftest import Site, Whole, serving
from tests.proof.test_looks import eyes_on, give, pages_of

__all__ = ["eyes_on"]
FOLDER = Path(__file__).parents[2] / ".state" / "pictures"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["console", "desk", "public"])
def test_take_all(sites: list[Site], whole: Whole, eyes_on: Eyes, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    page, [site] = eyes_on.page, [site for site in sites if site.name == name]
    with serving(site.app) as eyes_on.site:
        for cookie in (COOKIE, BEGUN_COOKIE, DESK_COOKIE):
            give(eyes_on, cookie, whole.cookies[cookie])
        for endpoint, path in pages_of(site).items():
            for width in (DESK, PHONE):
                page.set_viewport_size({"width": width, "height": 844})
                eyes_on.go(path)
                page.screenshot(path=FOLDER / f"{name}-{endpoint}-{width}.png", full_page=True)
