"""Forms: none is taken without its token, and none fails on what people or programs put into it."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from backend.extensions import db
from tests.proof.conftest import Site, Whole
from tests.proof.crawl import Answer, Form, posts
from tests.proof.forms import TOKEN, all_forms, filled, name_of, send, token_of

CHINESE = re.compile("[\u4e00-\u9fff]")
LONG = "长" * 10_000
# For each field of each form, alone, and for each field of each filter; `None` leaves it out. What
# some fields rightly take comes last: an act that succeeds leaves others nothing to do.
WRONG = (None, LONG, "a\0b", "9" * 30, "\ud800", "-1")
WRONG_FILTERS = (LONG, "a\0b", "9" * 30, "\ud800", "-1", "2023-02-30")
COUNTERS = {"staff_sessions", "desk_sessions", "staff_failures"}
MANY = 20
ENDS = {"own_account.sign_out", "desk_closing.sign_out"}  # what signs out has no field


@pytest.fixture
def database() -> str:
    """The one that minds what a text holds and how large a number is."""
    return "postgresql"


def rows() -> dict[str, int]:
    """Return a digest of each table's rows, but for what counts visits and failed sign-ins."""
    found = {}
    with db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            if table.name not in COUNTERS:
                found[table.name] = hash(
                    tuple(sorted(map(repr, connection.execute(table.select()))))
                )
    return found


def writes() -> int:
    """Return a number that grows with each transaction that writes; asking takes no time."""
    with db.engine.connect() as connection:
        asked = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return int(connection.scalar(asked) or 0)


def with_accounts(sites: list[Site]) -> list[Site]:
    return [site for site in sites if site.has_accounts]


def test_whatever_trusts_a_cookie_is_refused_without_its_token_and_changes_nothing(
    sites: list[Site],
) -> None:
    before, tried = rows(), 0
    for site in with_accounts(sites):
        forms = all_forms(site)
        assert posts(site.app, *site.prefixes) == forms.keys()
        for name, form in forms.items():
            for token in ("", "wrong", f"{'.' * 60}"):
                answer = send(site, form, filled(form), token)
                assert answer.status_code == 400, (name, answer.status_code)
                assert "页面已过期" in answer.text, name
                tried += 1
    assert tried > 300
    assert rows() == before


def test_what_needs_no_account_trusts_no_cookie(sites: list[Site]) -> None:
    for site in sites:
        for address, answer in site.found.answers.items():
            cookies = answer.headers.getlist("Set-Cookie")
            assert site.has_accounts or not cookies, address
            assert all("HttpOnly" in one and "SameSite=Strict" in one for one in cookies), address


def spoilt(form: Form) -> Iterator[tuple[str, dict[str, Any]]]:
    """Spoil each field, one at a time; all together where no page offers the form just now."""
    names = [one.name for one in form.fields if one.name != TOKEN]
    many = len(names) > MANY  # together they stay shorter than a request may be
    for wrong in [one and one[:100] for one in WRONG] if many else WRONG:
        for some in [names] if many else [[name] for name in names]:
            sent = filled(form)
            for name in some:
                sent.pop(name, None)
                if wrong is not None:
                    is_file = any(one.kind == "file" for one in form.fields if one.name == name)
                    sent[name] = as_file(wrong) if is_file else wrong
            yield f"{some}={str(wrong)[:20]!r}", sent


def as_file(content: str) -> tuple[BytesIO, str]:
    """Return what a browser sends for a chosen file."""
    return BytesIO(content.encode("utf-8", "surrogatepass")), "a.csv"


def well(answer: Answer, case: object) -> None:
    """Assert that an answer is a success, a page that goes on, or a refusal people understand."""
    assert answer.status_code in (200, 201, 204, 303) or 400 <= answer.status_code < 500, (
        case,
        answer.status_code,
    )
    if answer.status_code >= 400:
        assert CHINESE.search(answer.text), case


def test_no_field_of_a_form_makes_it_fail_and_a_refusal_changes_nothing(
    whole: Whole, sites: list[Site]
) -> None:
    start = whole.city.app.extensions["whole"][-1]
    tried = 0
    for site in sites:
        for name, form in all_forms(site).items():
            if name in ENDS:
                continue
            token, before = token_of(site, form.page), rows()
            seen = began = writes()
            for case, sent in spoilt(form):
                answer = send(site, form, sent, token)
                well(answer, (name, case))
                tried += 1
                if writes() > seen:
                    now, seen = rows(), writes()
                    assert answer.status_code < 400 or now == before, (name, case)
                    before = now
            if writes() > began:
                start.put_back()
    assert tried > 800


def test_no_field_of_a_filter_makes_a_page_fail(sites: list[Site]) -> None:
    before, tried = rows(), 0
    for site in sites:
        filters = {
            name_of(site.app, form): form
            for form in site.found.forms.values()
            if form.method == "GET"
        }
        for form in filters.values():
            names = {*(one.name for one in form.fields), "page", "sort", "format"}
            for wrong in WRONG_FILTERS:
                typed = quote(wrong.encode("utf-8", "surrogatepass"))
                for name in names:
                    answer = site.get(f"{form.action}?{name}={typed}")
                    well(answer, (form.action, name, wrong[:20]))
                    tried += 1
    assert tried > 800
    assert rows() == before


def test_no_id_in_a_path_makes_a_page_fail(sites: list[Site]) -> None:
    for site in sites:
        for address in site.found.answers:
            for wrong in ("%00", "%ED%A0%80", "9" * 30, "..%2f", "%E9%95%BF" * 300):
                well(site.get(f"{address.partition('?')[0].rpartition('/')[0]}/{wrong}"), address)
