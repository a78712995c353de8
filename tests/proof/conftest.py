"""One city that holds something of everything, and the three sites that show it, walked once."""

import contextvars
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend import clock
from backend.domain.permissions import MATRIX, Permission
from backend.domain.staff import Role
from backend.edge.console.access import COOKIE
from backend.edge.console.sign_in import COOKIE as BEGUN_COOKIE
from backend.edge.merchant_web.access import COOKIE as DESK_COOKIE
from backend.services import programme_previews, staff_sign_ins
from backend.storage.models.merchants import Clerk
from tests.browser.conftest import browser, serving
from tests.browser.desk_parts import desk_token
from tests.console import Console, sign_in
from tests.factories import SAMPLE, SUPERMARKET, City, MovableClock, Person, rows
from tests.proof import whole_city
from tests.proof.crawl import Answer, Found, crawl
from tests.staffing import BROWSER, add
from tests.starts import Start

__all__ = ["browser", "serving"]  # the fixture too: a module's own browser


@dataclass
class Site:
    """One of the sites, as a browser has it that is signed in."""

    name: str
    app: Flask
    client: FlaskClient
    prefixes: tuple[str, ...]
    starts: list[str]
    found: Found = field(default_factory=Found)

    @property
    def has_accounts(self) -> bool:
        """Whether it trusts a cookie."""
        return self.name != "public"

    def get(self, address: str) -> Answer:
        """GET as a server would hand it over: no request inherits the test's `g`."""
        return self.open("GET", address)

    def open(self, method: str, address: str, **options: Any) -> Answer:
        """Send one request, without a form's token of its own."""
        client = self.client
        response = contextvars.Context().run(client.open, address, method=method, **options)
        return Answer.of(response)


@dataclass
class Whole:
    """The city, and who looks at it."""

    city: City
    console: Flask
    cookies: dict[str, str]


@pytest.fixture
def database() -> str:
    """One database is enough: what is proved here are pages and files."""
    return "sqlite"


def cookies_of() -> dict[str, str]:
    """Sign in at the console and at the desk of the shop's owner; return the tokens."""
    _, staff = sign_in(Role.BUREAU_OPERATOR, whole_city.ANYBODY)
    begun = staff_sign_ins.by_password("new.one", add("new.one", Role.TAX), browser=BROWSER)
    owners = (clerk for clerk in rows(Clerk) if clerk.role == "owner")
    owner = next(clerk for clerk in owners if clerk.merchant_id == SUPERMARKET)
    return {
        COOKIE: staff,
        BEGUN_COOKIE: begun.token,
        DESK_COOKIE: desk_token(Person(owner.id, "", 0, {})),
    }


@pytest.fixture
def whole(city: City, console: Console, moment: MovableClock) -> Whole:
    """The city that holds something of everything; filled once, then put back."""
    kept = city.app.extensions
    if "whole" not in kept:
        whole_city.fill(city, moment)
        kept["whole"] = (dict(city.placard), clock.now(), cookies_of(), Start("whole"))
    placard, at, cookies, start = kept["whole"]
    city.placard.update(placard)
    moment.set(at)
    start.put_back()
    return Whole(city, console.app, cookies)


@pytest.fixture
def walked(whole: Whole) -> list[Site]:
    """The console, the desk and the public pages, with all that a walk has found.

    At the console somebody walked who may do everything, so that one walk saw all of it.
    """
    city, kept = whole.city, whole.city.app.extensions
    code = city.placard[SUPERMARKET].rpartition("/")[2]
    with SAMPLE.open("rb") as programme:
        looked_at = programme_previews.keep(programme)
    made = [
        Site("console", whole.console, _client(whole.console, whole), ("/console",),
             ["/console/", f"/console/programme/file/{looked_at}", "/console/sign-in",
              "/console/sign-in/code", "/console/sign-in/enrol"]),
        Site("desk", city.app, _client(city.app, whole), ("/desk",),
             ["/desk/", "/desk/today?poll=1", "/desk/sign-in"]),
        Site("public", city.app, city.app.test_client(), ("/",),
             ["/", "/complaints", f"/m/{code}", "/m/no/code", "/c/none", "/notices/none",
              "/merchants/versions/none"]),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        let_do_everything(patch)
        for site in made:
            if f"found {site.name}" not in kept:
                kept[f"found {site.name}"] = crawl(site.app, site.get, site.starts)
            site.found = kept[f"found {site.name}"]
    return made


@pytest.fixture
def sites(walked: list[Site], monkeypatch: pytest.MonkeyPatch) -> list[Site]:
    """The same, and he who may do everything is there."""
    let_do_everything(monkeypatch)
    return walked


def let_do_everything(patch: pytest.MonkeyPatch) -> None:
    """Give the role of who walks all permissions there are."""
    patch.setitem(MATRIX, Role.BUREAU_OPERATOR, frozenset(Permission))  # type: ignore[arg-type]  # it is a dict


def _client(app: Flask, whole: Whole) -> FlaskClient:
    client = app.test_client()
    for name, token in whole.cookies.items():
        client.set_cookie(name, token, path="/")
    return client
