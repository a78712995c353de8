"""Whose call is believed: signed right, in time, once, from an address of the partner's."""

import ast
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from backend import clock
from backend.domain import partners as rules
from backend.services import partner_calls, partners
from tests.bank_parts import Bank, enter, mac
from tests.factories import City, MovableClock
from tests.integration.edge.callers import apart, ask, error_of, operations, stored

TIME = "/bank/v1/time"
QUOTES = "/bank/v1/discounts/quotes"
BODY = b'{"card_token": "t", "merchant_id": "TJ0003", "order_amount_fen": 100}'


def now_s() -> int:
    return int(clock.now().timestamp())


def send(
    app: APIFlask, method: str, path: str, headers: dict[str, str], **more: Any
) -> TestResponse:
    return apart(app.test_client().open, path, method=method, headers=headers, **more)


def refused(response: TestResponse) -> tuple[int, str]:
    assert "X-Signature" not in response.headers or response.status_code != 401
    return response.status_code, error_of(response)["code"]


WRONG = (401, "partner_signature_invalid")


def test_a_signed_call_is_answered_with_a_signature_that_the_bank_can_check(
    app: APIFlask, bank: Bank
) -> None:
    response = bank.ask(app, "GET", TIME, nonce="0123456789abcdef")
    assert response.status_code == 200
    assert response.get_json()["now_s"] == now_s()
    assert bank.believes(response, "0123456789abcdef")
    assert not bank.believes(response, "0123456789abcdeX")
    assert not bank.with_key("BANK01-1", "f" * 64).believes(response, "0123456789abcdef")


def test_a_refusal_is_signed_too_and_a_call_that_is_not_believed_gets_no_signature(
    app: APIFlask, bank: Bank
) -> None:
    response = bank.ask(app, "POST", QUOTES, json={}, nonce="0123456789abcdef")
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")
    assert bank.believes(response, "0123456789abcdef")
    response = send(app, "GET", TIME, {})
    assert refused(response) == WRONG
    assert "X-Signature" not in response.headers
    assert response.headers["WWW-Authenticate"] == "HUIQUAN-HMAC-SHA256"


def test_headers_may_come_in_any_order(app: APIFlask, bank: Bank) -> None:
    for order in (1, -1):
        headers = dict(list(bank.signed("GET", TIME, b"").items())[::order])
        assert send(app, "GET", TIME, headers).status_code == 200


def test_a_call_whose_method_path_query_or_body_was_changed_is_refused(
    city: City, bank: Bank
) -> None:
    path = "/bank/v1/merchants"
    sent = bank.signed("GET", f"{path}?since=1", b"")
    assert refused(send(city.app, "GET", path, sent)) == WRONG
    assert refused(send(city.app, "GET", f"{path}?since=2", sent)) == WRONG
    assert refused(send(city.app, "GET", f"{path}?since=1&", sent)) == WRONG
    assert refused(send(city.app, "GET", TIME, bank.signed("GET", path, b""))) == WRONG
    assert refused(send(city.app, "GET", path, bank.signed("POST", path, b""))) == WRONG
    json = {"content_type": "application/json"}
    body = bank.signed("POST", QUOTES, BODY)
    for changed in (BODY.replace(b"100", b"999"), BODY + b" ", b""):
        assert refused(send(city.app, "POST", QUOTES, body, data=changed, **json)) == WRONG
    assert send(city.app, "GET", f"{path}?since=1", sent).status_code == 200


@pytest.mark.parametrize("name", ["X-Partner", "X-Key-Id", "X-Timestamp", "X-Nonce", "X-Signature"])
def test_each_header_is_wanted_once_in_its_form_and_none_can_be_changed(
    app: APIFlask, bank: Bank, name: str
) -> None:
    enter(Bank("BANK02", "BANK02-1", "b" * 64))
    others = {
        "X-Partner": "BANK02",
        "X-Key-Id": "BANK02-1",
        "X-Timestamp": str(now_s() + 1),
        "X-Nonce": "another-nonce-0001",
        "X-Signature": "0" * 64,
    }
    good = bank.signed("GET", TIME, b"")
    for text in ("", " ", others[name], good[name] * 2, f"{good[name]}, {good[name]}", "\xe9", "٣"):
        raw = {f"HTTP_{name.upper().replace('-', '_')}": text.encode().decode("latin-1")}
        headers = {key: value for key, value in good.items() if key != name}
        response = send(app, "GET", TIME, headers, environ_overrides=raw)
        assert refused(response) == WRONG, text
    assert refused(send(app, "GET", TIME, {k: v for k, v in good.items() if k != name})) == WRONG
    assert send(app, "GET", TIME, good).status_code == 200


def test_a_time_300_seconds_off_is_believed_and_301_is_not(app: APIFlask, bank: Bank) -> None:
    for off_s in (-300, 300):
        assert bank.ask(app, "GET", TIME, at_s=now_s() + off_s).status_code == 200
    for off_s in (-301, 301):
        response = bank.ask(app, "GET", TIME, at_s=now_s() + off_s)
        assert refused(response) == (401, "partner_time_wrong")
        assert error_of(response)["details"] == {"server_time_s": now_s()}


def test_a_nonce_is_good_once_for_its_bank_as_long_as_its_time_is_believed(
    app: APIFlask, bank: Bank, moment: MovableClock
) -> None:
    other = enter(Bank("BANK02", "BANK02-1", "b" * 64))
    nonce = "once-and-never-again"
    ahead = bank.signed("GET", TIME, b"", at_s=now_s() + 300, nonce=nonce)
    assert send(app, "GET", TIME, ahead).status_code == 200
    assert other.ask(app, "GET", TIME, nonce=nonce).status_code == 200
    for seconds in (0, 300, 300):
        moment.move(seconds=seconds)
        partner_calls.forget_nonces()
        assert refused(send(app, "GET", TIME, ahead)) == (409, "partner_nonce_used")
    moment.move(seconds=1)
    assert partner_calls.forget_nonces() == 2
    assert refused(send(app, "GET", TIME, ahead)) == (401, "partner_time_wrong")


def test_a_nonce_sent_20_times_at_once_passes_once(app: APIFlask, bank: Bank) -> None:
    headers = bank.signed("GET", TIME, b"")

    def one(_: int) -> int:
        return app.test_client().get(TIME, headers=headers).status_code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(one, range(20))) == [200, *[409] * 19]


def test_a_wrong_waiting_or_retired_key_and_anothers_key_are_refused_alike(
    app: APIFlask, bank: Bank
) -> None:
    other = enter(Bank("BANK02", "BANK02-1", "b" * 64))
    waiting = bank.with_key("BANK01-2", partners.new_key("BANK01", "BANK01-2", actor="王"))
    for caller in (
        bank.with_key("BANK01-1", "f" * 64),
        bank.with_key("BANK01-9", bank.secret),
        Bank("BANK09", "BANK01-1", bank.secret),
        bank.with_key(other.key_id, other.secret),
        waiting,
    ):
        assert refused(caller.ask(app, "GET", TIME)) == WRONG
    partners.confirm_key("BANK01", "BANK01-2", actor="李")
    for caller in (bank, waiting):  # both count while the bank changes over
        assert caller.ask(app, "GET", TIME).status_code == 200
    partners.retire_key("BANK01", "BANK01-1", actor="王")
    assert refused(bank.ask(app, "GET", TIME)) == WRONG
    assert waiting.ask(app, "GET", TIME).status_code == 200


def test_a_call_from_an_address_that_is_not_the_partners_is_refused(
    app: APIFlask, bank: Bank
) -> None:
    for address, status in (("127.0.0.1", 200), ("203.0.113.9", 403), ("::1", 403)):
        response = bank.ask(app, "GET", TIME, environ_base={"REMOTE_ADDR": address})
        assert response.status_code == status, address
    assert refused(response) == (403, "partner_address_refused")
    partners.allow("BANK01", "203.0.113.0/28", actor="王")
    outside = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert bank.ask(app, "GET", TIME, **outside).status_code == 200
    partners.disallow("BANK01", "203.0.113.0/28", actor="王")
    assert bank.ask(app, "GET", TIME, **outside).status_code == 403
    partners.disallow("BANK01", "127.0.0.1/32", actor="王")
    assert bank.ask(app, "GET", TIME).status_code == 403  # an empty list allows nobody


def test_every_operation_of_the_interface_refuses_who_has_not_signed(
    city: City, bank: Bank
) -> None:
    found = [operation for operation in operations(city.app) if operation.guard == "partner"]
    assert len(found) >= 7
    path = {"file_name": "BANK01_20230427.csv", "file_id": 1}
    before = stored()
    for operation in found:
        target = operation.path.format_map(path)
        bearer = city.clerk().headers
        before = stored()
        for headers in ({}, bearer, bank.with_key("BANK01-1", "f" * 64).signed("GET", TIME, b"")):
            response = ask(city, operation.method, target, headers=headers, json={})
            assert refused(response) == WRONG, str(operation)
        assert stored() == before, str(operation)


def test_signatures_are_compared_in_constant_time_and_nowhere_by_equality() -> None:
    tree = ast.parse(inspect.getsource(rules.is_signature))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "compare_digest" in called
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    text = b"GET\n/bank/v1/time"
    right = mac("a" * 64, text.decode())
    assert rules.is_signature(right, secret="a" * 64, text=text)
    assert not rules.is_signature(right.upper(), secret="a" * 64, text=text)
