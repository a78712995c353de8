"""The public pages in a real browser: nothing from elsewhere, and legible for old eyes."""

import shutil
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from backend.services import campaigns
from tests.factories import RESTAURANT, SUPERMARKET, City

WIDTHS = {"phone": 390, "desk": 1280}
MIN_TEXT_PX = 18
MIN_CONTRAST = 4.5
MIN_TARGET_PX = 44
MIN_MAIN_BUTTON_PX = 60

# Contrast by WCAG 2: each element with text of its own against the nearest opaque background.
MEASURE = """() => {
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => {
    const [r, g, b] = c.map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const opaque = e => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  return [...document.body.querySelectorAll('*')].filter(own).map(e => {
    const style = getComputedStyle(e);
    const [a, b] = [light(parts(style.color).slice(0, 3)), light(opaque(e))];
    return {text: e.textContent.trim().slice(0, 20), px: parseFloat(style.fontSize),
            contrast: (Math.max(a, b) + .05) / (Math.min(a, b) + .05)};
  });
}"""
# Links within a sentence are as high as its line, and are no targets of their own.
TARGETS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .filter(e => !e.closest('.skip, .empty-note'))
  .map(e => ({text: e.textContent.trim(), high: e.getBoundingClientRect().height,
              main: e.matches('.main-button')}))"""


@pytest.fixture
def database() -> str:
    """One database is enough: what is looked at here is the browser's part."""
    return "sqlite"


@pytest.fixture
def site(city: City) -> Iterator[str]:
    """The application behind a real server; its address."""
    server = make_server("127.0.0.1", 0, city.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium where there is one, else Playwright's own."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield found
        found.close()


def addresses(city: City) -> dict[str, int]:
    """Return every kind of page, with the status it answers with."""
    placard = {m: url.rpartition("/")[2] for m, url in city.placard.items()}
    return {
        "/": 200,
        "/merchants": 200,
        "/merchants?domain=FOOD&q=饺子": 200,
        "/merchants?q=zzz": 200,
        "/merchants/versions/1": 200,
        "/merchants/versions/9": 404,
        f"/m/{placard[SUPERMARKET]}": 200,
        f"/m/{placard[RESTAURANT]}": 200,
        "/m/forged": 404,
    }


def watched(page: Page) -> tuple[list[str], list[str]]:
    """Return lists that fill with the addresses a page asks for, and with its errors."""
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Security Policy" in m.text else None)
    return asked, errors


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_every_page_is_whole_legible_and_asks_nobody_else(
    city: City, site: str, browser: Browser, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    asked, errors = watched(page)
    for path, status in addresses(city).items():
        answer = page.goto(site + path)
        assert answer is not None
        assert answer.status == status, path
        assert page.locator("h1").count() == 1, path
        assert page.locator("script").count() == 0, path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        texts = page.evaluate(MEASURE)
        assert len(texts) > 8, path
        assert [t for t in texts if t["px"] < MIN_TEXT_PX] == [], path
        assert [t for t in texts if t["contrast"] < MIN_CONTRAST] == [], path
        targets = page.evaluate(TARGETS)
        assert [t for t in targets if t["high"] < MIN_TARGET_PX] == [], path
        assert [t for t in targets if t["main"] and t["high"] < MIN_MAIN_BUTTON_PX] == [], path
    page.close()
    assert errors == []
    assert any(url.endswith("/huiquan.css") for url in asked)
    assert [url for url in asked if not url.startswith((site, "data:"))] == []


def test_a_landing_page_offers_one_main_button_into_wechat(
    city: City, site: str, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site}/m/{city.placard[SUPERMARKET].rpartition('/')[2]}")
    assert page.locator("h1").inner_text() == "家乐购"
    assert page.locator("h2").all_inner_texts() == ["三步用券", "本店现在可用的券"]
    button = page.locator(".main-button")
    assert (button.get_attribute("href") or "").startswith("weixin://dl/business/?appid=")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= MIN_MAIN_BUTTON_PX
    assert box["y"] + box["height"] <= 844  # seen without scrolling
    page.close()


def test_a_campaigns_state_is_said_in_words_and_not_by_colour_alone(
    city: City, site: str, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(site)
    assert page.locator(".badge").all_inner_texts() == ["进行中"]
    campaigns.pause("Q2-MAY", actor="test", reason="试")
    page.reload()
    assert page.locator(".badge").all_inner_texts() == ["已暂停"]
    page.close()


def test_the_merchant_list_is_found_by_search_and_by_domain(
    city: City, site: str, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site}/merchants")
    page.get_by_label("按店名或编号查找").fill("饺子")
    page.get_by_role("button", name="查找").click()
    assert page.locator("tbody tr").count() == 1
    page.goto(f"{site}/merchants")
    page.get_by_role("link", name="餐饮").click()
    assert page.locator("tbody tr").count() == 2
    chosen = page.get_by_label("按领域筛选").locator("[aria-current]")
    assert chosen.inner_text().startswith("餐饮")
    page.close()
