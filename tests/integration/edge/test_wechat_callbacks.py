"""The address of WeChat's message push: its answers, its absence and its limits."""

import dataclasses
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from backend.extensions import db
from backend.factory import create_app
from miniprogram_api.edges import EDGES
from tests.factories import City
from tests.integration.edge.callers import apart, ask, error_of
from tests.pushing import AES_KEY, TOKEN, encrypted, openid_of, revoked, signed_query

PATH = "/callbacks/wechat"


@pytest.fixture
def client(city: City) -> Iterator[FlaskClient]:
    """An application that has the settings of the push, and limits."""
    settings = dataclasses.replace(
        city.settings,
        wechat_push_token=TOKEN,
        wechat_push_aes_key=AES_KEY,
        rate_limits="on",
        rate_limit_addresses="5/minute",
        rate_limit_false_notices="3/minute",
    )
    app = create_app(settings, EDGES)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()
    app.extensions["wechat"].close()


def test_without_its_settings_the_address_is_absent(city: City) -> None:
    for method in ("GET", "POST"):
        response = ask(city, method, PATH, data=b"{}")
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_the_console_reads_its_own_words_back_and_nobody_elses(client: FlaskClient) -> None:
    query = {**signed_query(), "echostr": "4375120948345356249"}
    response = apart(client.get, PATH, query_string=query)
    assert (response.status_code, response.text) == (200, "4375120948345356249")
    assert response.content_type.startswith("text/plain")
    forged = apart(client.get, PATH, query_string={**query, "nonce": "1"})
    assert (forged.status_code, forged.text) == (401, "")


def test_a_message_is_answered_success_and_its_resident_must_sign_in_again(
    city: City, client: FlaskClient
) -> None:
    openid = openid_of(city.resident())
    query, body = encrypted(revoked(openid), appid=city.settings.wechat_appid)
    for _ in range(3):
        response = apart(client.post, PATH, query_string=query, data=body)
        assert (response.status_code, response.text) == (200, "success")


def test_true_messages_are_never_limited_and_forged_ones_by_address(
    city: City, client: FlaskClient
) -> None:
    openid = openid_of(city.resident())
    query, body = encrypted(revoked(openid), appid=city.settings.wechat_appid)

    def send(ip: str, signature: str) -> int:
        given = {**query, "msg_signature": signature}
        base = {"REMOTE_ADDR": ip}
        response = apart(client.post, PATH, query_string=given, data=body, environ_base=base)
        return int(response.status_code)

    assert {send("8.8.4.4", query["msg_signature"]) for _ in range(8)} == {200}
    assert [send("8.8.8.8", "0") for _ in range(5)] == [401, 401, 401, 429, 429]
