"""All pages there are, on a desk's screen and on a phone's: whole, legible, by a keyboard alone."""

import re
from collections.abc import Iterator, Mapping

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser

from backend.domain.permissions import MATRIX
from backend.domain.staff import Role
from backend.edge.console import nav
from backend.edge.console.access import COOKIE, EverySignedIn, permission_of
from backend.edge.guards import guard_of
from backend.edge.merchant_web.access import COOKIE as DESK_COOKIE
from backend.services import clerks
from tests.browser import full_city
from tests.browser.conftest import DESK, PHONE, SMALLEST, Eyes
from tests.browser.desk_parts import desk_token
from tests.browser.keyboard import open_and_leave, tab_through
from tests.console import Console, sign_in
from tests.factories import City, MovableClock

FORMS = re.compile(r'data-dialog="([^"]+)"|action="([^"]+)"')
# A row's dialog is the next row's with another number: one of them is looked at.
ONE_OF_EACH_KIND = """[...new Map([...document.querySelectorAll('main [data-dialog]')]
  .filter(opener => opener.checkVisibility()).map(opener => opener.dataset.dialog)
  .map(name => [name.replace(/[0-9].*/, ''), name])).values()]"""
FILES = "a file or a picture, no page"
# A route whose name ends so is one, too.
FILE_ENDS = (".css", ".csv", ".ics", ".json", ".pdf", ".png", ".svg", ".xlsx")
# Routes that are looked at by nobody, or elsewhere.
LEFT_OUT = {
    **dict.fromkeys(
        (
            *("console_assets.file", "desk_assets.file", "entries.file", "exports.fetch"),
            *("fund_reports.file", "merchants.paper", "partner_lists.file", "shops.draw"),
            *("reconciliation.excel", "settlements.excel", "settlements.pdf"),
            *("complaints.photo", "subsidies.paper"),
        ),
        FILES,
    ),
    **dict.fromkeys(
        (
            *("war_room.figures", "war_room.stream", "desk_till.today", "desk_sales.get_one"),
            *("desk_sales.of_request", "desk_sales.offered"),
        ),
        "what a page's script asks for",
    ),
    **dict.fromkeys(
        ("health.healthz", "health.readyz", "figures.scrape", "wechat_callbacks.echo"),
        "for programs",
    ),
    **dict.fromkeys(
        ("sign_in.code_page", "sign_in.enrol"),
        "in the middle of signing in: test_console_pages.py",
    ),
    **dict.fromkeys(
        (
            *("campaigns.waiting", "complaints.to_assign", "complaints.late"),
            *("complaints.to_answer", "complaints.to_close"),
        ),
        "leads to a list",
    ),
}
NOT_FOUND = {
    "campaign_pages.no_campaign": "/c/NO-SUCH",
    "landing.unreadable": "/m/torn",
    "merchant_list.no_version": "/merchants/versions/x",
    "public_notices.no_notice": "/notices/x",
}


def pages_of(app: APIFlask, addresses: Mapping[str, str], *guards: str) -> dict[str, str]:
    """Return the address of every page behind some guards; each route is there or left out."""
    found = {}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            guard = guard_of(app, rule.endpoint)
            if guard is None or guard.name not in guards or "GET" not in (rule.methods or ()):
                continue
            if rule.endpoint in LEFT_OUT or rule.rule.endswith(FILE_ENDS):
                continue
            if rule.rule.startswith(("/api/", "/bank/")):
                continue
            assert rule.endpoint in addresses or not rule.arguments, (
                f"{rule.endpoint}: give its address in full_city.py, or say why it is left out"
            )
            found[rule.endpoint] = addresses.get(rule.endpoint, rule.rule)
    return found


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


@pytest.mark.timeout(600)  # some 90 visits; a machine with other work takes minutes for them
def test_every_page_of_the_console_by_whoever_can_do_something_there(
    city: City, moment: MovableClock, console: Console, site: str, eyes_on: Eyes
) -> None:
    addresses = pages_of(console.app, full_city.fill(city, moment), "public", "staff")
    eyes_on.site = site
    found = faults(eyes_on, addresses.pop("sign_in.page"))
    in_the_menu = {addresses[item.endpoint] for section in nav.MENU for item in section.items}
    visits: dict[Role, list[tuple[str, bool]]] = {}
    for endpoint, path in addresses.items():
        for number, role in enumerate(viewers(console, endpoint, path)):
            visits.setdefault(role, []).append((path, number > 0))
    for role, paths in visits.items():
        _, token = sign_in(role)
        cookie = {"name": COOKIE, "value": token, "url": f"{site}/console/"}
        eyes_on.page.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict
        for path, again in paths:
            found += faults(eyes_on, path, again=again)
            if path in in_the_menu:
                assert eyes_on.page.locator("#menu [aria-current=page]").count() == 1, path
    assert found == []


def test_every_page_of_a_shops_desk(city: City, desk_site: str, eyes_on: Eyes) -> None:
    owner = city.clerk()
    clerks.make_owner(clerk_id=owner.id, actor="test")
    city.clerk()
    eyes_on.site = desk_site
    addresses = pages_of(city.app, full_city.desk(city, owner), "desk", "form")
    found = faults(eyes_on, addresses.pop("desk_sign_in.page"))
    cookie = {"name": DESK_COOKIE, "value": desk_token(owner), "url": f"{desk_site}/desk/"}
    eyes_on.page.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict
    for path in addresses.values():
        found += faults(eyes_on, path)
    found += faults(eyes_on, f"/desk/records/{'0' * 32}", status=404)
    assert found == []


def test_every_public_page_also_on_the_smallest_phone(
    city: City, desk_site: str, eyes_on: Eyes
) -> None:
    addresses = pages_of(city.app, {**full_city.public(city), **NOT_FOUND}, "public")
    eyes_on.site = desk_site
    found = []
    for endpoint, path in addresses.items():
        status = 404 if endpoint in NOT_FOUND else 200
        found += faults(eyes_on, path, status=status, more=(SMALLEST,))
        assert eyes_on.page.locator("footer a").count() >= 2, path
    assert found == []


def test_what_is_left_out_exists(city: City, console: Console) -> None:
    assert LEFT_OUT.keys() <= console.app.view_functions.keys() | city.app.view_functions.keys()
