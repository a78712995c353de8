"""The address of providers' notifications, its answers and its limits."""

import dataclasses
from collections.abc import Iterator

import pytest
from apiflask import APIFlask

from backend.extensions import db
from backend.factory import create_app
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentNotice
from miniprogram_api.edges import EDGES
from tests.factories import City, rows
from tests.integration.edge.callers import apart, ask, error_of
from tests.integration.services.paying import PAYABLE_FEN, at_placard, buyer, now_is, provided
from tests.providers import SIGNATURE, ScriptedProvider, paid_notice

PATH = "/callbacks/payments/wechat_pay"


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


@pytest.fixture
def order(city: City, provider: ScriptedProvider) -> Order:
    return at_placard(city, buyer(city))


def test_a_true_notice_is_answered_in_the_providers_own_form_and_redeems(
    city: City, order: Order
) -> None:
    for _ in range(3):
        body = paid_notice(order.id, PAYABLE_FEN)
        response = ask(city, "POST", PATH, headers=SIGNATURE, data=body)
        assert (response.status_code, response.text) == (200, "taken")
    assert now_is(order.id) == ("redeemed", "paid")


def test_a_forged_notice_is_a_401_in_the_providers_form(city: City, order: Order) -> None:
    response = ask(city, "POST", PATH, data=paid_notice(order.id, PAYABLE_FEN))
    assert (response.status_code, response.text) == (401, "again")
    assert rows(PaymentNotice) == []


@pytest.mark.parametrize("name", ["at_till", "unionpay", "x", "x" * 300])
def test_who_sends_no_notices_or_is_unknown_is_refused(city: City, name: str) -> None:
    response = ask(city, "POST", f"/callbacks/payments/{name}", headers=SIGNATURE, data=b"{}")
    assert response.status_code == (401 if name == "at_till" else 404)


def test_a_body_above_the_bound_and_one_without_length_are_not_read(
    city: City, provider: ScriptedProvider
) -> None:
    large = ask(city, "POST", PATH, headers=SIGNATURE, data=b"x" * 70_000)
    chunked = ask(city, "POST", PATH, headers=SIGNATURE | {"Transfer-Encoding": "chunked"})
    assert [error_of(large)["code"], error_of(chunked)["code"]] == [
        "body_too_large",
        "length_required",
    ]


def limited(city: City) -> APIFlask:
    settings = dataclasses.replace(
        city.settings,
        rate_limits="on",
        rate_limit_addresses="5/minute",
        rate_limit_false_notices="3/minute",
    )
    app = create_app(settings, EDGES)
    app.extensions["payment_providers"] = city.app.extensions["payment_providers"]
    return app


def test_true_notices_are_never_limited_and_forged_ones_by_address(
    city: City, order: Order
) -> None:
    app = limited(city)
    body = paid_notice(order.id, PAYABLE_FEN)

    def send(ip: str, headers: dict[str, str]) -> int:
        base = {"REMOTE_ADDR": ip}
        response = apart(
            app.test_client().post, PATH, data=body, headers=headers, environ_base=base
        )
        return int(response.status_code)

    try:
        assert {send("8.8.4.4", SIGNATURE) for _ in range(8)} == {200}
        assert [send("8.8.8.8", {}) for _ in range(5)] == [401, 401, 401, 429, 429]
        assert send("8.8.4.4", SIGNATURE) == 200
    finally:
        with app.app_context():
            db.engine.dispose()
        app.extensions["wechat"].close()
