"""Signing in, the forms' tokens, and the headers of every page."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.domain.staff import Role
from backend.edge.console.access import COOKIE
from tests.console import CSRF, PASSWORD, Console
from tests.factories import MovableClock
from tests.staffing import add, code_of


def post(client: FlaskClient, path: str, page: str, **form: str) -> TestResponse:
    token = CSRF.search(client.get(page).text)
    assert token
    return client.post(path, data={"csrf_token": token[1], **form})


def signed_in(client: FlaskClient, password: str, wanted: str = "") -> TestResponse:
    """Sign in for the first time, by the forms."""
    path = "/console/sign-in"
    begun = post(client, path, path, login_name="Li.Wei", password=password, next=wanted)
    assert begun.status_code == 303
    assert begun.location.startswith("/console/sign-in/enrol")
    offer = client.get(begun.location).text
    secret = offer.partition('<code class="break">')[2].partition("</code>")[0]
    return post(client, "/console/sign-in/code", begun.location, code=code_of(secret), next=wanted)


@pytest.fixture
def first_password(console: Console) -> str:
    """An account that has never signed in; its one-time password."""
    return add("li.wei", Role.AUDITOR)


def test_the_first_sign_in_enrols_and_leads_to_a_password_of_ones_own(
    console: Console, first_password: str
) -> None:
    client = console.nobody()
    answer = signed_in(client, first_password)
    assert answer.status_code == 303
    for path in ("/console/", "/console/audit", "/console/exports"):
        assert client.get(path).location == "/console/account", path
    wrong = post(
        client,
        "/console/account/password",
        "/console/account",
        old=first_password,
        new=PASSWORD,
        again="another",
    )
    assert wrong.status_code == 400
    assert "不一致" in wrong.text
    changed = post(
        client,
        "/console/account/password",
        "/console/account",
        old=first_password,
        new=PASSWORD,
        again=PASSWORD,
    )
    assert changed.status_code == 303
    assert "李伟，您好" in client.get("/console/").text


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/console/audit?actor=a", "/console/audit?actor=a"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console/\\evil.example", "/console/"),
        ("/console/\r\nX-Evil: 1", "/console/"),
    ],
)
def test_after_it_comes_the_page_that_was_wanted_if_it_is_ours(
    console: Console, first_password: str, wanted: str, reached: str
) -> None:
    assert signed_in(console.nobody(), first_password, wanted).location == reached


def test_a_wrong_password_and_an_unknown_name_answer_alike(
    console: Console, first_password: str
) -> None:
    path = "/console/sign-in"
    answers = [
        post(console.nobody(), path, path, login_name=name, password="wrong")
        for name in ("li.wei", "nobody.here")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    sentences = [a.text.partition('role="alert">')[2].partition("<")[0] for a in answers]
    assert sentences[0] == sentences[1] == "登录名、密码或动态码不正确，请核对后重试"


def test_a_wrong_code_asks_again_and_says_why(console: Console, first_password: str) -> None:
    client, path = console.nobody(), "/console/sign-in"
    begun = post(client, path, path, login_name="li.wei", password=first_password)
    wrong = post(client, "/console/sign-in/code", begun.location, code="000000")
    assert wrong.status_code == 401
    assert "动态码不正确" in wrong.text


def test_cookies_are_for_our_pages_alone(console: Console, first_password: str) -> None:
    answer = signed_in(console.nobody(), first_password)
    cookies = {text.partition("=")[0]: text for text in answer.headers.getlist("Set-Cookie")}
    for mark in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/console"):
        assert mark in cookies[COOKIE], mark


def test_a_sign_out_ends_the_session_for_good(console: Console) -> None:
    auditor = console.desk(Role.AUDITOR)
    token = auditor.client.get_cookie(COOKIE, path="/console")
    assert token is not None
    assert auditor.post("/console/sign-out").location == "/console/sign-in"
    auditor.client.set_cookie(COOKIE, token.value, path="/console")
    assert auditor.get("/console/audit").status_code == 303


def test_another_session_of_ones_own_can_be_ended_but_nobody_elses(console: Console) -> None:
    here, there = console.desk(Role.AUDITOR), console.desk(Role.AUDITOR)
    other = console.desk(Role.TAX)
    assert here.get("/console/account").text.count("<dialog") == 1
    assert here.post("/console/account/sessions/3/end").status_code == 404
    assert here.post("/console/account/sessions/2/end").status_code == 303
    assert there.get("/console/").status_code == 303
    assert other.get("/console/").status_code == here.get("/console/").status_code == 200


@pytest.mark.parametrize("token", ["", "forged"])
def test_a_post_without_the_forms_token_changes_nothing(console: Console, token: str) -> None:
    auditor = console.desk(Role.AUDITOR)
    refused = auditor.client.post("/console/sign-out", data={"csrf_token": token})
    assert refused.status_code == 400
    assert "页面已过期" in refused.text
    assert auditor.get("/console/").status_code == 200


def test_the_token_of_another_persons_form_changes_nothing(console: Console) -> None:
    auditor, other = console.desk(Role.AUDITOR), console.desk(Role.TAX)
    theirs = CSRF.search(other.get("/console/account").text)
    auditor.get("/console/account")
    assert theirs
    assert (
        auditor.client.post("/console/sign-out", data={"csrf_token": theirs[1]}).status_code == 400
    )


def test_every_page_carries_the_policy_and_is_kept_by_nobody(console: Console) -> None:
    auditor = console.desk(Role.AUDITOR)
    for path in ("/console/", "/console/audit", "/console/nowhere", "/console/sign-in"):
        headers = auditor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert headers["Cache-Control"] == "no-store", path
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_has_script_or_style_within(console: Console) -> None:
    auditor = console.desk(Role.AUDITOR)
    for path in ("/console/", "/console/audit", "/console/account", "/console/exports"):
        text = auditor.get(path).text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count("<script defer src="), path


def test_static_files_are_kept_for_a_year_under_an_address_of_their_own(console: Console) -> None:
    client = console.nobody()
    page = client.get("/console/sign-in").text
    address = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    with client.get(address) as kept:
        assert kept.status_code == 200
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    digest = address.split("/")[3]
    assert client.get(address.replace(digest, "0" * 12)).status_code == 404
    assert client.get(f"/console/static/{digest}/../pages.py").status_code == 404


def test_what_a_page_asks_by_itself_keeps_no_session_alive(
    console: Console, moment: MovableClock
) -> None:
    auditor = console.desk(Role.AUDITOR)
    for _ in range(4):
        moment.move(minutes=10)
        answer = auditor.get("/console/exports?poll=1", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/console/sign-in"
