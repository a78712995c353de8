"""How large, how deep and how named a request may be: both sides of each limit."""

import json

import pytest
from werkzeug.test import TestResponse

from backend import clock
from backend.edge.http import MAX_DEPTH
from tests.factories import City
from tests.integration.edge.callers import ask, error_of

PATH = "/api/v1/sessions/revoke"  # anybody may call it, and it takes a body
VALID = json.dumps({"refresh_token": "a" * 43}).encode()


def send(city: City, data: bytes, **headers: str) -> TestResponse:
    return ask(city, "POST", PATH, data=data, content_type="application/json", headers=headers)


def test_a_body_may_have_64_kib_and_not_one_byte_more(city: City) -> None:
    limit = city.settings.request_body_max_bytes
    assert limit == 65_536
    assert send(city, VALID.ljust(limit)).status_code == 204
    over = send(city, VALID.ljust(limit + 1))
    assert (over.status_code, error_of(over)["code"]) == (413, "body_too_large")
    assert over.headers["Connection"] == "close"  # the unread rest is not the next request


def test_a_length_that_lies_does_not_help(city: City) -> None:
    claimed = ask(
        city, "POST", PATH, data=VALID, content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": "10000000"},
    )  # fmt: skip
    assert claimed.status_code == 413
    cut = ask(
        city, "POST", PATH, data=VALID, content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": "5"},
    )  # fmt: skip
    assert (cut.status_code, error_of(cut)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "gzip, chunked", "identity", ""])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_without_a_length_is_refused(city: City, method: str, coding: str) -> None:
    response = ask(
        city, method, PATH if method == "POST" else "/api/v1/time",
        data=VALID, content_type="application/json", headers={"Transfer-Encoding": coding},
    )  # fmt: skip
    assert (response.status_code, error_of(response)["code"]) == (411, "length_required")
    assert response.headers["Connection"] == "close"


def test_a_body_may_be_nested_20_deep_and_not_21(city: City) -> None:
    def nested(depth: int) -> bytes:
        inside = depth - 1  # the object itself is the first level
        return b'{"refresh_token": ' + b"[" * inside + b"]" * inside + b"}"

    assert MAX_DEPTH == 20
    fields = error_of(send(city, nested(20)))["details"]["fields"]
    assert "refresh_token" in fields["json"]  # it was read, and found to be no text
    assert error_of(send(city, nested(21)))["details"] == {}  # it was not read


def test_brackets_inside_a_text_are_no_nesting(city: City) -> None:
    body = json.dumps({"refresh_token": '[{"\\' * 100}).encode()
    assert "refresh_token" in error_of(send(city, body))["details"]["fields"]["json"]


@pytest.mark.parametrize("given", ["abcdefgh", "0" * 64, "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
def test_a_callers_request_id_is_taken_over(city: City, given: str) -> None:
    assert send(city, VALID, **{"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given", ["abcdefg", "0" * 65, "a b c d e f", "<script>x</script>", "é" * 9]
)
def test_a_request_id_of_another_form_is_replaced(city: City, given: str) -> None:
    response = send(city, b"[]", **{"X-Request-Id": given})
    assert response.headers["X-Request-Id"] != given
    assert len(error_of(response)["request_id"]) == 32


def test_every_answer_carries_the_servers_time_and_is_not_kept(city: City) -> None:
    for path in ("/healthz", "/api/v1/time", "/no-such"):
        response = ask(city, "GET", path)
        assert int(response.headers["X-Server-Time-Ms"]) == clock.to_ms(clock.now())
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_two_requests_in_one_application_context_have_two_callers(city: City) -> None:
    """A context that outlives a request must not lend the first caller's name to the second."""
    resident, clerk = city.resident(), city.clerk()
    own, merchants = "/api/v1/resident/me", "/api/v1/merchant/me"
    assert city.client.get(own, headers=resident.headers).status_code == 200
    assert city.client.get(own).status_code == 401
    assert city.client.get(own, headers=clerk.headers).status_code == 403
    assert city.client.get(merchants, headers=clerk.headers).status_code == 200
    assert city.client.get(merchants, headers=resident.headers).status_code == 403
