"""All pages there are, on a desk's screen and on a phone's: whole, legible, by a keyboard alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from backend.domain.permissions import MATRIX
from backend.domain.staff import Role
from backend.edge.console import nav
from backend.edge.console.access import COOKIE, EverySignedIn, permission_of
from backend.edge.console.sign_in import COOKIE as BEGUN_COOKIE
from backend.edge.merchant_web.access import COOKIE as DESK_COOKIE
from tests.browser.conftest import DESK, PHONE, SMALLEST, Eyes
from tests.browser.keyboard import open_and_leave, tab_through
from tests.console import Console, sign_in
from tests.proof.conftest import Site, Whole, serving

FORMS = re.compile(r'data-dialog="([^"]+)"|action="([^"]+)"')
# A row's dialog is the next row's with another number: one of them is looked at.
ONE_OF_EACH_KIND = """[...new Map([...document.querySelectorAll('main [data-dialog]')]
  .filter(opener => opener.checkVisibility()).map(opener => opener.dataset.dialog)
  .map(name => [name.replace(/[^a-z-]+.*|[-_][^-_]*[0-9].*/i, ''), name])).values()]"""


def pages_of(site: Site, status: int = 200) -> dict[str, str]:
    """Return one address of each page of a site, by endpoint; parts of pages are none."""
    found = site.found
    whole = {at for at, a in found.pages() if "<html" in a.text}
    pages = {}
    for endpoint, addresses in found.endpoints.items():
        those = [at for at in addresses if at in whole and found.answers[at].status_code == status]
        if those:
            pages[endpoint] = those[0]
    return pages


def viewers(console: Console, endpoint: str, path: str) -> list[Role]:
    """Return the fewest roles who between them see all that may be done on a page."""
    wanted = permission_of(console.app, endpoint)
    seen = {}
    for role in Role:
        if isinstance(wanted, EverySignedIn) or wanted in MATRIX[role]:
            seen[role] = set(FORMS.findall(console.desk(role).get(path).text))
    chosen: list[Role] = []
    shown: set[tuple[str, str]] = set()
    while not chosen or set().union(*seen.values()) - shown:
        chosen.append(max(seen, key=lambda role: len(seen[role] - shown)))
        shown |= seen[chosen[-1]]
    return chosen


def visits(console: Console, addresses: dict[str, str]) -> dict[Role, list[tuple[str, bool]]]:
    """Return who is to open which pages, and whether somebody else did so before."""
    found: dict[Role, list[tuple[str, bool]]] = {}
    for endpoint, path in addresses.items():
        for number, role in enumerate(viewers(console, endpoint, path)):
            found.setdefault(role, []).append((path, number > 0))
    return found


def faults(
    eyes: Eyes, path: str, *, status: int = 200, more: tuple[int, ...] = (), again: bool = False
) -> list[str]:
    """Look at a page wide, go through it by Tab, look at it narrow and at each of its dialogs.

    :param again: somebody else was here: what may be new are its forms, so narrow is enough
    """
    page = eyes.page
    page.set_viewport_size({"width": DESK, "height": 800})
    eyes.go(path, status)
    found = [] if again else [*eyes.faults(), *tab_through(page)]
    for width in (PHONE, *more):
        page.set_viewport_size({"width": width, "height": 844})
        found += [f"{width}: {fault}" for fault in eyes.faults()]
    for opener in page.evaluate(ONE_OF_EACH_KIND):
        found += open_and_leave(page, opener, eyes.faults)
    return [f"{path}: {fault}" for fault in found]


@pytest.fixture
def eyes_on(browser: Browser) -> Iterator[Eyes]:
    """One window for a whole walk, where nothing moves that need not."""
    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", reduced_motion="reduce"
    )
    eyes = Eyes(context.new_page(), "")
    yield eyes
    context.close()
    eyes.finish()


def give(eyes: Eyes, cookie: str, token: str) -> None:
    """Let a window be somebody's who has signed in."""
    given = {"name": cookie, "value": token, "url": eyes.site}
    eyes.page.context.add_cookies([given])  # type: ignore[list-item]  # a TypedDict


@pytest.mark.timeout(600)  # some 110 visits; a machine with other work takes minutes for them
def test_every_page_of_the_console_by_whoever_can_do_something_there(
    walked: list[Site], whole: Whole, console: Console, eyes_on: Eyes
) -> None:
    addresses = pages_of(walked[0])
    assert len(addresses) > 70
    in_the_menu = {addresses[item.endpoint] for section in nav.MENU for item in section.items}
    signing_in = [addresses.pop(name) for name in list(addresses) if name.startswith("sign_in.")]
    with serving(console.app) as eyes_on.site:
        give(eyes_on, BEGUN_COOKIE, whole.cookies[BEGUN_COOKIE])
        found = [fault for path in signing_in for fault in faults(eyes_on, path)]
        for role, paths in visits(console, addresses).items():
            _, token = sign_in(role)
            give(eyes_on, COOKIE, token)
            for path, again in paths:
                found += faults(eyes_on, path, again=again)
                if path in in_the_menu:
                    assert eyes_on.page.locator("#menu [aria-current=page]").count() == 1, path
    assert found == []


@pytest.mark.timeout(600)
def test_every_page_of_a_shops_desk(walked: list[Site], whole: Whole, eyes_on: Eyes) -> None:
    addresses = pages_of(walked[1])
    assert len(addresses) > 5
    with serving(whole.city.app) as eyes_on.site:
        found = faults(eyes_on, "/desk/sign-in")  # who is signed in is led on
        give(eyes_on, DESK_COOKIE, whole.cookies[DESK_COOKIE])
        for path in addresses.values():
            found += faults(eyes_on, path)
        found += faults(eyes_on, f"/desk/records/{'0' * 32}", status=404)
    assert found == []


@pytest.mark.timeout(600)
def test_every_public_page_also_on_the_smallest_phone(
    walked: list[Site], whole: Whole, eyes_on: Eyes
) -> None:
    found = []
    assert len(pages_of(walked[2])) > 9
    with serving(whole.city.app) as eyes_on.site:
        for status in (200, 404):
            for path in pages_of(walked[2], status).values():
                found += faults(eyes_on, path, status=status, more=(SMALLEST,))
                assert eyes_on.page.locator("footer a").count() >= 2, path
    assert found == []
