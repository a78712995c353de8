"""Finding all pages, files and forms as people find them: by what the pages themselves offer.

What is added tomorrow is found by itself, if a page of today leads to it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import parse_qsl, urljoin, urlsplit

from flask import Flask, template_rendered
from jinja2 import Template
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

ALIKE = 6  # pages of one endpoint that are looked at; their rows are in different states
LEADING = {"href", "src", "hx-get", "data-live", "data-figures"}


@dataclass
class Field:
    """One field of a form, with what the page fills it with."""

    name: str
    kind: str
    value: str = ""
    choices: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form of a page."""

    page: str
    method: str
    action: str
    fields: list[Field] = field(default_factory=list)


class Offers(HTMLParser):
    """What a page offers: where it leads, and its forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.links: list[str] = []
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, forms and their fields."""
        known = {name: value or "" for name, value in attrs}
        self.links += [urljoin(self.page, known[name]) for name in LEADING & known.keys()]
        if tag == "form":
            action = urljoin(self.page, known.get("action", ""))
            self.forms.append(Form(self.page, known.get("method", "get").upper(), action))
        if tag == "option" and self.forms and self.forms[-1].fields:
            self._option(self.forms[-1].fields[-1], known)
        if tag in ("input", "select", "textarea", "button") and self.forms and known.get("name"):
            self._field(tag, known)

    def _field(self, tag: str, known: dict[str, str]) -> None:
        kind = known.get("type", "text") if tag == "input" else tag
        self.forms[-1].fields.append(Field(known["name"], kind, known.get("value", "")))

    def _option(self, select: Field, known: dict[str, str]) -> None:
        select.choices.append(known.get("value", ""))
        if "selected" in known or not select.value:
            select.value = known.get("value", "")


@dataclass(frozen=True)
class Answer:
    """An answer, read and closed."""

    status_code: int
    mimetype: str
    headers: Headers
    data: bytes

    @classmethod
    def of(cls, response: TestResponse) -> Self:
        """Read an answer; of a stream, which may not end, its head alone."""
        data = b"" if response.mimetype == "text/event-stream" else response.data
        response.close()
        return cls(response.status_code, response.mimetype, response.headers, data)

    @property
    def text(self) -> str:
        """Its body as people read it."""
        return self.data.decode("utf-8", "replace")


@dataclass
class Found:
    """What a walk has seen."""

    answers: dict[str, Answer] = field(default_factory=dict)  # by address
    forms: dict[tuple[str, str, tuple[str, ...]], Form] = field(default_factory=dict)
    endpoints: dict[str, list[str]] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)
    tables: dict[str, str] = field(default_factory=dict)  # a table as Excel, by its path

    def pages(self) -> Iterator[tuple[str, Answer]]:
        """Go through what is HTML."""
        return ((at, a) for at, a in self.answers.items() if a.mimetype == "text/html")

    def page_of(self) -> dict[str, str]:
        """Return one address of a page for each endpoint that answers with pages."""
        pages = {address for address, answer in self.pages() if answer.status_code == 200}
        found = (
            (name, next(filter(pages.__contains__, at), "")) for name, at in self.endpoints.items()
        )
        return {name: address for name, address in found if address}

    def posting(self, app: Flask) -> dict[str, list[Form]]:
        """Return the forms that post, by endpoint."""
        found: dict[str, list[Form]] = {}
        for form in self.forms.values():
            if form.method == "POST":
                found.setdefault(endpoint_of(app, form.action, "POST"), []).append(form)
        return found


def crawl(app: Flask, get: Callable[[str], Answer], starts: Iterable[str]) -> Found:
    """Open all that the starting pages lead to."""
    found = Found()

    def note(_: Flask, template: Template, **context: Any) -> None:
        found.templates.add(template.name or "")

    with template_rendered.connected_to(note, app):
        _crawl(found, app, get, list(starts))
    return found


def _crawl(found: Found, app: Flask, get: Callable[[str], Answer], waiting: list[str]) -> None:
    seen = set[tuple[Any, ...]]()
    while waiting:
        address = waiting.pop(0)
        parts = urlsplit(address)
        address = parts._replace(fragment="").geturl()
        if "format=xlsx" in parts.query:
            found.tables[parts.path] = address
            continue
        endpoint = endpoint_of(app, parts.path)
        shape = (parts.path, tuple(sorted(name for name, _ in parse_qsl(parts.query))))
        alike = found.endpoints.setdefault(endpoint, []) if endpoint else None
        if parts.netloc or alike is None or shape in seen or len(alike) >= ALIKE:
            continue
        seen.add(shape)
        alike.append(address)
        answer = get(address)
        found.answers[address] = answer
        if onwards := answer.headers.get("Location"):
            waiting.append(urljoin(address, onwards))
        if answer.mimetype == "text/html":
            offers = Offers(address)
            offers.feed(answer.text)
            waiting += offers.links
            for form in offers.forms:
                names = tuple(sorted({one.name for one in form.fields}))
                found.forms.setdefault((form.method, form.action, names), form)


def endpoint_of(app: Flask, address: str, method: str = "GET") -> str:
    """Return the endpoint that answers an address, or nothing."""
    adapter = app.url_map.bind("localhost")
    try:
        endpoint, _ = adapter.match(urlsplit(address).path, method=method)
    except HTTPException:
        return ""
    return str(endpoint)


def gets(app: Flask, *prefixes: str) -> set[str]:
    """Return the endpoints below some paths that are read by GET."""
    return _endpoints(app, {"GET"}, prefixes)


def posts(app: Flask, *prefixes: str) -> set[str]:
    """Return the endpoints below some paths that change something."""
    return _endpoints(app, {"POST", "PUT", "PATCH", "DELETE"}, prefixes)


def _endpoints(app: Flask, methods: set[str], prefixes: tuple[str, ...]) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) & methods and rule.rule.startswith(prefixes)
    }
