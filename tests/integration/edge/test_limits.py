"""Limits by account, address and range of addresses, at their boundaries, on a real Valkey."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from backend.extensions import db, redis_handle
from backend.factory import create_app
from backend.settings import Settings
from miniprogram_api.edges import EDGES
from tests.factories import MAY, City, Person, new_request
from tests.integration.edge.callers import apart, error_of

DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}
SIGN_IN = "/api/v1/sessions/resident"
QUOTE = "/api/v1/resident/quotes"
CODE_QUOTE = "/api/v1/merchant/quotes"
TIME = "/api/v1/time"


class Limited:
    """The application with its limits on, asked from any address."""

    def __init__(self, app: APIFlask) -> None:
        self.app = app

    def ask(
        self,
        method: str,
        path: str,
        person: Person | None = None,
        *,
        ip: str = "8.8.4.4",
        **rest: Any,
    ) -> TestResponse:
        headers = dict(person.headers) if person else {}
        headers |= rest.pop("headers", {})
        base = {"REMOTE_ADDR": ip}
        client = self.app.test_client()
        response: TestResponse = apart(
            client.open, path, method=method, headers=headers, environ_base=base, **rest
        )
        return response

    def statuses(self, times: int, *args: Any, **kwargs: Any) -> set[int]:
        return {self.ask(*args, **kwargs).status_code for _ in range(times)}


MakeLimited = Callable[..., Limited]


@pytest.fixture
def limited(city: City) -> Iterator[MakeLimited]:
    """Makes applications on the city's database and Valkey, with their limits on."""
    made: list[APIFlask] = []

    def make(**changed: Any) -> Limited:
        settings = dataclasses.replace(city.settings, rate_limits="on", **changed)
        made.append(apart(create_app, settings, EDGES))
        return Limited(made[-1])

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()
        app.extensions["wechat"].close()
    redis_handle.init_app(city.app)


@pytest.fixture
def edge(limited: MakeLimited) -> Limited:
    return limited()


def refused(response: TestResponse) -> None:
    assert (response.status_code, error_of(response)["code"]) == (429, "too_many_requests")
    assert error_of(response)["message"] == "操作太频繁，请稍后再试"
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_an_address_signs_in_20_times_a_minute_and_another_goes_on(edge: Limited) -> None:
    assert DEFAULTS["rate_limit_sign_ins"] == "20/minute"
    body = {"js_code": "0" * 32}  # WeChat cannot be reached here: each try is a 503
    assert edge.statuses(20, "POST", SIGN_IN, json=body) == {503}
    refused(edge.ask("POST", SIGN_IN, json=body))
    refused(edge.ask("POST", "/api/v1/sessions/clerk", json=body))  # both count together
    assert edge.ask("POST", SIGN_IN, json=body, ip="8.8.4.5").status_code == 503
    assert edge.ask("GET", TIME).status_code == 200


def test_an_ipv6_subscriber_is_his_64(edge: Limited) -> None:
    body = {"js_code": "0" * 32}
    for n in range(20):
        edge.ask("POST", SIGN_IN, json=body, ip=f"2400:3200:1:1::{n + 1:x}")
    refused(edge.ask("POST", SIGN_IN, json=body, ip="2400:3200:1:1:ffff::1"))
    assert edge.ask("POST", SIGN_IN, json=body, ip="2400:3200:1:2::1").status_code == 503


def test_an_account_asks_for_60_quotes_and_orders_a_minute_wherever_it_is(
    city: City, edge: Limited
) -> None:
    assert DEFAULTS["rate_limit_payments"] == "60/minute"
    resident, other = city.resident(), city.resident()
    body = {"placard": city.placard["TJ0003"], "order_amount_fen": 20_000}
    assert edge.statuses(59, "POST", QUOTE, resident, json=body) == {200}
    order = body | {"request_id": new_request()}
    last = edge.ask("POST", "/api/v1/resident/orders", resident, json=order, ip="9.9.9.9")
    assert last.status_code != 429
    refused(edge.ask("POST", QUOTE, resident, json=body, ip="1.1.1.1"))
    assert edge.ask("GET", "/api/v1/resident/orders", resident).status_code == 200
    assert edge.ask("POST", QUOTE, other, json=body).status_code == 200


def test_a_clerk_scans_30_wrong_codes_a_minute_and_right_ones_do_not_count(
    city: City, limited: MakeLimited
) -> None:
    assert DEFAULTS["rate_limit_wrong_codes"] == "30/minute"
    edge = limited(rate_limit_payments="1000/minute")
    clerk, colleague, payer = city.clerk(), city.clerk(), city.resident()
    city.claim(payer)
    good = city.post("/api/v1/resident/payment-codes", payer).get_json()["code"]
    right = {"payment_code": good, "order_amount_fen": 20_000}
    wrong = right | {"payment_code": good[:-1] + str((int(good[-1]) + 1) % 10)}
    assert edge.statuses(5, "POST", CODE_QUOTE, clerk, json=right) == {200}
    assert edge.statuses(30, "POST", CODE_QUOTE, clerk, json=wrong) == {400}
    refused(edge.ask("POST", CODE_QUOTE, clerk, json=wrong))
    refused(edge.ask("POST", CODE_QUOTE, clerk, json=right))  # or 31 would tell which is right
    assert edge.ask("POST", CODE_QUOTE, colleague, json=right).status_code == 200


def test_an_account_opens_30_campaign_pages_a_minute_so_tickets_cannot_be_farmed(
    city: City, edge: Limited
) -> None:
    assert DEFAULTS["rate_limit_tickets"] == "30/minute"
    resident, other = city.resident(), city.resident()
    page = f"/api/v1/resident/campaigns/{MAY}"
    assert edge.statuses(30, "GET", page, resident) == {200}
    refused(edge.ask("GET", page, resident, ip="1.1.1.1"))
    refused(edge.ask("GET", page, resident, ip="127.0.0.1"))
    assert edge.ask("GET", page, other).status_code == 200
    assert edge.ask("GET", "/api/v1/resident/vouchers", resident).status_code == 200


def test_a_range_of_addresses_shares_its_limit(limited: MakeLimited) -> None:
    edge = limited(rate_limit_addresses="5/minute")
    for last in range(5):
        assert edge.ask("GET", TIME, ip=f"8.8.4.{last}").status_code == 200
    refused(edge.ask("GET", TIME, ip="8.8.4.200"))
    assert edge.ask("GET", TIME, ip="8.8.5.1").status_code == 200


def test_the_claim_health_and_metrics_are_never_limited_here(
    city: City, limited: MakeLimited
) -> None:
    edge = limited(rate_limit_addresses="1/minute", metrics_token="t" * 16)
    assert edge.ask("GET", TIME).status_code == 200
    refused(edge.ask("GET", TIME))
    bearer = {"Authorization": "Bearer " + "t" * 16}
    for path in ("/healthz", "/readyz", "/metrics"):
        assert edge.statuses(3, "GET", path, headers=bearer) == {200}, path
    for _ in range(3):
        body = {"tier_position": 1, "request_id": new_request()}
        path = f"/api/v1/resident/campaigns/{MAY}/claims"
        assert edge.ask("POST", path, city.resident(), json=body).status_code == 201


def test_an_inner_address_is_a_proxys_and_not_limited(limited: MakeLimited) -> None:
    edge = limited(rate_limit_addresses="1/minute")
    for ip in ("127.0.0.1", "10.0.0.7", "::1"):
        assert edge.statuses(3, "GET", TIME, ip=ip) == {200}


def test_behind_a_proxy_the_address_is_the_one_the_nearest_proxy_saw(limited: MakeLimited) -> None:
    edge = limited(rate_limit_addresses="1/minute", trusted_proxies=1)
    forged = {"X-Forwarded-For": "6.6.6.6, 8.8.4.4"}  # the first is the caller's own invention
    assert edge.ask("GET", TIME, ip="127.0.0.1", headers=forged).status_code == 200
    forged = {"X-Forwarded-For": "7.7.7.7, 8.8.4.4"}
    refused(edge.ask("GET", TIME, ip="127.0.0.1", headers=forged))


def test_without_trusted_proxies_a_named_address_is_not_believed(limited: MakeLimited) -> None:
    edge = limited(rate_limit_addresses="1/minute")
    assert edge.ask("GET", TIME).status_code == 200
    refused(edge.ask("GET", TIME, headers={"X-Forwarded-For": "9.9.9.9"}))


def test_two_processes_count_together_and_without_valkey_each_by_itself(
    limited: MakeLimited,
) -> None:
    changed = {"rate_limit_addresses": "2/minute"}
    first, second = limited(**changed), limited(**changed)
    assert first.ask("GET", TIME).status_code == 200
    assert second.ask("GET", TIME).status_code == 200
    refused(first.ask("GET", TIME))
    alone = limited(**changed, redis_url="redis://127.0.0.1:9/0")
    assert alone.statuses(2, "GET", TIME) == {200}
    refused(alone.ask("GET", TIME))


def test_an_address_hands_in_and_looks_up_complaints_30_times_an_hour(edge: Limited) -> None:
    look = ("POST", "/complaints/track")
    assert edge.statuses(30, *look, data={}) == {404}
    assert edge.ask(*look, data={}).status_code == 429
    assert edge.ask("POST", "/complaints", data={}).status_code == 429
    assert edge.ask("GET", "/complaints").status_code == 200
    assert edge.ask(*look, data={}, ip="8.8.5.5").status_code == 404


def test_an_address_tries_20_numbers_of_desks_a_minute(edge: Limited) -> None:
    client = edge.app.test_client()

    def attempt(ip: str) -> int:
        base = {"REMOTE_ADDR": ip}
        page = apart(client.get, "/desk/sign-in", environ_base=base).text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": token, "number": "00000000"}
        return apart(client.post, "/desk/sign-in", data=form, environ_base=base).status_code

    assert [attempt("8.8.4.4") for _ in range(21)] == [422] * 20 + [429]
    assert attempt("8.8.8.8") == 422
