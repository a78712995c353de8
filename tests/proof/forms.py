"""Filling in forms as the pages offer them, well or badly."""

import json
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

from backend.edge.public.complaints import TRAP
from tests.proof.conftest import Site
from tests.proof.crawl import Answer, Field, Form, endpoint_of, posts
from tests.test_permissions import VALUES

TOKEN = "csrf_token"
# What a field wants that takes no text; all others take the text "甲乙丙".
WANTED = {
    **dict.fromkeys(("amount", "new", "expected", "at_least", "at_most", "yuan"), "1.00"),
    **dict.fromkeys(("phone",), "13812345678"),
    **dict.fromkeys(("last4", "phone_last4", "code"), "1234"),
    **dict.fromkeys(("month",), "2023-04"),
    **dict.fromkeys(("as_of", "day", "since", "through", "signed_on"), "2023-04-28"),
    **dict.fromkeys(("login_name",), "new.name"),
    **dict.fromkeys(("number",), "6222020000000000003"),
}
TEXT = "甲乙丙"
FILE = b"a,b\n1,2\n"


def value_of(one: Field) -> Any:
    """Return what a well-meaning person would leave or put in a field."""
    if one.name == TRAP:
        return ""
    if one.kind == "file":
        return (BytesIO(FILE), "文件.csv")
    if one.choices:
        return one.value or next(filter(None, one.choices), "")
    return one.value or WANTED.get(one.name, TEXT)


def filled(form: Form) -> dict[str, Any]:
    """Return what a well-meaning person would send, with the token of the page."""
    return {one.name: value_of(one) for one in form.fields}


def all_forms(site: Site) -> dict[str, Form]:
    """Return one form for each route that changes something.

    What no page offers in this city's state gets the fields of all forms that are offered.
    """
    offered = {name: forms[0] for name, forms in site.found.posting(site.app).items() if name}
    fields = {one.name: one for form in offered.values() for one in form.fields}
    missing = posts(site.app, *site.prefixes) - offered.keys() if site.has_accounts else set()
    for endpoint in sorted(missing):
        action = path_of(site, endpoint)
        offered[endpoint] = Form(site.starts[0], "POST", action, list(fields.values()))
    return offered


def path_of(site: Site, endpoint: str) -> str:
    """Return a path of a route, with true ids where any page has named one."""
    known = ids(site)
    [rule] = site.app.url_map.iter_rules(endpoint)
    values = {
        name: known.get((name, type(one)), VALUES.get(type(one), "none"))
        for name, one in rule._converters.items()
    }
    built = rule.build(values)
    assert built, endpoint
    return built[1]


def ids(site: Site) -> dict[tuple[str, type], Any]:
    """Return the parameters of all addresses that pages lead to, by name and form."""
    adapter, found = site.app.url_map.bind("localhost"), {}
    for address in [*site.found.answers, *(form.action for form in site.found.forms.values())]:
        for method in ("GET", "POST"):
            with suppress(HTTPException):
                rule, values = adapter.match(urlsplit(address).path, method, return_rule=True)
                found |= {(n, type(rule._converters[n])): value for n, value in values.items()}
    return found


def typed(form: Form, text: str) -> dict[str, Any]:
    """Return what somebody sends who types a text wherever one can be typed, names of files too."""
    sent = filled(form)
    for one in form.fields:
        if one.kind == "file":
            sent[one.name] = (BytesIO(f"{text},b\n{text},{text}\n".encode()), f"{text}.csv")
        elif one.kind not in ("hidden", "select", "radio", "checkbox", "date", "button"):
            sent[one.name] = "" if one.name == TRAP else text
    return sent


def send(site: Site, form: Form, sent: dict[str, Any], token: str) -> Answer:
    """Send a form as a page of ours would; to the till's script as JSON."""
    headers = {"X-CSRFToken": token}
    if name_of(site.app, form).startswith("desk_sales."):
        body = {name: value for name, value in sent.items() if isinstance(value, str | int)}
        told = json.dumps(body)  # which escapes half a character, as a program can
        kind = "application/json"
        return site.open("POST", form.action, data=told, content_type=kind, headers=headers)
    if any(one.kind == "file" for one in form.fields):
        sent = {name: _whole(value) for name, value in sent.items()}
        return site.open("POST", form.action, data=sent | {TOKEN: token}, headers=headers)
    body = urlencode(sent | {TOKEN: token}, errors="surrogatepass").encode()
    kind = "application/x-www-form-urlencoded"
    return site.open("POST", form.action, data=body, content_type=kind, headers=headers)


def _whole(value: Any) -> Any:
    """Return a text without half characters, which no browser puts beside a file."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def token_of(site: Site, page: str) -> str:
    """Return a fresh token of a site's forms."""
    return site.get(page).text.partition(f'name="{TOKEN}" value="')[2].partition('"')[0]


def name_of(app: Flask, form: Form) -> str:
    """Return the endpoint that takes a form."""
    return endpoint_of(app, form.action, form.method)
