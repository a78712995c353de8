"""The console in a real browser, each page looked at by the same eyes."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from backend.domain.staff import Role
from backend.edge.console.access import COOKIE
from backend.edge.merchant_web.access import COOKIE as DESK_COOKIE
from tests.browser.desk_parts import Shop, desk_token
from tests.console import Console, sign_in
from tests.factories import City, Person

AXE = Path(__file__).parent / "vendor" / "axe.min.js"  # deploy/assets.sh tests
DESK, PHONE = 1280, 390
SMALLEST = 320  # of the phones that older people hold
# WCAG 2.2, 2.5.8: what is touched is 24 px wide and high, or stands alone. axe asks if told to; of
# a dialog it takes what lies below for what lies above, so there the size alone is asked for.
SMALL = """part => [...document.querySelectorAll(part + ' :is(a, button, select, textarea)')]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 24)
  .map(one => 'small: ' + one.outerHTML.slice(0, 100))"""
RUN_AXE = """async part => (await axe.run(part, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'], rules: {'target-size': {enabled: part === 'html'}},
    resultTypes: ['violations'], selectors: false, preload: false,
  })).violations.filter(found => ['serious', 'critical'].includes(found.impact))
  .map(found => found.id + ': ' + found.nodes.map(node => node.html).slice(0, 3).join(' | '))"""
# What was opened just now has its size after two frames.
LAID_OUT = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SIDEWAYS = """part => document.documentElement.scrollWidth > innerWidth
  || document.querySelector(part).getBoundingClientRect().right > innerWidth"""


@dataclass
class Eyes:
    """A browser's page, and what is true of every page of the console."""

    page: Page
    site: str
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Watch from the start."""
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)

    def go(self, path: str, status: int = 200) -> Page:
        """Open a page."""
        answer = self.page.goto(self.site + path)
        assert answer is not None
        assert answer.status == status, path
        return self.page

    def open(self, path: str, status: int = 200) -> Page:
        """Open a page and look at it."""
        self.go(path, status)
        self.look()
        return self.page

    def look(self) -> None:
        """Assert what is true of every page."""
        assert self.faults() == [], self.page.url

    def faults(self, part: str = "html") -> list[str]:
        """Return what is wrong: not one heading, sideways scrolling, what axe finds serious."""
        page = self.page
        page.evaluate(LAID_OUT)
        found = [] if page.locator("h1").count() == 1 else ["not one h1"]
        if page.evaluate(SIDEWAYS, part):
            found.append("scrolls sideways")
        if part != "html":
            found += page.evaluate(SMALL, part)
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE.read_text(encoding="utf-8"))
        return found + list(page.evaluate(RUN_AXE, part))

    def finish(self) -> None:
        """Assert that no page had a fault or asked another host."""
        assert self.errors == []
        elsewhere = [url for url in self.asked if not url.startswith((self.site, "data:"))]
        assert elsewhere == []

    def _note(self, message: object) -> None:
        text = getattr(message, "text", "")
        # A refusal that a test wants is no fault of the page that shows it.
        if getattr(message, "type", "") == "error" and "Failed to load resource" not in text:
            self.errors.append(text)


PageAs = Callable[..., Eyes]
OpenShop = Callable[..., Shop]


@pytest.fixture
def database() -> str:
    """One database is enough: what is looked at here is the browser's part."""
    return "sqlite"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium where there is one, else Playwright's own."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield found
        found.close()


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Put an application behind a real server; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site(console: Console) -> Iterator[str]:
    """The console behind a real server; its address."""
    with serving(console.app) as address:
        yield address


@pytest.fixture
def page_as(browser: Browser, site: str) -> Iterator[PageAs]:
    """Give a page to somebody of a role, signed in; without a role to nobody."""
    contexts: list[BrowserContext] = []
    eyes: list[Eyes] = []

    def give(role: Role | None = None, *, width: int = DESK, name: str | None = None) -> Eyes:
        context = browser.new_context(
            viewport={"width": width, "height": 844}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        contexts.append(context)
        if role is not None:
            _, token = sign_in(role, name)
            context.add_cookies([{"name": COOKIE, "value": token, "url": f"{site}/console/"}])
        eyes.append(Eyes(context.new_page(), site))
        return eyes[-1]

    yield give
    for context in contexts:
        context.close()
    for one in eyes:
        one.finish()


@pytest.fixture
def desk_site(city: City) -> Iterator[str]:
    """The application behind a real server; its address."""
    with serving(city.app) as address:
        yield address


@pytest.fixture
def open_shop(city: City, browser: Browser, desk_site: str) -> Iterator[OpenShop]:
    """Opens desks; at the end none may have had a fault or asked another host."""
    contexts: list[BrowserContext] = []
    eyes: list[Eyes] = []

    def give(clerk: Person | None = None, *, width: int = 1024, height: int = 600) -> Shop:
        clerk = clerk or city.clerk()
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        contexts.append(context)
        cookie = {"name": DESK_COOKIE, "value": desk_token(clerk), "url": f"{desk_site}/desk/"}
        context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of its own
        eyes.append(Eyes(context.new_page(), desk_site))
        shop = Shop(city, clerk, eyes[-1])
        eyes[-1].open("/desk/")
        return shop

    yield give
    for context in contexts:
        context.close()
    for one in eyes:
        one.finish()
