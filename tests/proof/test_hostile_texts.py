"""Hostile texts in every field of the product: no page makes a thing of them that lives.

Pages are parsed by a browser. The tree of a page that shows hostile texts is compared with that of
the same page with a harmless word in their place: any element or attribute more is a text come to
life.
"""

import html
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from backend.storage.models.complaints import Complaint
from tests.browser.conftest import serving
from tests.complaining import PHONE
from tests.factories import rows
from tests.proof import hostile_texts, poison
from tests.proof.conftest import Site
from tests.proof.forms import all_forms, send, token_of, typed

TREE = """pages => pages.map(html => {
  const page = new DOMParser().parseFromString(html, 'text/html'), tree = [], leads = []
  for (const one of page.querySelectorAll('*')) {
    const names = one.getAttributeNames().sort()
    tree.push(one.localName + '[' + names + ']')
    if (one.localName === 'script') leads.push(one.textContent)
    for (const name of ['href', 'src', 'action', 'formaction', 'data']) {
      if (!names.includes(name)) continue
      const target = new URL(one.getAttribute(name), 'https://ours.invalid/')
      leads.push(name + ' ' + target.protocol + (target.protocol === 'tel:' ? '' : target.host))
    }
  }
  return {tree: tree.join(' '), leads: leads.join(' '), text: page.documentElement.textContent}
})"""
ALIVE = """pages => pages.map(html => {
  const page = new DOMParser().parseFromString(html, 'text/html')
  const never = 'iframe,object,embed,base,style,math,video,svg,script:not([src]),meta[http-equiv]'
  const leading = ['href', 'src', 'action', 'formaction', 'data']
  return [...page.querySelectorAll('*')].filter(one => {
    const names = one.getAttributeNames()
    return one.matches(never) || names.some(name => /^on|^style$|^srcdoc$|xss|`/.test(name)) ||
      leading.filter(name => names.includes(name)).some(name => {
        const target = new URL(one.getAttribute(name), 'https://ours.invalid/')
        return /script|^data:text/.test(target.protocol) || target.host === 'evil.invalid'
      })
  }).map(one => one.outerHTML.slice(0, 200))
})"""
# In the browser: what ran, and what the policy kept from running.
WATCH = """window.came = []; window.xss = () => window.came.push('ran')
document.addEventListener('securitypolicyviolation', event =>
  window.came.push(event.violatedDirective + ' ' + event.blockedURI))"""
NOT_WALKED = {
    "console/exports_new.html",  # of more rows than a page takes away at once
    "console/staff_password.html",  # answers a form, once
    "console/outside.html",  # the frame of all that is shown before signing in
    # Refusals, which tests/proof/test_pages.py looks at.
    *("console/refused.html", "desk/refused.html"),
    # Answers to the public's forms: below, and in what is typed into a form.
    *("complaint.html", "complaint_received.html"),
    "console/partner_key.html",  # answers a form, once
    *("not_yet.html", "console/programme_none.html"),  # before any programme is loaded
}
HARMLESS = "良"
ALL = "".join(hostile_texts.TEXTS)


@pytest.fixture
def parser(browser: Browser) -> Iterator[Page]:
    """A page that parses others."""
    page = browser.new_page()
    yield page
    page.close()


def trees(parser: Page, site: Site) -> dict[str, dict[str, object]]:
    """Return what a browser makes of each page of a site as it is now."""
    pages = {}
    for address, _ in site.found.pages():
        answer = site.get(address)
        assert answer.status_code < 500, address
        pages[address] = answer.text
    return dict(zip(pages, parser.evaluate(TREE, list(pages.values())), strict=True))


def test_there_are_sixty_texts() -> None:
    assert len(set(hostile_texts.TEXTS)) >= 60


def test_no_page_makes_more_of_hostile_texts_than_of_a_harmless_word(
    sites: list[Site], parser: Page
) -> None:
    assert poison.everywhere(HARMLESS) > 60
    harmless = [trees(parser, site) for site in sites]
    for text in (ALL, *hostile_texts.LINKS):
        poison.everywhere(text)
        shown = 0
        for site, before in zip(sites, harmless, strict=True):
            for address, page in trees(parser, site).items():
                assert page["leads"] == before[address]["leads"], address
                assert page["tree"] == before[address]["tree"], address
                shown += text in str(page["text"])
        assert shown > 50, text[:40]


def live(parser: Page, pages: dict[str, str]) -> dict[str, object]:
    """Return which of some pages hold something that hostile texts brought to life."""
    found = parser.evaluate(ALIVE, list(pages.values()))
    return {name: faults for name, faults in zip(pages, found, strict=True) if faults}


def test_what_is_typed_into_a_filter_comes_back_dead(sites: list[Site], parser: Page) -> None:
    pages, forms = {}, 0
    for site in sites:
        for form in [one for one in site.found.forms.values() if one.method == "GET"]:
            for text in hostile_texts.TEXTS[forms % 6 :: 6]:
                query = urlencode({one.name: text for one in form.fields})
                pages[f"{form.action} {text}"] = site.get(f"{form.action}?{query}").text
            forms += 1
        for address in {urlsplit(at).path for at, _ in site.found.pages()}:
            query = urlencode({"next": ALL, "dialog": ALL, "sort": ALL, "page": ALL, ALL: ALL})
            pages[f"{address} any"] = site.get(f"{address}?{query}").text
    assert forms > 30
    assert live(parser, pages) == {}


def test_what_is_typed_into_a_form_comes_back_dead(sites: list[Site], parser: Page) -> None:
    """In the form that is shown again, in a refusal, or in the sentence of the next page."""
    pages, number = {}, 0
    for site in sites:
        for name, form in all_forms(site).items():
            if name in ("own_account.sign_out", "desk_closing.sign_out"):
                continue
            token = token_of(site, form.page)
            for text in hostile_texts.TEXTS[number % 20 :: 20]:
                answer = send(site, form, typed(form, text), token)
                if answer.mimetype == "text/html":
                    pages[f"{name} {text}"] = answer.text
                if answer.status_code == 303:
                    pages[f"{name} {text} next"] = site.get(answer.headers["Location"]).text
            number += 1
    assert number > 100
    assert live(parser, pages) == {}


def test_every_template_is_on_some_page_of_the_walk(sites: list[Site]) -> None:
    seen = {name for site in sites for name in site.found.templates}
    kept = {
        name
        for app in {site.app for site in sites}
        for name in app.jinja_env.list_templates(extensions=["html"])
        if not name.rpartition("/")[2].startswith("_") and not name.endswith("base.html")
    }
    assert kept - seen - NOT_WALKED == set(), "give it a page in tests/proof/whole_city.py"


def test_the_reply_to_a_complaint_is_shown_dead(sites: list[Site], parser: Page) -> None:
    poison.everywhere(ALL)
    [site] = [site for site in sites if not site.has_accounts]
    pages = {}
    for complaint in rows(Complaint):
        form = {"number": complaint.number, "last4": PHONE[-4:]}
        answer = site.open("POST", "/complaints/track", data=form)
        assert ALL in html.unescape(answer.text) or not complaint.steps
        pages[complaint.number] = answer.text
    assert len(pages) > 1
    assert live(parser, pages) == {}


def test_no_page_runs_hostile_texts_in_a_browser(sites: list[Site], browser: Browser) -> None:
    """One page of each route, with all its scripts: nothing runs, asks elsewhere or is refused."""
    poison.everywhere(ALL)
    opened = 0
    for site in sites:
        with serving(site.app) as address, browser.new_context() as context:
            context.add_init_script(WATCH)
            for cookie in site.client._cookies.values():
                kept = {"name": cookie.key, "value": cookie.value, "url": address}
                context.add_cookies([kept])  # type: ignore[list-item]  # a TypedDict of its own
            page, asked, dialogs = context.new_page(), list[str](), list[str]()
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("dialog", lambda one, dialogs=dialogs: dialogs.append(one.message))
            for found in site.found.page_of().values():
                page.goto(address + found, wait_until="load")
                page.mouse.move(200, 200)
                assert page.evaluate("window.came") == [], found
                opened += 1
            assert dialogs == []
            assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert opened > 60
