"""Whatever is sent to any endpoint: a refusal with a code and a sentence, and nothing is stored."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest

from backend import clock
from backend.domain import tokens
from tests.factories import City
from tests.integration.edge.callers import Callers, Operation, ask, error_of, operations, stored

LONG = "a" * 10_240
# JSON texts put in the place of each field's value. What a field's own schema allows is left out.
VALUES = (
    *("null", "true", "false", "0", "-1", "1.5", "-0.5", "1000000000000", "9223372036854775808"),
    *(
        "-9223372036854775809",
        '""',
        '" "',
        '"12"',
        f'"{LONG}"',
        '"\U0001f600"',
        '"１２"',
        '"\u202e"',
    ),
    *("[]", "[1]", "{}", '{"a": 1}', '["\\ud800"]', '"-1"', '"1e9"', '"../.."', '"%00"'),
)
# JSON texts that no field may hold.
NEVER = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5_000),
    *(
        '"\\u0000"',
        '"abcdefgh\\u0000"',
        '"\\ud800"',
        '"\\udfff\\ud800"',
        "[" * 10_000 + "]" * 10_000,
    ),
    *("'a'", "undefined", "01", "0x10", "1_000", "", '"\t"', '"\\x00"'),
)
BODIES = {
    "nothing": b"",
    "no JSON": b"order_amount_fen=1",
    "half an object": b'{"request_id": ',
    "a list": b"[]",
    "null": b"null",
    "a text": b'"text"',
    "a number": b"1",
    "true": b"true",
    "no fields": b"{}",
    "nesting of lists": b"[" * 10_000 + b"]" * 10_000,
    "nesting of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "open brackets": b"[" * 60_000,
    "invalid UTF-8": b'{"request_id": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"request_id": "\xed\xa0\x80"}',
    "UTF-16": '{"request_id": "a"}'.encode("utf-16"),
}
CONTENT_TYPES = (None, "text/plain", "application/x-www-form-urlencoded", "application/xml",
                 "multipart/form-data; boundary=x", "application/jsonp", "\xe9")  # fmt: skip
QUERY_TEXTS = (
    *("", "%20", "-1", "0", "1.5", "1.0", "%2B1", "1_0", "+1", "NaN", "Infinity", "1e999", "0x10"),
    *("1000000000000", "9223372036854775808", "9" * 5_000, "true", "null", "text", "[]", "%7B%7D"),
    *("%00", "a%00", "%ff", "%ed%a0%80", "%F0%9F%98%80", "%EF%BC%91", "%D9%A1", LONG, "%0A", "%22"),
    *("86400", "1682640000", "2023-02-30", "2023-4-28", "2023-04-28T00:00:00", "10000-01-01"),
)
IDS = (
    *("%00", "a%00", "%ff", "%ed%a0%80", "%F0%9F%98%80", "%EF%BC%91", "%D9%A1", LONG, "9" * 10_240),
    *("..", "%2e%2e", "%2e%2e%2f", "-1", "1.5", "1e3", "0x1", "007", "%20", "9223372036854775808"),
    *("%27%20OR%201=1--", "*", "%25", "null", "NaN", "%0d%0a", "Q2-MAY%0a", "q2-may"),
)
# What a body's shape refuses reaches no database: for these, one is enough. A text of a query or a
# path may reach it, and is tried on both.
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"])


@pytest.fixture
def callers(city: City) -> Callers:
    return Callers.of(city)


def with_body(callers: Callers) -> list[Operation]:
    found = [operation for operation in operations(callers.city.app) if operation.body]
    assert len(found) >= 11
    return found


def test_a_body_that_is_not_spoiled_passes_the_edge(callers: Callers) -> None:
    """Else the refusals below would prove nothing."""
    for operation in with_body(callers):
        response = callers.send(operation, json=callers.valid_body(operation))
        # Without WeChat nobody signs in or binds a phone; a made-up refresh token is unknown.
        expected = (401, 503) if operation.guard == "public" or "/phone" in operation.path else ()
        if operation.path.endswith("/reversal"):
            expected = (409,)  # of this redemption a part was refunded just before
        assert response.status_code in (200, 201, 204, *expected), (str(operation), response.text)


@ONE_DATABASE
def test_a_field_of_any_wrong_value_is_refused_and_nothing_is_stored(callers: Callers) -> None:
    for operation in with_body(callers):
        before = stored()
        for name, text in _wrong_fields(callers, operation):
            response = callers.post_bytes(operation, text)
            assert response.status_code in (400, 413), (str(operation), name, text[:200])
            error_of(response)
        assert stored() == before, str(operation)


def _wrong_fields(callers: Callers, operation: Operation) -> Iterator[tuple[str, bytes]]:
    valid = callers.valid_body(operation)
    validator = jsonschema_rs.validator_for(operation.body or {})
    for name in valid:
        rest = {key: value for key, value in valid.items() if key != name}
        for value in VALUES:
            if not validator.is_valid(rest | {name: json.loads(value)}):
                yield name, _with_field(rest, name, value)
        for value in NEVER:
            yield name, _with_field(rest, name, value)
        yield f"{name} twice", _with_field(valid, name, json.dumps(valid[name]))
        if not validator.is_valid(rest):
            yield f"no {name}", json.dumps(rest).encode()
    for extra in ("extra", "resident_id", "discount_fen", "", "__proto__", LONG, "\x00", "\ud800"):
        yield "extra", json.dumps(valid | {extra: 1}).encode()


def _with_field(rest: dict[str, Any], name: str, value: str) -> bytes:
    others = "".join(f"{json.dumps(k)}: {json.dumps(v)}, " for k, v in rest.items())
    return f"{{{others}{json.dumps(name)}: {value}}}".encode()


@ONE_DATABASE
def test_a_body_that_is_no_object_of_fields_is_refused_and_nothing_is_stored(
    callers: Callers,
) -> None:
    for operation in with_body(callers):
        before = stored()
        for name, data in BODIES.items():
            response = callers.post_bytes(operation, data)
            assert response.status_code == 400, (str(operation), name)
            error_of(response)
        assert stored() == before, str(operation)


@ONE_DATABASE
def test_a_body_of_another_content_type_is_refused_and_nothing_is_stored(callers: Callers) -> None:
    for operation in with_body(callers):
        before, valid = stored(), json.dumps(callers.valid_body(operation))
        for content_type in CONTENT_TYPES:
            response = callers.send(operation, data=valid, content_type=content_type)
            assert response.status_code == 415, (str(operation), content_type)
            assert error_of(response)["code"] == "wrong_media_type"
        assert stored() == before, str(operation)


@ONE_DATABASE
def test_10_megabytes_are_refused_everywhere_by_length_and_chunked(callers: Callers) -> None:
    before, body = stored(), b" " * 10_000_000
    for operation in operations(callers.city.app):
        response = callers.post_bytes(operation, body)
        assert response.status_code == 413, str(operation)
        error_of(response)
        chunked = callers.send(
            operation,
            data=b"{}",
            headers={"Transfer-Encoding": "chunked"},
            content_type="application/json",
        )
        assert chunked.status_code == 411, str(operation)
        error_of(chunked)
    assert stored() == before


def test_a_query_of_any_wrong_value_is_refused_and_nothing_is_stored(callers: Callers) -> None:
    before = stored()
    found = [operation for operation in operations(callers.city.app) if operation.query]
    assert len(found) >= 4
    for operation in found:
        required = {p["name"]: callers.known[p["name"]] for p in operation.query if p["required"]}
        assert callers.send(operation, query_string=required).status_code == 200, str(operation)
        for parameter in operation.query:
            for text in QUERY_TEXTS:
                response = callers.send(operation, query_string=f"{parameter['name']}={text}")
                case = (str(operation), parameter["name"], text[:50], response.status_code)
                if _allows(parameter["schema"], text):
                    assert response.status_code in (200, 404), case
                else:
                    assert response.status_code == 400, case
                    error_of(response)
    assert stored() == before


def _allows(schema: dict[str, Any], text: str) -> bool:
    """Tell whether a parameter's schema allows a query text, read to the letter."""
    options = schema.get("anyOf", [schema])
    # Bytes that are no UTF-8 stay percent-encoded: so werkzeug reads them.
    value = unquote(text.replace("+", " "), errors="werkzeug.url_quote")
    for option in options:
        if option["type"] == "integer" and re.fullmatch("[0-9]{1,18}", value, re.ASCII):
            lowest = option.get("minimum", option.get("ge"))
            if lowest <= int(value) <= option.get("maximum", option.get("le")):
                return True
        if "pattern" in option and re.fullmatch(option["pattern"].strip("^$"), value):
            return True
    return False


def test_the_api_refuses_query_parameters_it_does_not_know_or_gets_twice(callers: Callers) -> None:
    for operation in operations(callers.city.app):
        if not operation.query or not operation.path.startswith(("/api/", "/bank/")):
            continue
        known = [(p["name"], callers.known.get(p["name"], 1)) for p in operation.query]
        for query in ([*known[:1], ("extra", "1")], [("extra", "")], [*known[:1], *known[:1]]):
            text = "&".join(f"{name}={value}" for name, value in query)
            response = callers.send(operation, query_string=text)
            assert response.status_code == 400, (str(operation), text)
            error_of(response)


def test_an_id_of_any_wrong_form_is_not_found_and_nothing_is_stored(callers: Callers) -> None:
    before = stored()
    found = [operation for operation in operations(callers.city.app) if "{" in operation.path]
    assert len(found) >= 10
    for operation in found:
        body = {"json": callers.valid_body(operation)} if operation.body else {}
        for text in IDS:
            path = re.sub(r"\{\w+\}", lambda _, text=text: text, operation.path)  # type: ignore[misc]  # mypy cannot type a lambda's default
            response = callers.ask(operation, path, **body)
            assert response.status_code == 404, (str(operation), text[:50])
            error_of(response)
    assert stored() == before


def _hostile_authorizations(callers: Callers, good: str) -> Iterator[str]:
    scheme, _, token = good.partition(" ")
    yield from (
        "",
        scheme,
        f"{scheme} ",
        f"Basic {token}",
        token,
        f"{scheme}{token}",
        "Bearer null",
    )
    yield from (
        f"{good}A",
        f"{good}=",
        good[:-1],
        f"{scheme} A{token}",
        f"{scheme} {token} {token}",
    )
    yield from (f"{scheme} {'A' * 8_192}", f"{scheme} {'.' * 8_192}", f"{scheme} \xe4\xb8\xad\xff")
    yield from (f"{scheme} {token.rpartition('.')[0]}", f"{scheme} {token.replace('.', '．')}")
    claims = tokens.read(token, key=callers.city.settings.token_key, now_s=0)
    over = claims._replace(expires_s=int(clock.now().timestamp()))
    yield f"{scheme} {tokens.issue(over, key=callers.city.settings.token_key)}"
    yield f"{scheme} {tokens.issue(claims, key=bytes(32))}"


def test_a_token_that_is_not_ours_or_over_opens_no_guarded_endpoint(callers: Callers) -> None:
    before = stored()
    for operation in operations(callers.city.app):
        if operation.guard in ("public", "partner"):  # a partner signs, and has no token:
            continue  # tests/integration/edge/bank_api/test_signature.py
        other = callers.people["clerk" if operation.guard == "resident" else "resident"]
        assert other is not None
        good = callers.headers(operation)["Authorization"]
        for text in _hostile_authorizations(callers, good):
            raw = text.encode().decode("latin-1") if not text.isascii() else text
            response = ask(
                callers.city,
                operation.method,
                callers.path(operation),
                environ_overrides={"HTTP_AUTHORIZATION": raw},
            )
            assert response.status_code == 401, (str(operation), text[:80])
            assert error_of(response)["code"] == "sign_in_required"
            assert response.headers["WWW-Authenticate"] == "Bearer"
        response = callers.send(operation, headers=other.headers)
        assert (response.status_code, error_of(response)["code"]) == (403, "wrong_role")
    assert stored() == before
